"""One client's WebSocket: frames in, messages out, and how it ends.

A reader hands messages to the handlers, one after the other (so a participant's negotiations never overlap); a writer
empties the outbox. Neither waits for the other: a client that does not read is let go (`slow_reader`). What messages mean
is decided in `handlers`.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web

from sfu import events
from sfu.errors import ProtocolError, RemoteError
from sfu.ids import RoomName
from sfu.log import get_logger
from sfu.participant import Participant
from sfu.rate import Share, TokenBucket
from sfu.waiting_room import Waiting
from signaling import client_messages, server_messages
from signaling.context import CONTEXT, Context
from signaling.cors import socket_origin_allowed
from signaling.handlers import admitted, handle
from signaling.names import room_name
from signaling.outbox import Outbox
from signaling.relay_passwords import RelayPasswords
from signaling.responses import HttpError
from signaling.translation import encode_event

FLUSH_S = 1.0
"""How long a closing socket's last messages and its closing handshake may take."""

LOOP_SHARE = 0.1
"""Of the event loop's processor time, what the messages of one client may take in the long run. Who has used it up waits: offers
and mutes in a crowded room cost milliseconds each, and everybody else has to be served too."""
LOOP_BURST_S = 0.5
"""Processor time at once: joining with many tracks and slots takes a tenth of it."""

CLOSE_CODES = {
    "left": 1000,
    "removed": 1000,
    "closed": 1000,
    "replaced": 1000,
    "shutting_down": 1001,
    "internal": 1011,
    "slow_reader": 1013,
    "room_full": 1013,
    "waiting_room_full": 1013,
    "waiting_timeout": 1013,
    "limit_reached": 1013,
    "rate_limited": 1013,
}
"""Reason → code of RFC 6455, section 7.4; every other reason is a policy violation, 1008."""

log = get_logger(__name__)


