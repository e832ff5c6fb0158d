"""The page and its modules, served from memory: read and compressed once at the start, so no path ever reaches the disk."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from sfu.errors import RemoteError
from signaling.names import room_name

WEB = Path(__file__).parent / "web"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
ROBOTS = b"User-agent: *\nDisallow: /\n"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    body: bytes
    packed: bytes | None
    """Compressed by gzip, where that makes it smaller."""
    content_type: str
    etag: str


class Pages:
    """The files below `root`, by their path in the URL."""

    def __init__(self, root: Path = WEB) -> None:
        files = sorted(path for path in root.rglob("*") if path.is_file() and path.suffix in TYPES)
        self._assets = {path.relative_to(root).as_posix(): _asset(path.read_bytes(), path.suffix) for path in files}
        self._robots = _asset(ROBOTS, ".txt")

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """`/{room}` takes every other first segment, so these come after all others."""
        router.add_get("/static/{path:.+}", self.static)
        router.add_get("/favicon.ico", self.favicon)
        router.add_get("/robots.txt", self.robots)
        router.add_get("/", self.index)
        router.add_get("/{room}", self.room)

    async def index(self, request: web.Request) -> web.Response:
        return self._serve(request, self._assets.get("index.html"))

    async def room(self, request: web.Request) -> web.Response:
        """Where the name is none, a browser gets the page too: it says so in words that a person can use."""
        try:
            room_name(request.match_info["room"])
        except RemoteError as error:
            if "text/html" in request.headers.get("Accept", ""):
                return self._serve(request, self._assets.get("index.html"), status=404)
            raise RemoteError(error.message, code="not_found") from None
        return await self.index(request)

    async def static(self, request: web.Request) -> web.Response:
        return self._serve(request, self._assets.get(request.match_info["path"]))

    async def favicon(self, request: web.Request) -> web.Response:
        return self._serve(request, self._assets.get("favicon.ico") or self._assets.get("favicon.svg"))

    async def robots(self, request: web.Request) -> web.Response:
        """Rooms are nobody's search result."""
        return self._serve(request, self._robots)

    def _serve(self, request: web.Request, asset: Asset | None, *, status: int = 200) -> web.Response:
        if asset is None:
            raise RemoteError("there is no such file", code="not_found")
        packed = asset.packed if _takes_gzip(request.headers.get("Accept-Encoding", "")) else None
        etag = asset.etag if packed is None else f"{asset.etag}-gzip"
        headers = {"ETag": f'"{etag}"', "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if status == 200 and any(tag.value in ("*", etag) for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = asset.content_type
        if packed is not None:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=asset.body if packed is None else packed, headers=headers, status=status)


def _asset(body: bytes, suffix: str) -> Asset:
    packed = gzip.compress(body, compresslevel=9, mtime=0)
    etag = hashlib.sha256(body).hexdigest()[:32]
    return Asset(body, packed if len(packed) < len(body) else None, TYPES[suffix], etag)


def _takes_gzip(accepted: str) -> bool:
    """Whether a client that says so in Accept-Encoding takes gzip."""
    for part in accepted.lower().split(","):
        coding, _, quality = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
