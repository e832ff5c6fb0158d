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
_JOINERS = frozenset("\u200c\u200d")
"""Invisible, but Persian and Hindi are spelt with them, and emoji are joined by them."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing: a name of them would be none, or look like somebody else's."""
_MOST_MARKS = 4
"""Accents on one letter: Vietnamese has two, pointed Hebrew three; dozens would be drawn over other people's tiles."""


def room_name(text: str) -> RoomName:
    """The text as a room's name; `RemoteError` where it is none."""
    if text.lower() in RESERVED:
        raise RemoteError(f"{text} is the name of a route, not of a room", code="bad_request")
    if not _ROOM.fullmatch(text):
        raise RemoteError("a room's name is 1 to 64 of the characters a-z A-Z 0-9 - _ .", code="bad_request")
    return RoomName(text)


def display_name(text: str) -> str:
    """The text without control characters, surplus space, tricks of direction and what cannot be seen, at most `MAX_NAME`
    characters.
    """
    kept = (" " if c.isspace() else c for c in text if c.isspace() or _is_seen(c))
    name = unicodedata.normalize("NFC", " ".join("".join(kept).split()))
    return _tidy(_tidy(name)[:MAX_NAME])


def file_name(text: str) -> str:
    """The last part of a path, of any system's, with nothing in it that a file system or a reader could be deceived by."""
    last = re.split(r"[/\\]", text)[-1]
    kept = "".join(c for c in last if c not in '<>:"|?*' and _is_seen(c))
    name = _tidy(unicodedata.normalize("NFC", " ".join(kept.split()))).strip(". ")
    stem, dot, ending = name.rpartition(".")
    most = MAX_FILE_NAME - len(dot + ending)
    short = name if len(name) <= MAX_FILE_NAME else (stem[:most] + dot + ending if most > 0 else name[:MAX_FILE_NAME])
    return short or "file"


def _is_seen(character: str) -> bool:
    """Whether it may be in a name: control and format characters, the unassigned and the private show nothing, or deceive."""
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") and character not in _JOINERS
    return not hidden and character not in _BLANK


def _tidy(text: str) -> str:
    """Without joiners that join nothing and without marks upon nothing or upon too many others."""
    kept: list[str] = []
    marks = 0
    for character in text:
        bare = not kept or kept[-1].isspace()
        if unicodedata.category(character) in ("Mn", "Me"):
            marks += 1
            if bare or marks > _MOST_MARKS:
                continue
        elif character in _JOINERS:
            if bare or kept[-1] in _JOINERS:
                continue
        else:
            marks = 0
        if character.isspace() and kept and kept[-1] in _JOINERS:
            kept.pop()
        kept.append(character)
    return "".join(kept).rstrip().rstrip("".join(_JOINERS)).rstrip()