class Client:
    """A socket and, once it has joined, its participant."""

    def __init__(self, context: Context, room: RoomName, request: web.Request) -> None:
        self.context = context
        self.room = room
        self.address = context.address_of(request)
        self.participant: Participant | None = None
        self.waiting: Waiting | None = None
        self.relay_passwords = RelayPasswords(lambda: context.ice_servers, self.send)
        self.log = log.bind(room=room)
        self.admission: RemoteError | None = None
        """Why this client may not join, found out before it asked."""
        self._request = request
        self._socket = web.WebSocketResponse(
            # Without a pong within half of it the socket counts as lost.
            heartbeat=context.settings.heartbeat_seconds,
            max_msg_size=context.settings.max_message_bytes,
            compress=False,
            autoping=False,  # pings count as messages, so they must be seen: an empty one is six bytes
            timeout=FLUSH_S,
        )
        self._rate = TokenBucket(context.settings.messages_per_second, context.settings.message_burst)
        self._share = Share(LOOP_SHARE, LOOP_BURST_S)
        self._join_limit: asyncio.Timeout | None = None
        self._outbox = Outbox(context.settings.outgoing_messages)
        self._ended = asyncio.Event()
        self._closing: str | None = None
        self._held: list[events.RoomEvent] | None = None

    # -- for handlers -----------------------------------------------------------------------------------------------

    def send(self, message: server_messages.ServerMessage) -> None:
        """Queue a message. Never blocks, never raises."""
        self._queue(message.model_dump_json())

    def attach(self, participant: Participant) -> None:
        """From now on this socket speaks for `participant`."""
        self.participant = participant
        self.log = self.log.bind(participant=participant.id)

    def listen(self, event: events.RoomEvent) -> None:
        """The participant's listener."""
        if isinstance(event, events.Closed):
            # The participant has left, or belongs to another socket: it is not ours to detach.
            self.participant = self.waiting = None
            self.close(event.reason)
        elif isinstance(event, events.TurnedAway):
            self.waiting = None
            self.fail(event.code, event.message)
        elif isinstance(event, events.Admitted):
            admitted(self, event)
        elif self._held is not None:
            self._held.append(event)
        elif (text := encode_event(event)) is not None:
            self._queue(text)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Events that come meanwhile are sent afterwards: an answer first, then what it changed."""
        self._held = []
        try:
            yield
        finally:
            waiting, self._held = self._held, None
            for event in waiting:
                self.listen(event)

    def refuse(self, error: RemoteError, *, request_id: int | None = None) -> None:
        """Say what was wrong; before the join there is nothing to go on with, so the socket closes."""
        fatal = self.participant is None and self.waiting is None
        self.context.refused["websocket", error.code] += 1
        self.send(server_messages.Error(code=error.code, message=error.message, id=request_id, fatal=fatal))
        if fatal:
            self.close(error.code)

    def fail(self, code: str, message: str) -> None:
        """Say what was wrong and close."""
        self.context.refused["websocket", code] += 1
        self.send(server_messages.Error(code=code, message=message, fatal=True))
        self.close(code)

    def close(self, reason: str) -> None:
        """Send what is queued, then `closed`, then close the socket. The first reason counts."""
        if self._closing is None:
            self._closing = reason
            self._outbox.seal(server_messages.Closed(reason=reason).model_dump_json())

    # -- life -------------------------------------------------------------------------------------------------------

    async def run(self) -> web.WebSocketResponse:
        """From the upgrade to the end of the socket."""
        await self._socket.prepare(self._request)
        self.context.clients.add(self)
        reader = asyncio.create_task(self._read())
        writer = asyncio.create_task(self._outbox.send_to(self._socket))
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            if self._closing is not None and self._closing != "slow_reader":
                await asyncio.wait({writer}, timeout=FLUSH_S)
        finally:
            self.context.clients.discard(self)
            reader.cancel()
            writer.cancel()
            self._let_go()
            for result in await asyncio.gather(reader, writer, return_exceptions=True):
                if isinstance(result, Exception):
                    self.log.error("socket_failed", exc_info=result)
            await self._close_socket()
            self._ended.set()
        return self._socket

    async def shut_down(self) -> None:
        """The server closes; the participant leaves with its room."""
        self.close("shutting_down")
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * FLUSH_S):
                await self._ended.wait()

    def _let_go(self) -> None:
        self.relay_passwords.close()
        waiting, self.waiting = self.waiting, None
        room = self.context.node.rooms.get(self.room)
        if waiting is not None and room is not None:
            room.reception.waiting.detach(waiting, time.monotonic())
        participant, self.participant = self.participant, None
        if participant is not None and not participant.left:
            participant.detach()
            self.log.info("signalling_lost", reason=self._closing or "disconnected")

    async def _close_socket(self) -> None:
        reason = self._closing
        if reason is not None:
            count = self.context.closed_sockets
            count[reason] = count.get(reason, 0) + 1
            self.log.info("socket_closed", reason=reason)
        code = CLOSE_CODES.get(reason or "left", 1008)
        # Suppressed: a peer that does not even take a closing frame. Its connection is cut below.
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(FLUSH_S):
                await self._socket.close(code=code, message=(reason or "").encode()[:120])
        transport = self._request.transport
        if transport is not None and transport.get_write_buffer_size():
            transport.abort()

    async def _read(self) -> None:
        if self.admission is not None:
            self.refuse(self.admission)
            return
        limit = self.context.settings.join_timeout_seconds
        try:
            async with asyncio.timeout(limit) as self._join_limit:
                going = True
                while going and self.participant is None and self.waiting is None:  # a ping is no join
                    going = await self._read_one()
        except TimeoutError:
            self.fail("not_joined", f"no join came within {limit:g} s")
            return
        while going and self._closing is None:
            going = await self._read_one()

    async def _read_one(self) -> bool:
        frame = await self._socket.receive()
        if frame.type is WSMsgType.ERROR and isinstance(frame.data, WebSocketError):
            # Told by the close frame's code (RFC 6455, section 7.4.1), which the framework has sent.
            self._end("too_large" if frame.data.code == WSCloseCode.MESSAGE_TOO_BIG else "malformed")
        if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG):
            return False
        if not self._rate.take(time.monotonic()):
            self.fail("rate_limited", "too many messages")
        elif frame.type is WSMsgType.BINARY:
            self.refuse(ProtocolError("messages are text frames"))
        elif frame.type is WSMsgType.PING:
            with suppress(ConnectionError):  # the next receive says that the socket is lost
                await self._socket.pong(frame.data)
        elif frame.type is WSMsgType.TEXT:
            if self._join_limit is not None:
                # A join, or the end: what follows is our time, not the client's.
                self._join_limit.reschedule(None)
                self._join_limit = None
            await self.context.turns.take(self._share.spent(time.monotonic()))
            started_s = time.thread_time()
            await self._handle(frame.data)
            await asyncio.sleep(self._share.spend(time.thread_time() - started_s, time.monotonic()))
        return self._closing is None

    async def _handle(self, text: str) -> None:
        request_id = None
        if self.participant is not None:
            structlog.contextvars.bind_contextvars(participant=self.participant.id)
        try:
            message = client_messages.parse(text)
            request_id = getattr(message, "id", None)
            await handle(self, message)
        except RemoteError as error:
            self.refuse(error, request_id=request_id)
        except Exception:
            self.log.exception("handler_failed")
            self.fail("internal", "this is a fault of the server, and it is logged")

    def _end(self, reason: str) -> None:
        """Nothing can be sent any more."""
        if self._closing is None:
            self._closing = reason
        self._outbox.clear()
        self._outbox.seal()

    def _queue(self, text: str) -> None:
        if self._closing is not None or self._outbox.put(text):
            return
        # Whatever waits would never be read: the connection is cut, which ends the writer.
        self._end("slow_reader")
        transport = self._request.transport
        if transport is not None:
            transport.abort()


async def websocket(request: web.Request) -> web.StreamResponse:
    """`GET /ws/{room}`."""
    context = request.app[CONTEXT]
    room = room_name(request.match_info["room"])
    if not socket_origin_allowed(request):
        raise HttpError("pages of this origin may not connect", code="permission_denied", status=403)
    if not web.WebSocketResponse().can_prepare(request).ok:
        raise HttpError("this is a WebSocket: send an upgrade", code="bad_request", status=426)
    client = Client(context, room, request)
    try:
        context.check_open()
        context.check_rate(request)
    except RemoteError as error:
        # Told over the socket: a browser's page never sees the status of a refused upgrade.
        client.admission = error
    with structlog.contextvars.bound_contextvars(room=room):
        return await client.run()
