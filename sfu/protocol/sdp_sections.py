"""The outer form of SDP: lines, and the sections that m-lines cut them into. Attributes are kept as text here.

Everything is bounded by `SdpLimits` before it is looked at closely; each character is visited a few times at most.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sfu.errors import SdpError

from .sdp_model import SdpLimits
from .sdp_text import Malformed, shown

T = TypeVar("T")

SESSION_TYPES = frozenset("vosiuepcbtrzka")
MEDIA_TYPES = frozenset("micbka")


class Attributes:
    """The `a=` lines of one section, by name. Those that nobody asks for are ignored (RFC 8866, section 5.13)."""

    def __init__(self) -> None:
        self._values: dict[str, list[tuple[int, str]]] = {}
        self.count = 0

    def add(self, line: int, text: str) -> None:
        name, _, value = text.partition(":")
        self._values.setdefault(name, []).append((line, value))
        self.count += 1

    def flag(self, name: str) -> bool:
        return name in self._values

    def line(self, name: str) -> int:
        """The line of the last `a=name`, 0 without one."""
        return self._values[name][-1][0] if name in self._values else 0

    def one(self, name: str, read: Callable[[str], T]) -> T | None:
        """The value of an attribute that may be there once; saying the same again is tolerated."""
        values = self._values.get(name)
        if values is None:
            return None
        for line, value in values[1:]:
            if value != values[0][1]:
                raise SdpError(f"a second, different a={name} in the same section", line=line)
        return at_line(values[0][0], read, values[0][1])

    def all(self, name: str, read: Callable[[str], T]) -> tuple[T, ...]:
        return tuple(at_line(line, read, value) for line, value in self._values.get(name, ()))

    def numbered(self, name: str, read: Callable[[str, int], T]) -> tuple[T, ...]:
        """As `all`, for values that remember their line."""
        return tuple(at_line(line, read, value, line) for line, value in self._values.get(name, ()))


@dataclass(slots=True)
class Section:
    """The session's part, or an m-line with what follows it."""

    line: int
    header: str = ""
    """Value of the m-line; empty for the session's part."""
    lines: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Lines other than `a=` and `m=`: type → (line, value)."""
    attributes: Attributes = field(default_factory=Attributes)


def at_line(line: int, read: Callable[..., T], *arguments: object) -> T:
    """Call `read`; what it finds malformed becomes an `SdpError` that names the line."""
    try:
        return read(*arguments)
    except Malformed as error:
        raise SdpError(str(error), line=line) from None


def split_sections(text: str, limits: SdpLimits) -> list[Section]:
    """The session's section, then one for each m-line. Raises `SdpError`."""
    if len(text) > limits.max_bytes or len(text.encode(errors="surrogatepass")) > limits.max_bytes:
        raise SdpError(f"the description is larger than {limits.max_bytes} bytes")
    lines = text.rstrip("\r\n").split("\n")
    if len(lines) > limits.max_lines:
        raise SdpError(f"the description has {len(lines)} lines, more than {limits.max_lines}")
    sections = [Section(1)]
    for index, raw in enumerate(lines, start=1):
        _add_line(sections, index, raw.removesuffix("\r"), limits)
    return sections


def _add_line(sections: list[Section], index: int, line: str, limits: SdpLimits) -> None:
    if len(line) > limits.max_line_length:
        raise SdpError(f"the line has {len(line)} characters, more than {limits.max_line_length}", line=index)
    if line[1:2] != "=":
        raise SdpError(f"not of the form `x=value`: {shown(line)}", line=index)
    if "\0" in line or "\r" in line:
        raise SdpError("a NUL or CR character inside of the line", line=index)
    kind, value = line[0], line[2:]
    if kind == "m":
        if len(sections) > limits.max_media:
            raise SdpError(f"more than {limits.max_media} m-lines", line=index)
        sections.append(Section(index, value))
        return
    section = sections[-1]
    if kind not in (SESSION_TYPES if len(sections) == 1 else MEDIA_TYPES):
        raise SdpError(f"unexpected line type {shown(kind)}", line=index)
    if kind != "a":
        section.lines.setdefault(kind, []).append((index, value))
        return
    if section.attributes.count >= limits.max_attributes:
        raise SdpError(f"more than {limits.max_attributes} attributes in one section", line=index)
    section.attributes.add(index, value)
