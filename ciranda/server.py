"""The composition root: a media node, the front doors around it, and the HTTP sockets that they listen on.

`async with Server(Settings(http_port=0, media_port=0)) as server:` runs one inside any asyncio program, as many as
there are free ports. It handles no signals, configures no logging and keeps nothing outside of itself.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Self, cast

from aiohttp import web

from ciranda import token
from ciranda.rooms import Rooms
from metrics.endpoints import Endpoints
from sfu.config import Settings, is_loopback
from sfu.log import get_logger
from sfu.node import Node
from signaling.api.status import SAMPLER
from signaling.app import add_pages, create_app
from signaling.context import CONTEXT
from signaling.http_log import HttpLog
from signaling.listener import Listener
from signaling.own_stun import own_urls

KEEPALIVE_S = 75.0
"""How long an idle HTTP connection is kept: longer than the 60 s of usual reverse proxies, which must close first."""
LINGER_S = 2.0
"""How long the rest of a refused body is read, so that the client sees the refusal rather than a reset."""
GRACE_S = 1.0
"""For HTTP requests that are being answered when the server closes."""

log = get_logger(__name__)


class Server:
    """One media server with its front doors. `start` and `close` may be called once each, or use `async with`."""

    def __init__(self, settings: Settings | None = None, **overrides: Any) -> None:
        """`overrides` are settings by name. `ValueError` names the one that cannot be used."""
        given = settings.model_dump() if settings is not None else {}
        self.settings = Settings(**(given | overrides)) if overrides or settings is None else settings
        self.node = Node(self.settings)
        self.rooms = Rooms(self.node)
        self._app = create_app(self.node)
        self._operations = Endpoints(self.node, lambda: self._ready, self._app[CONTEXT].door_counts)
        self._operations.add_routes(self._app.router)
        self._app[SAMPLER] = self._operations.sampler
        add_pages(self._app)
        self._runner: web.AppRunner | None = None
        self._listener: Listener | None = None
        self._ready = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Listen. `OSError` if a port is taken; then nothing stays open."""
        await self._start(self._listen)
        log.info("ready", http=self.url, media=self.media)

    def mount(self, parent: web.Application, prefix: str) -> None:
        """Answer below a path (`/meet`) of another aiohttp application, which must not run yet. It then starts and closes this
        server; `start` and the settings of HTTP's socket are not for use, and its own middlewares see every request first.
        """
        parent.add_subapp(prefix, self._app)
        parent.cleanup_ctx.append(self._run_below)
        # Cleanup comes after the last request has ended, and a WebSocket ends when it is told to.
        parent.on_shutdown.append(self._close_below)

    async def _run_below(self, _parent: web.Application) -> AsyncIterator[None]:
        await self._start(listen=None)
        log.info("ready", http=None, media=self.media)
        yield
        await self.close()

    async def _close_below(self, _parent: web.Application) -> None:
        await self.close()

    async def _start(self, listen: Callable[[], Awaitable[None]] | None) -> None:
        self._check_exposure()
        try:
            await self.node.start()
            await self._set_own_stun_aside()
            if listen is not None:
                await listen()
            self._operations.sampler.start()
        except BaseException:
            await self.close()
            raise
        self._ready = True

    async def close(self) -> None:
        """Tell everybody why, end their sessions, stop listening. Safe to call twice.

        It takes at most `shutdown_seconds`, and a second for requests that are being answered.
        """
        self._ready = False
        started_s = time.monotonic()
        limit_s = self.settings.shutdown_seconds
        try:
            async with asyncio.timeout(limit_s):
                await self._app[CONTEXT].close()
                await self.node.close()
        except TimeoutError:
            log.warning("shutdown_cut_short", after_s=limit_s, rooms=len(self.node.rooms))
            # Who has left is not asked again; the worker threads and their ports must go in any case.
            await self.node.close()
        await self._operations.sampler.close()
        if self._listener is not None:
            self._listener.close()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
            log.info("stopped", seconds=round(time.monotonic() - started_s, 3))

    @property
    def running(self) -> bool:
        """Between the end of `start` and the beginning of `close`."""
        return self._ready

    @property
    def url(self) -> str:
        """Where HTTP listens, with the port that was really taken."""
        if self._listener is None or self._listener.address is None:
            raise RuntimeError("the server is not running")
        host, port = self._listener.address
        scheme = "https" if self.settings.tls_cert is not None else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def token(
        self,
        room: str,
        *,
        name: str | None = None,
        identity: str | None = None,
        admin: bool = False,
        hours: float = token.DEFAULT_HOURS,
    ) -> str:
        """Lets somebody into a room, signed with the first API key; `ValueError` where there is none. The page takes it as
        `/ROOM#token=…`. `identity`: by which they are known again, by default their name; `admin`: they keep order there.
        """
        for key, secret in self.settings.api_secrets.items():
            return token.make(key, secret, room=room, name=name, identity=identity, admin=admin, hours=hours)
        raise ValueError("without an api_key rooms are open and nobody needs a token")

    @property
    def media_addresses(self) -> tuple[tuple[str, int], ...]:
        """Where media listens (UDP)."""
        return self.node.addresses

    @property
    def media(self) -> list[str]:
        """Where media listens, as `127.0.0.1:3478/udp`: every UDP port, then the TCP ports."""
        kinds = ("udp", "tcp") if self.settings.media_tcp else ("udp",)
        hosts = [(f"[{host}]" if ":" in host else host, port) for host, port in self.media_addresses]
        return [f"{host}:{port}/{kind}" for kind in kinds for host, port in hosts]

    def _check_exposure(self) -> None:
        """Settings refuse this when they are made; copies of settings made without validation are refused here."""
        hosts = (self.settings.http_host, self.settings.effective_media_host)
        if not self.settings.api_key and not self.settings.insecure and not all(map(is_loopback, hosts)):
            raise ValueError("without an api_key the server listens on loopback only, unless settings say insecure")

    async def _set_own_stun_aside(self) -> None:
        """Clients would have no UDP to a server that is their STUN server too; see `signaling.ice_servers`."""
        own = {candidate.address for port in self.node.ports for candidate in port.candidates}
        urls = await own_urls(self.settings.ice_server, own)
        self._app[CONTEXT].ice_servers.set_aside(urls)
        for url in urls:
            log.warning("ice_server_is_this_server", url=url, handed_out="for direct calls only")

    async def _listen(self) -> None:
        runner = web.AppRunner(
            self._app,
            handle_signals=False,
            access_log=None,
            logger=HttpLog(self._app[CONTEXT].count_malformed),
            auto_decompress=False,
            keepalive_timeout=KEEPALIVE_S,
            lingering_time=LINGER_S,
            shutdown_timeout=GRACE_S,
        )
        await runner.setup()
        self._runner = runner
        make = cast("Callable[[], asyncio.Protocol]", runner.server)
        self._listener = Listener(make, self._app[CONTEXT].connections, self._tls())
        await self._listener.start(self.settings.http_host, self.settings.http_port)

    def _tls(self) -> ssl.SSLContext | None:
        if self.settings.tls_cert is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.settings.tls_cert, self.settings.tls_key)
        except ssl.SSLError as error:
            pair = f"{self.settings.tls_cert} and {self.settings.tls_key}"
            raise OSError(f"{pair} are no certificate and its key: {error.reason or error}") from error
        return context
