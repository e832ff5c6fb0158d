"""Text from one participant's data channel to the others'. It owns the format and its limits; transports carry it."""

import contextlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from sfu.errors import ProtocolError
from sfu.ids import MessageId, ParticipantId
from sfu.json_nesting import is_nested_deeper
from sfu.views import FileView

MAX_TEXT = 4_000
"""Characters of one message."""

MAX_BYTES = 20_000
"""UTF-8 bytes of one message as it comes, JSON around it included."""

MAX_REF = 64
"""Characters of a client's own reference, and of any id."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One message as its sender wrote it."""

    text: str
    to: str | None = None
    """The only participant that it is for."""
    file: str | None = None
    """Id of an uploaded file that it announces."""
    ref: str | None = None
    """By which the sender knows it again."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message as others in the room get it."""

    id: MessageId
    sender: ParticipantId
    name: str
    text: str
    at_ms: int
    """Milliseconds since 1970 by the server's clock."""
    to: ParticipantId | None = None
    file: FileView | None = None

    def to_json(self, **more: Any) -> str:
        fields = {"id": self.id, "from": self.sender, "name": self.name, "text": self.text, "at_ms": self.at_ms}
        if self.to is not None:
            fields["to"] = self.to
        if self.file is not None:
            fields["file"] = asdict(self.file)
        return json.dumps(fields | more)


def parse_draft(data: str) -> Draft:
    """`{"text": "…"}` and what may come with it; `ProtocolError` for anything else."""
    if len(data) > MAX_BYTES or not _is_unicode(data) or len(data.encode()) > MAX_BYTES:
        raise ProtocolError(f"a data channel message has at most {MAX_BYTES} bytes of UTF-8")
    if is_nested_deeper(data):
        raise ProtocolError("a data channel message is a JSON object of few levels")
    try:
        message = json.loads(data)
    except ValueError as error:
        raise ProtocolError("a data channel message is a JSON object") from error
    if not isinstance(message, dict):
        raise ProtocolError("a data channel message is a JSON object")
    file = message.get("file")
    if file is not None and not isinstance(file, dict):
        raise ProtocolError('"file" is an object with an "id"')
    text = message.get("text", "" if file is not None else None)
    if not isinstance(text, str) or len(text) > MAX_TEXT or not _is_unicode(text):
        raise ProtocolError(f'a data channel message has a "text" of 1 to {MAX_TEXT} characters')
    draft = Draft(
        text,
        to=_short(message, "to"),
        file=_short(file, "id") if file is not None else None,
        ref=_short(message, "ref"),
    )
    if not text.strip() and draft.file is None:
        raise ProtocolError("a data channel message says something")
    return draft


def reference(data: str) -> str | None:
    """By what its sender knows a text that is not accepted, where it says so."""
    with contextlib.suppress(ValueError, ProtocolError):
        message = json.loads(data) if len(data) <= MAX_BYTES and not is_nested_deeper(data) else None
        return _short(message, "ref") if isinstance(message, dict) else None
    return None


def _short(message: dict[str, Any], name: str) -> str | None:
    value = message.get(name)
    if value is not None and not (isinstance(value, str) and 1 <= len(value) <= MAX_REF and _is_unicode(value)):
        raise ProtocolError(f'"{name}" is a string of 1 to {MAX_REF} characters')
    return value


def _is_unicode(text: str) -> bool:
    """Whether it holds no lone surrogate, which no encoder downstream could send."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
