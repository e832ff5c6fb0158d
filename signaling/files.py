"""`/files`: a file is sent into a room by who is in it, and fetched by whoever has its address, which nobody can guess.

What lies here was written by strangers. It is given out as a download only, never as a page of this site: no type but harmless
pictures' is believed, nothing is sniffed, and a policy of its own keeps it from running anything.
"""

import asyncio
import re
import time
from collections import Counter
from contextlib import suppress
from urllib.parse import quote

from aiohttp import web

from sfu.errors import LimitError, PermissionDeniedError, RemoteError
from sfu.ids import ParticipantId, RoomName
from sfu.log import get_logger
from sfu.participant import Participant
from sfu.rate import KeyedBuckets
from sfu.room import Room
from sfu.views import FileView
from signaling.auth import TokenError
from signaling.context import Context
from signaling.file_store import Upload
from signaling.http_body import bearer_token, refuse_compressed
from signaling.names import file_name, room_name
from signaling.prefix import prefix_of
from signaling.responses import HttpError

log = get_logger(__name__)

CHUNK_BYTES = 65_536
"""Written at once, however small the pieces are in which they come."""
STALL_S = 15.0
"""Without a byte for so long, an upload ends."""
UPLOAD_S = 600.0
"""An upload's longest life."""
UPLOADS_AT_ONCE = 2
"""Of one participant."""
UPLOADS_PER_SECOND, UPLOAD_BURST = 0.5, 20.0
"""Of one participant."""
DOWNLOADS_PER_SECOND, DOWNLOAD_BURST = 20.0, 200.0
"""Of one address."""

SHOWN_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
"""What may be shown inside of the page; everything else comes as bytes of no type."""
ANY_TYPE = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}", re.ASCII)
POLICY = "default-src 'none'; sandbox"


class Files:
    """Of one server."""

    def __init__(self, context: Context) -> None:
        self.store = context.file_store
        self._context = context
        self._running: Counter[ParticipantId] = Counter()
        self._uploads = KeyedBuckets(UPLOADS_PER_SECOND, UPLOAD_BURST)
        self._downloads = KeyedBuckets(DOWNLOADS_PER_SECOND, DOWNLOAD_BURST)

    def add_routes(self, app: web.Application) -> None:
        app[FILES] = self
        app.router.add_post("/files/{room}", self.post)
        app.router.add_get("/files/{room}/{file}", self.get)
        self._context.node.on_room_closed.append(lambda room: self.store.forget(room.name))
        app.on_startup.append(self._start)
        app.on_cleanup.append(self._stop)

    async def _start(self, _: web.Application) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self.store.remove_stale)

    async def _stop(self, _: web.Application) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self.store.close)

    # -- a file comes -----------------------------------------------------------------------------------------------

    async def post(self, request: web.Request) -> web.Response:
        """201 with what a chat message can name."""
        name = _room(request)
        room, participant = self._sender(request, name)
        refuse_compressed(request)
        limit = self._context.settings.max_file_bytes
        if request.content_length is not None and request.content_length > limit:
            raise HttpError(f"a file has at most {limit} bytes", code="too_large", status=413)
        self._check_rate(participant)
        upload = self._begin(name, participant)
        self._running[participant.id] += 1
        kept = False
        try:
            await self._receive(request, upload)
            if participant.left or not upload.keep():
                raise RemoteError("the room has ended", code="not_found")
            kept = True
        except OSError as error:
            log.warning("file_not_written", error=error.strerror)
            raise HttpError("the server cannot keep files now", code="limit_reached", status=507) from None
        finally:
            self._running -= Counter({participant.id: 1})
            if not kept:
                with suppress(OSError):
                    upload.discard()
        view = _describe(request, name, upload)
        room.files[view.id] = view
        log.info("file_shared", room=name, participant=participant.id, bytes=view.size)
        answer = {"id": view.id, "name": view.name, "size": view.size, "type": view.type, "url": view.url}
        return web.json_response(answer, status=201, headers={"Location": view.url})

    def _sender(self, request: web.Request, name: RoomName) -> tuple[Room, Participant]:
        node = self._context.node
        token = bearer_token(request)
        if token is None:
            raise TokenError("the secret that `welcome` gave you is required", code="token_required")
        room, participant = node.rooms.get(name), node.resume(token, name)
        if room is None or participant is None:
            raise TokenError("nobody in this room has this secret")
        may = participant.permissions
        if not may.publish_data or not (may.admin or room.state.chat):
            raise PermissionDeniedError("you may not share files here")
        return room, participant

    def _check_rate(self, participant: Participant) -> None:
        if self._running[participant.id] >= UPLOADS_AT_ONCE:
            raise LimitError(f"{UPLOADS_AT_ONCE} of your files are on their way already", code="rate_limited")
        if not self._uploads.take(participant.id, time.monotonic()):
            raise LimitError("too many files; try again in a moment", code="rate_limited")

    def _begin(self, name: RoomName, participant: Participant) -> Upload:
        try:
            return self.store.begin(name, participant.id)
        except OSError as error:
            log.warning("file_not_written", error=error.strerror)
            raise HttpError("the server cannot keep files now", code="limit_reached", status=507) from None

    async def _receive(self, request: web.Request, upload: Upload) -> None:
        loop, waiting, ended = asyncio.get_running_loop(), bytearray(), False
        try:
            async with asyncio.timeout(UPLOAD_S):
                while not ended:
                    async with asyncio.timeout(STALL_S):
                        chunk = await request.content.read(CHUNK_BYTES)
                    ended = not chunk
                    upload.reserve(len(chunk))
                    waiting += chunk
                    if ended or len(waiting) >= CHUNK_BYTES:
                        await loop.run_in_executor(None, upload.write, bytes(waiting))
                        waiting.clear()
        except TimeoutError:
            raise RemoteError("the file did not come in time", code="request_timeout") from None

    # -- a file goes ------------------------------------------------------------------------------------------------

    async def get(self, request: web.Request) -> web.StreamResponse:
        """The file, as a download."""
        self._context.take(self._downloads, request, "too many downloads from this address")
        name = _room(request)
        room = self._context.node.rooms.get(name)
        path = self.store.find(name, request.match_info["file"])
        view = room.files.get(request.match_info["file"]) if room is not None else None
        if path is None or view is None:
            raise RemoteError("there is no such file", code="not_found")
        headers = {
            "Content-Type": view.type if view.type in SHOWN_TYPES else ANY_TYPE,
            "Content-Disposition": content_disposition(view.name),
            "Content-Security-Policy": POLICY,
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        return web.FileResponse(path, headers=headers)


FILES: web.AppKey[Files] = web.AppKey("files", Files)


def content_disposition(name: str) -> str:
    """A download under this name (RFC 6266): in ASCII for old clients, and as it is for all others (RFC 8187)."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _describe(request: web.Request, room: RoomName, upload: Upload) -> FileView:
    said = request.content_type.lower()
    return FileView(
        id=upload.path.name,
        name=file_name(request.query.get("name", "")),
        size=upload.size,
        type=said if "Content-Type" in request.headers and _TYPE.fullmatch(said) else ANY_TYPE,
        url=f"{prefix_of(request)}/files/{room}/{upload.path.name}",
    )


def _room(request: web.Request) -> RoomName:
    try:
        return room_name(request.match_info["room"])
    except RemoteError as error:
        raise RemoteError(error.message, code="not_found") from None
