"""What a room, a participant and an identity may be called. Pure; nothing is looked up."""

import re
import unicodedata

from sfu.errors import RemoteError
from sfu.ids import RoomName

RESERVED = frozenset(
    {
        "ws",
        "whip",
        "whep",
        "static",
        "files",
        "status",
        "metrics",
        "healthz",
        "readyz",
        "api",
        "favicon.ico",
        "robots.txt",
        ".",
        "..",
    }
)
"""First path segments that are routes (or would be resolved away by a browser), and so cannot be rooms."""

MAX_NAME = 64
"""Characters of a participant's name."""
MAX_FILE_NAME = 128
"""Characters of a file's name."""

_ROOM = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_SPOOFING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of the text around them."""


def room_name(text: str) -> RoomName:
    """The text as a room's name; `RemoteError` where it is none."""
    if text.lower() in RESERVED:
        raise RemoteError(f"{text} is the name of a route, not of a room", code="bad_request")
    if not _ROOM.fullmatch(text):
        raise RemoteError("a room's name is 1 to 64 of the characters a-z A-Z 0-9 - _ .", code="bad_request")
    return RoomName(text)


def display_name(text: str) -> str:
    """The text without control characters, surplus space and tricks of direction, at most `MAX_NAME` characters."""
    kept = (" " if c.isspace() else c for c in text if c not in _SPOOFING and (c.isspace() or not _is_control(c)))
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))[:MAX_NAME].rstrip()


def file_name(text: str) -> str:
    """The last part of a path, of any system's, with nothing in it that a file system or a reader could be deceived by."""
    last = re.split(r"[/\\]", text)[-1]
    kept = "".join(c for c in last if c not in _SPOOFING and c not in '<>:"|?*' and not _is_control(c))
    name = unicodedata.normalize("NFC", " ".join(kept.split())).strip(". ")
    stem, dot, ending = name.rpartition(".")
    most = MAX_FILE_NAME - len(dot + ending)
    short = name if len(name) <= MAX_FILE_NAME else (stem[:most] + dot + ending if most > 0 else name[:MAX_FILE_NAME])
    return short or "file"


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn")
