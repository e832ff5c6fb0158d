"""What a client may say, as classes: the one place where the fields and their limits are written down.

Unknown types are answered by `unknown_type`.
"""

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from sfu.errors import ProtocolError
from signaling.direct_messages import ClientDirect
from signaling.message import Count, Message
from signaling.strict_json import loads_object

RequestId = Count
MidText = Annotated[str, Field(min_length=1, max_length=16)]
IdText = Annotated[str, Field(min_length=1, max_length=64)]
MAX_LINES = 128
"""Entries of `offer.tracks` and `pin.participants`; settings limit tracks further."""


class Join(Message):
    """First message of a socket."""

    type: Literal["join"] = "join"
    version: Annotated[int, Field(ge=0, le=1_000_000)]
    name: Annotated[str, Field(max_length=256)] = ""
    token: Annotated[str, Field(max_length=8_192)] | None = None
    resume: Annotated[str, Field(max_length=128)] | None = None
    direct: bool = False


class OfferedTrack(Message):
    """What one sending m-line of an offer shows."""

    mid: MidText
    source: Annotated[str, Field(max_length=32)] = "unknown"
    muted: bool = False


class Offer(Message):
    """A session description of the client's peer connection."""

    type: Literal["offer"] = "offer"
    id: RequestId
    connection: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    sdp: Annotated[str, Field(min_length=1)]
    tracks: Annotated[tuple[OfferedTrack, ...], Field(max_length=MAX_LINES, strict=False)] = ()


class Mute(Message):
    """One of the client's own tracks is muted or not."""

    type: Literal["mute"] = "mute"
    track: IdText
    muted: bool


class Pin(Message):
    """Whom the client wants to see before all others."""

    type: Literal["pin"] = "pin"
    participants: Annotated[tuple[IdText, ...], Field(max_length=MAX_LINES, strict=False)]


SourceName = Literal["microphone", "camera", "screen"]
"""What administrators speak of; a shared screen's sound goes with it."""
MAX_WAITING_IDS = 1_000


class Hand(Message):
    """The client's own hand, or, by an administrator, somebody else's down."""

    type: Literal["hand"] = "hand"
    raised: bool
    participant: IdText | None = None


class Ask(Message):
    """Somebody shall mute or unmute."""

    type: Literal["ask"] = "ask"
    participant: IdText
    source: SourceName
    muted: bool


class Decline(Message):
    """The client was asked to mute or unmute by this administrator, and will not."""

    type: Literal["decline"] = "decline"
    participant: IdText
    source: SourceName
    muted: bool


class MuteAll(Message):
    """Everybody who is no administrator is muted."""

    type: Literal["mute_all"] = "mute_all"
    source: SourceName


class Allow(Message):
    """Whether one participant may turn on a source."""

    type: Literal["allow"] = "allow"
    participant: IdText
    source: SourceName
    allowed: bool


class Promote(Message):
    """Somebody else administers the room too."""

    type: Literal["promote"] = "promote"
    participant: IdText


class Remove(Message):
    """Somebody has to go."""

    type: Literal["remove"] = "remove"
    participant: IdText


class Retract(Message):
    """A message of the chat shall be gone: one's own, or, by an administrator, anybody's."""

    type: Literal["retract"] = "retract"
    message: IdText


class ChangeRoom(Message):
    """The room's state; `None` stays as it is."""

    type: Literal["room"] = "room"
    locked: bool | None = None
    waiting_room: bool | None = None
    microphone: bool | None = None
    camera: bool | None = None
    screen: bool | None = None
    chat: bool | None = None
    direct: bool | None = None


class Admit(Message):
    """Let these in who wait; `None`: all."""

    type: Literal["admit"] = "admit"
    waiting: Annotated[tuple[IdText, ...], Field(max_length=MAX_WAITING_IDS, strict=False)] | None = None


class Refuse(Message):
    """These shall not wait any longer; `None`: nobody shall."""

    type: Literal["refuse"] = "refuse"
    waiting: Annotated[tuple[IdText, ...], Field(max_length=MAX_WAITING_IDS, strict=False)] | None = None


class End(Message):
    """Everybody leaves."""

    type: Literal["end"] = "end"


class Ping(Message):
    """Is the server there?"""

    type: Literal["ping"] = "ping"
    id: RequestId


class Leave(Message):
    """Goodbye."""

    type: Literal["leave"] = "leave"


ClientMessage = (
    Join
    | Offer
    | Mute
    | Pin
    | Hand
    | Ask
    | Decline
    | MuteAll
    | Allow
    | Promote
    | Remove
    | Retract
    | ChangeRoom
    | Admit
    | Refuse
    | End
    | ClientDirect
    | Ping
    | Leave
)
CLIENT_MESSAGES: dict[str, type[ClientMessage]] = {
    "join": Join,
    "offer": Offer,
    "mute": Mute,
    "pin": Pin,
    "hand": Hand,
    "ask": Ask,
    "decline": Decline,
    "mute_all": MuteAll,
    "allow": Allow,
    "promote": Promote,
    "remove": Remove,
    "retract": Retract,
    "room": ChangeRoom,
    "admit": Admit,
    "refuse": Refuse,
    "end": End,
    "direct": ClientDirect,
    "ping": Ping,
    "leave": Leave,
}


def parse(text: str) -> ClientMessage:
    """One message from a client. `ProtocolError` names the field that is wrong (`malformed`), or is `unknown_type`."""
    fields = loads_object(text)
    name = fields.get("type")
    if not isinstance(name, str):
        raise ProtocolError("type: a string is wanted")
    kind = CLIENT_MESSAGES.get(name)
    if kind is None:
        raise ProtocolError(f"there is no message of type {name[:32]!a}", code="unknown_type")
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ProtocolError(f"{name}.{where}: {first['msg']}") from None
