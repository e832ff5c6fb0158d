"""The page and its modules, served from memory: read and compressed once at the start, so no path ever reaches the disk.

The page names its files by a path that holds the version of all of them, and modules name each other relative to themselves: so
browsers keep every file for good, and ask for nothing but the page when they come again. Without the version in its path, for
pages of other people, a file is asked for again each time, and answered with 304 while it is the same.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from sfu.errors import RemoteError
from signaling.names import room_name
from signaling.prefix import ROOT, prefix_of

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
VERSIONED = re.compile(r"v-[0-9a-f]{16}/")
FOR_GOOD = "public, max-age=31536000, immutable"
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
        self._version = f"v-{_digest(*(asset.etag.encode() for asset in self._assets.values()))[:16]}/"
        for name in [name for name in self._assets if name.endswith(".html")]:
            named = self._assets[name].body.replace(b'="/static/', b'="/static/' + self._version.encode())
            self._assets[name] = _asset(named, ".html")
        self._below: dict[tuple[str, str], Asset] = {}
        self._robots = _asset(ROBOTS, ".txt")

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """`/{room}` takes every other first segment, so these come after all others."""
        router.add_get("/static/{path:.+}", self.static)
        router.add_get("/favicon.ico", self.favicon)
        router.add_get("/robots.txt", self.robots)
        router.add_get("/status", self.status)
        router.add_get("/", self.index, name=ROOT)
        router.add_get("/{room}", self.room)

    async def index(self, request: web.Request) -> web.Response:
        return self._serve(request, self._html(request, "index.html"))

    async def room(self, request: web.Request) -> web.Response:
        """Where the name is none, a browser gets the page too: it says so in words that a person can use."""
        try:
            room_name(request.match_info["room"])
        except RemoteError as error:
            if "text/html" in request.headers.get("Accept", ""):
                return self._serve(request, self._html(request, "index.html"), status=404)
            raise RemoteError(error.message, code="not_found") from None
        return await self.index(request)

    async def static(self, request: web.Request) -> web.Response:
        """A page that was opened before an update may ask for an older version: it gets the present one, not for good."""
        path = request.match_info["path"]
        version = VERSIONED.match(path)
        asset = self._assets.get(path[version.end() :] if version else path)
        kept = version is not None and version[0] == self._version
        return self._serve(request, asset, cache=FOR_GOOD if kept else "no-cache")

    async def favicon(self, request: web.Request) -> web.Response:
        return self._serve(request, self._assets.get("favicon.ico") or self._assets.get("favicon.svg"))

    async def status(self, request: web.Request) -> web.Response:
        """The operators' page. It shows what the administration API tells whoever looks at it."""
        return self._serve(request, self._html(request, "status.html"))

    async def robots(self, request: web.Request) -> web.Response:
        """Rooms are nobody's search result."""
        return self._serve(request, self._robots)

    def _html(self, request: web.Request, name: str) -> Asset | None:
        """A page that names its files below the prefix of the application that it is asked of."""
        prefix, page = prefix_of(request), self._assets.get(name)
        if not prefix or page is None:
            return page
        if (prefix, name) not in self._below:
            body = page.body.replace(b'="/static/', b'="' + prefix.encode() + b"/static/")
            self._below[prefix, name] = _asset(body, ".html")
        return self._below[prefix, name]

    def _serve(
        self, request: web.Request, asset: Asset | None, *, status: int = 200, cache: str = "no-cache"
    ) -> web.Response:
        if asset is None:
            raise RemoteError("there is no such file", code="not_found")
        packed = asset.packed if _takes_gzip(request.headers.get("Accept-Encoding", "")) else None
        etag = asset.etag if packed is None else f"{asset.etag}-gzip"
        headers = {"ETag": f'"{etag}"', "Cache-Control": cache, "Vary": "Accept-Encoding"}
        if status == 200 and any(tag.value in ("*", etag) for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = asset.content_type
        if packed is not None:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=asset.body if packed is None else packed, headers=headers, status=status)


def _asset(body: bytes, suffix: str) -> Asset:
    packed = gzip.compress(body, compresslevel=9, mtime=0)
    return Asset(body, packed if len(packed) < len(body) else None, TYPES[suffix], _digest(body)[:32])


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _takes_gzip(accepted: str) -> bool:
    """Whether a client that says so in Accept-Encoding takes gzip."""
    for part in accepted.lower().split(","):
        coding, _, quality = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
