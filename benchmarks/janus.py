"""Adapter for Janus' videoroom over its WebSocket API, and Janus itself as a process with a configuration of its own.

Everything goes through one Janus session; a participant is a handle of it. Rooms are made when their publisher comes.
"""

import asyncio
import contextlib
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.endpoint import ConnectError, Endpoint
from benchmarks.target import Target, TargetError

START_TIMEOUT_S = 15.0
ANSWER_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0
FEED = 1
"""Every room has one publisher, and this is its id."""

Message = dict[str, Any]


class JanusSession:
    """One socket; requests are matched to answers by their transaction."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._reader = asyncio.create_task(self._read())
        self._id = 0
        self.rooms: dict[str, int] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator["JanusSession"]:
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(url, protocols=("janus-protocol",), max_msg_size=0) as socket,
        ):
            session = cls(socket)
            try:
                session._id = (await session.request({"janus": "create"}))["data"]["id"]
                yield session
            finally:
                session._reader.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await session._reader

    async def _read(self) -> None:
        async for raw in self._socket:
            if raw.type != aiohttp.WSMsgType.TEXT:
                break
            message: Message = raw.json()
            waiting = self._waiting.get(message.get("transaction", ""))
            # An `ack` only says that the plugin's `event` will follow.
            if waiting is not None and not waiting.done() and message.get("janus") != "ack":
                waiting.set_result(message)

    async def request(self, message: Message) -> Message:
        """`ConnectError` when Janus or its plugin refuses."""
        transaction = secrets.token_hex(8)
        future = self._waiting[transaction] = asyncio.get_running_loop().create_future()
        extra = {"session_id": self._id} if self._id else {}
        try:
            await self._socket.send_json({**message, **extra, "transaction": transaction})
            answer: Message = await asyncio.wait_for(future, ANSWER_TIMEOUT_S)
        except TimeoutError:
            raise ConnectError(f"Janus gave no answer to {message.get('body', message)}") from None
        finally:
            del self._waiting[transaction]
        data = answer.get("plugindata", {}).get("data", {})
        if answer.get("janus") == "error" or "error" in data:
            raise ConnectError(f"Janus refused: {answer.get('error') or data['error']}")
        return answer

    async def attach(self) -> int:
        return int((await self.request({"janus": "attach", "plugin": "janus.plugin.videoroom"}))["data"]["id"])

    async def ask(self, handle: int, body: Message, jsep: Message | None = None) -> Message:
        """A request to the plugin."""
        extra = {"jsep": jsep} if jsep is not None else {}
        return await self.request({"janus": "message", "handle_id": handle, "body": body, **extra})

    async def room(self, handle: int, name: str) -> int:
        """Its number; made if need be."""
        if name not in self.rooms:
            self.rooms[name] = number = len(self.rooms) + 1
            create = {"request": "create", "room": number, "publishers": 2, "audiocodec": "opus", "videocodec": "vp8"}
            await self.ask(handle, create)
        return self.rooms[name]


class JanusExchange:
    """One publisher, who offers, or one subscriber, who is offered to."""

    def __init__(self, session: JanusSession, room: str, *, publishes: bool) -> None:
        self._session = session
        self._room = room
        self._publishes = publishes
        self._handle = 0

    async def exchange(self, endpoint: Endpoint) -> str:
        session = self._session
        self._handle = handle = await session.attach()
        room = await session.room(handle, self._room)
        if self._publishes:
            await session.ask(handle, {"request": "join", "ptype": "publisher", "room": room, "id": FEED})
            offer = {"type": "offer", "sdp": endpoint.offer(setup="active")}
            return str((await session.ask(handle, {"request": "publish"}, offer))["jsep"]["sdp"])
        join = {"request": "join", "ptype": "subscriber", "room": room, "streams": [{"feed": FEED}]}
        offered = str((await session.ask(handle, join))["jsep"]["sdp"])
        await session.ask(handle, {"request": "start"}, {"type": "answer", "sdp": endpoint.answer(offered)})
        return offered

    async def close(self) -> None:
        handle, self._handle = self._handle, 0
        if handle:
            with contextlib.suppress(ConnectError, ConnectionError):
                await self._session.request({"janus": "detach", "handle_id": handle})


class JanusAdapter:
    def __init__(self, session: JanusSession) -> None:
        self._session = session

    def publisher(self, room: str) -> JanusExchange:
        return JanusExchange(self._session, room, publishes=True)

    def receiver(self, room: str) -> JanusExchange:
        return JanusExchange(self._session, room, publishes=False)

    def person(self, room: str) -> JanusExchange:
        raise ConnectError("a videoroom's participants receive on handles of their own, not where they publish")


@contextlib.asynccontextmanager
async def janus(host: str) -> AsyncIterator[tuple[Target, JanusAdapter]]:
    """Janus with media on `host`, which must not be a loopback address: libnice uses none. `TargetError`."""
    program = shutil.which("janus")
    if program is None:
        raise TargetError("there is no janus here: apt-get install janus (and stop its service: it is started here)")
    with tempfile.TemporaryDirectory(prefix="bench-janus-") as folder:
        port = _free_port()
        _configure(Path(folder), host, port)
        process = await asyncio.create_subprocess_exec(
            program,
            f"--configs-folder={folder}",
            f"--interface={host}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        url = f"ws://127.0.0.1:{port}"
        try:
            await _listening(process, port)
            async with JanusSession.opened(url) as session:
                yield Target(url, process.pid), JanusAdapter(session)
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while process.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                return
    except TimeoutError:
        raise TargetError(f"janus did not listen within {START_TIMEOUT_S} s") from None
    raise TargetError(f"janus ended with {process.returncode}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _configure(folder: Path, host: str, port: int) -> None:
    """ICE-lite, as Ciranda is; one transport, one plugin, sessions that need no keep-alive; all else is Janus' default."""
    other_transports = ",".join(f"libjanus_{name}.so" for name in ("http", "mqtt", "nanomsg", "pfunix", "rabbitmq"))
    (folder / "janus.jcfg").write_text(f"""
general: {{
    configs_folder = "{folder}"
    debug_level = 2
    session_timeout = 0
    broadcast = false
}}
nat: {{ ice_lite = true, ice_enforce_list = "{host}" }}
transports: {{ disable = "{other_transports}" }}
""")
    (folder / "janus.transport.websockets.jcfg").write_text(
        f'general: {{ json = "compact", ws = true, ws_port = {port}, ws_ip = "127.0.0.1", wss = false }}\n'
    )
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")
