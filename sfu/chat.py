"""Text from one participant's data channel to the others'. It owns the format and its limits; transports carry it."""

import json
from dataclasses import dataclass

from sfu.errors import ProtocolError
from sfu.ids import ParticipantId

MAX_TEXT = 4_000
"""Characters of one message."""

MAX_BYTES = 20_000
"""UTF-8 bytes of one message as it comes, JSON around it included."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message as everybody else in the room gets it."""

    sender: ParticipantId
    name: str
    text: str
    at_ms: int
    """Milliseconds since 1970 by the server's clock."""

    def to_json(self) -> str:
        return json.dumps({"from": self.sender, "name": self.name, "text": self.text, "at_ms": self.at_ms})


def parse_text(data: str) -> str:
    """The text of `{"text": "…"}`; `ProtocolError` for anything else."""
    if len(data) > MAX_BYTES or not _is_unicode(data) or len(data.encode()) > MAX_BYTES:
        raise ProtocolError(f"a data channel message has at most {MAX_BYTES} bytes of UTF-8")
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a data channel message is a JSON object") from error
    text = message.get("text") if isinstance(message, dict) else None
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT or not _is_unicode(text):
        raise ProtocolError(f'a data channel message has a "text" of 1 to {MAX_TEXT} characters')
    return text


def _is_unicode(text: str) -> bool:
    """Whether it holds no lone surrogate, which no encoder downstream could send."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
