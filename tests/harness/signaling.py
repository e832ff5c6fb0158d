"""A client of the WebSocket protocol, written against PROTOCOL.md alone: it shares no code with the server.

Owns one socket and what the server said on it. Knows no peer connection: `participant.py` puts the two together.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

import aiohttp

Message = dict[str, Any]


class SignalingError(Exception):
    """The server answered with an `error` message."""

    def __init__(self, message: Message) -> None:
        super().__init__(f"{message['code']}: {message['message']}")
        self.code: str = message["code"]


class Signaling:
    """`async with Signaling(server.url, room) as signaling`, then `join`."""

    def __init__(self, url: str, room: str) -> None:
        self._address = f"{url}/ws/{room}"
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self._news = asyncio.Condition()
        self.log: list[Message] = []
        self.participants: dict[str, Message] = {}
        self.slots: list[Message] = []
        self.speakers: list[str] = []
        self.welcome: Message = {}
        self.on_slots_needed: Callable[[int, int], Awaitable[None]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        try:
            self._socket = await self._http.ws_connect(self._address)
        except BaseException:
            await self._http.close()
            raise
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes the socket without a `leave`, as a lost connection would."""
        await self._socket.close()
        await asyncio.gather(self._reader, *self._tasks)
        await self._http.close()

    async def join(self, name: str, **fields: Any) -> Message:
        """Raises `SignalingError` when refused. Gives the `welcome`."""
        await self.send({"type": "join", "version": 1, "name": name, **fields})
        found = await self.wait_for(lambda m: m["type"] in ("welcome", "error"))
        if found["type"] == "error":
            raise SignalingError(found)
        return found

    async def offer(self, connection: str, sdp: str, tracks: Sequence[Message]) -> Message:
        """Raises `SignalingError` when refused. Gives the `answer`."""
        number = next(self._ids)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self.send({"type": "offer", "id": number, "connection": connection, "sdp": sdp, "tracks": list(tracks)})
        return await asyncio.wait_for(self._answers[number], 10)

    async def leave(self) -> None:
        await self.send({"type": "leave"})

    async def send(self, message: Message) -> None:
        await self._socket.send_json(message)

    async def wait_for(self, matches: Callable[[Message], bool], *, within_s: float = 10.0) -> Message:
        """The first message, of all that came so far and will come, that matches."""

        def found() -> Message | None:
            return next((message for message in self.log if matches(message)), None)

        try:
            async with asyncio.timeout(within_s), self._news:
                await self._news.wait_for(lambda: found() is not None)
        except TimeoutError:
            raise AssertionError(f"no such message within {within_s} s; there were {self.log}") from None
        message = found()
        assert message is not None
        return message

    async def until(self, holds: Callable[[], bool], *, within_s: float = 10.0, what: str) -> None:
        """Waits until what the messages say makes `holds` true."""
        try:
            async with asyncio.timeout(within_s), self._news:
                await self._news.wait_for(holds)
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s: {what}; messages: {self.log}") from None

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                break
            await self._take(frame.json())
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.cancel()

    async def _take(self, message: Message) -> None:
        handle = getattr(self, f"_on_{message['type']}", None)
        if handle is not None:
            handle(message)
        async with self._news:
            self.log.append(message)
            self._news.notify_all()

    def _on_welcome(self, message: Message) -> None:
        self.welcome = message
        self.participants = {p["id"]: p for p in message["participants"]}

    def _on_answer(self, message: Message) -> None:
        self._answers[message["id"]].set_result(message)

    def _on_error(self, message: Message) -> None:
        waiting = self._answers.get(message.get("id", 0))
        if waiting is not None and not waiting.done():
            waiting.set_exception(SignalingError(message))

    def _on_participant_joined(self, message: Message) -> None:
        self.participants[message["participant"]["id"]] = message["participant"]

    def _on_participant_left(self, message: Message) -> None:
        self.participants.pop(message["participant"], None)

    def _on_track_added(self, message: Message) -> None:
        self._on_track_removed({"participant": message["participant"], "track": message["track"]["id"]})
        self.participants[message["participant"]]["tracks"].append(message["track"])

    def _on_track_changed(self, message: Message) -> None:
        self._on_track_added(message)

    def _on_track_removed(self, message: Message) -> None:
        participant = self.participants.get(message["participant"])
        if participant is not None:
            participant["tracks"] = [t for t in participant["tracks"] if t["id"] != message["track"]]

    def _on_slots(self, message: Message) -> None:
        self.slots = message["slots"]

    def _on_speakers(self, message: Message) -> None:
        self.speakers = message["participants"]

    def _on_slots_needed(self, message: Message) -> None:
        if self.on_slots_needed is not None:
            task = asyncio.create_task(self._add_slots(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _add_slots(self, message: Message) -> None:
        assert self.on_slots_needed is not None
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await self.on_slots_needed(message["audio"], message["video"])
