"""Where files that were dropped into rooms lie: one temporary directory a server, with quotas. It goes when the server does.

Names on the disk are random and have nothing of what clients say. What a server that crashed has left is removed by the next one
to start: each directory has a lock that its owner holds as long as it lives.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sfu.config import Settings
from sfu.ids import ParticipantId, RoomName
from sfu.log import get_logger
from signaling.responses import HttpError

log = get_logger(__name__)

PREFIX = "ciranda-files-"
LOCK = ".lock"
MAX_FILES = 500
"""In one room: a file of no bytes costs memory too."""
FRESH_S = 60.0
"""A directory without a lock may be one that another server is just making."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A file that is whole."""

    path: Path
    who: ParticipantId
    size: int


@dataclass(slots=True, eq=False)
class _RoomFiles:
    """What a room holds."""

    kept: dict[str, _Kept] = field(default_factory=dict)
    used: int = 0
    by_person: Counter[ParticipantId] = field(default_factory=Counter)
    count: int = 0
    """Files, those that are being written included."""


class Upload:
    """A file that is being written. Exactly one of `keep` and `discard` ends it."""

    def __init__(self, store: "FileStore", files: _RoomFiles, path: Path, room: RoomName, who: ParticipantId) -> None:
        self.files = files
        self.path = path
        self.room = room
        self.who = who
        self.size = 0
        self._store = store
        self._file: BinaryIO = path.open("xb", buffering=0)

    def reserve(self, count: int) -> None:
        """So many bytes more will be written. `HttpError` (`too_large`, `limit_reached`)."""
        self._store.reserve(self, count)

    def write(self, data: bytes) -> None:
        """May be called in another thread."""
        self._file.write(data)

    def keep(self) -> bool:
        """It is whole. False: its room has ended meanwhile, and so it is gone."""
        self._file.close()
        return self._store.kept(self)

    def discard(self) -> None:
        """It was cut off or refused."""
        self._file.close()
        self._store.discarded(self)


class FileStore:
    """Of one server. The disk is touched when the first file comes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._parent = settings.files_directory or Path(tempfile.gettempdir())
        self._folder: Path | None = None
        self._lock: int | None = None
        self._rooms: dict[RoomName, _RoomFiles] = {}
        self._used = 0

    @property
    def used_bytes(self) -> int:
        """What lies here or is being written."""
        return self._used

    def begin(self, room: RoomName, who: ParticipantId) -> Upload:
        """A new file. `HttpError` (`limit_reached`), `OSError`."""
        files = self._rooms.setdefault(room, _RoomFiles())
        if files.count >= MAX_FILES:
            raise _no_space(f"the room has its {MAX_FILES} files")
        upload = Upload(self, files, self.open() / secrets.token_urlsafe(24), room, who)
        files.count += 1
        return upload

    def find(self, room: RoomName, file: str) -> Path | None:
        """Where it lies. `file` is compared, never made part of a path."""
        files = self._rooms.get(room)
        kept = files.kept.get(file) if files is not None else None
        return kept.path if kept is not None else None

    def owner(self, room: RoomName, file: str) -> ParticipantId | None:
        """Who has shared it."""
        files = self._rooms.get(room)
        kept = files.kept.get(file) if files is not None else None
        return kept.who if kept is not None else None

    def remove(self, room: RoomName, file: str) -> None:
        """It was taken back. Who fetches it just now gets the rest of it."""
        files = self._rooms.get(room)
        kept = files.kept.pop(file, None) if files is not None else None
        if files is None or kept is None:
            return
        files.count -= 1
        files.used -= kept.size
        files.by_person[kept.who] -= kept.size
        self._used -= kept.size
        with contextlib.suppress(OSError):
            kept.path.unlink()

    def forget(self, room: RoomName) -> None:
        """The room has ended."""
        files = self._rooms.pop(room, None)
        if files is None:
            return
        for kept in files.kept.values():
            self._used -= kept.size
            with contextlib.suppress(OSError):
                kept.path.unlink()

    def close(self) -> None:
        """Remove everything."""
        folder, self._folder = self._folder, None
        self._rooms.clear()
        self._used = 0
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def remove_stale(self) -> int:
        """Directories that a server which no longer lives has left; how many there were."""
        removed = 0
        for folder in self._parent.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):  # somebody else's, or gone meanwhile
                if _is_stale(folder) and (lock := _lock(folder)) is not None:
                    shutil.rmtree(folder, ignore_errors=True)
                    os.close(lock)
                    removed += 1
        if removed:
            log.info("stale_files_removed", directories=removed)
        return removed

    # -- for uploads ------------------------------------------------------------------------------------------------

    def reserve(self, upload: Upload, count: int) -> None:
        limits, files = self._settings, upload.files
        if upload.size + count > limits.max_file_bytes:
            raise HttpError(f"a file has at most {limits.max_file_bytes} bytes", code="too_large", status=413)
        if files.by_person[upload.who] + count > limits.max_person_file_bytes:
            raise _no_space("you have shared as much as one person may")
        if files.used + count > limits.max_room_file_bytes:
            raise _no_space("the room holds as much as a room may")
        if self._used + count > limits.max_server_file_bytes:
            raise _no_space("the server holds as much as it may")
        self._count(upload, count)

    def kept(self, upload: Upload) -> bool:
        if self._rooms.get(upload.room) is not upload.files:
            self.discarded(upload)
            return False
        upload.files.kept[upload.path.name] = _Kept(upload.path, upload.who, upload.size)
        return True

    def discarded(self, upload: Upload) -> None:
        self._count(upload, -upload.size)
        upload.files.count -= 1
        with contextlib.suppress(OSError):
            upload.path.unlink()

    def _count(self, upload: Upload, count: int) -> None:
        self._used += count
        upload.size += count
        upload.files.used += count
        upload.files.by_person[upload.who] += count

    def open(self) -> Path:
        """The directory, made if it is not there. `OSError`."""
        while self._folder is None:
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._parent))
            self._lock = _lock(folder)  # None: another server that starts just now took it for a stale one
            self._folder = folder if self._lock is not None else None
        return self._folder


def _is_stale(folder: Path) -> bool:
    """Whether it is a directory of ours that nobody may be just making."""
    status = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or status.st_uid != os.geteuid():
        return False
    return (folder / LOCK).exists() or time.time() - status.st_mtime > FRESH_S


def _lock(folder: Path) -> int | None:
    """Open and lock; `None` if somebody holds it."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _no_space(message: str) -> HttpError:
    return HttpError(message, code="limit_reached", status=507)
