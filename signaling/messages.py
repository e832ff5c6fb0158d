"""The messages of the WebSocket protocol as classes: the one place where their fields and limits are written down.

PROTOCOL.md describes them for people; a test holds both together. Fields that are not known are ignored, so that newer
clients may talk to older servers; unknown types are answered by `unknown_type`.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
)

from sfu.errors import ProtocolError
from signaling.strict_json import loads_object

VERSION = 1

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""An integer that JavaScript holds exactly."""
RequestId = Count
MidText = Annotated[str, Field(min_length=1, max_length=16)]
IdText = Annotated[str, Field(min_length=1, max_length=64)]
MAX_LINES = 128
"""Entries of `offer.tracks` and `pin.participants`; settings limit tracks further."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


# -- from the client ------------------------------------------------------------------------------------------------


class Join(_Message):
    """First message of a socket."""

    type: Literal["join"] = "join"
    version: Annotated[int, Field(ge=0, le=1_000_000)]
    name: Annotated[str, Field(max_length=256)] = ""
    token: Annotated[str, Field(max_length=8_192)] | None = None
    resume: Annotated[str, Field(max_length=128)] | None = None


class OfferedTrack(_Message):
    """What one sending m-line of an offer shows."""

    mid: MidText
    source: Annotated[str, Field(max_length=32)] = "unknown"
    muted: bool = False


class Offer(_Message):
    """A session description of the client's peer connection."""

    type: Literal["offer"] = "offer"
    id: RequestId
    connection: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    sdp: Annotated[str, Field(min_length=1)]
    tracks: Annotated[tuple[OfferedTrack, ...], Field(max_length=MAX_LINES, strict=False)] = ()


class Mute(_Message):
    """One of the client's own tracks is muted or not."""

    type: Literal["mute"] = "mute"
    track: IdText
    muted: bool


class Pin(_Message):
    """Whom the client wants to see before all others."""

    type: Literal["pin"] = "pin"
    participants: Annotated[tuple[IdText, ...], Field(max_length=MAX_LINES, strict=False)]


class Ping(_Message):
    """Is the server there?"""

    type: Literal["ping"] = "ping"
    id: RequestId


class Leave(_Message):
    """Goodbye."""

    type: Literal["leave"] = "leave"


ClientMessage = Join | Offer | Mute | Pin | Ping | Leave
CLIENT_MESSAGES: dict[str, type[ClientMessage]] = {
    "join": Join,
    "offer": Offer,
    "mute": Mute,
    "pin": Pin,
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


# -- from the server ------------------------------------------------------------------------------------------------


class TrackInfo(_Message):
    """A published track."""

    id: str
    kind: Literal["audio", "video"]
    source: Literal["camera", "microphone", "screen", "screen_audio", "unknown"]
    muted: bool


class ParticipantInfo(_Message):
    """Somebody in the room."""

    id: str
    name: str
    tracks: tuple[TrackInfo, ...] = ()


class PermissionsInfo(_Message):
    """What the client may do here."""

    publish: bool
    subscribe: bool
    data: bool
    admin: bool


class IceServer(_Message):
    """One entry of `RTCConfiguration.iceServers`."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = Field(None, repr=False)

    @model_serializer(mode="wrap")
    def _only_what_is_there(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Browsers take a null for the name "null"."""
        fields: dict[str, Any] = write(self)
        return {name: value for name, value in fields.items() if value is not None}


class Limits(_Message):
    """What the server takes at most."""

    message_bytes: int
    tracks: int
    participants: int


class Welcome(_Message):
    """The answer to `join`: who and what is there."""

    type: Literal["welcome"] = "welcome"
    version: int = VERSION
    room: str
    participant: ParticipantInfo
    resume: str
    resumed: bool
    participants: tuple[ParticipantInfo, ...]
    permissions: PermissionsInfo
    ice_servers: tuple[IceServer, ...]
    limits: Limits


class AnsweredTrack(_Message):
    """The id of the track that a sending m-line became."""

    mid: str
    id: str


class Answer(_Message):
    """The answer to `offer` with the same `id`."""

    type: Literal["answer"] = "answer"
    id: int
    sdp: str
    tracks: tuple[AnsweredTrack, ...]


class ParticipantJoined(_Message):
    """Somebody came."""

    type: Literal["participant_joined"] = "participant_joined"
    participant: ParticipantInfo


class ParticipantLeft(_Message):
    """Somebody went: `left`, `timeout`, `removed` or `closed`."""

    type: Literal["participant_left"] = "participant_left"
    participant: str
    reason: str


class TrackAdded(_Message):
    """Somebody publishes."""

    type: Literal["track_added"] = "track_added"
    participant: str
    track: TrackInfo


class TrackChanged(_Message):
    """Somebody muted, unmuted, or said another source."""

    type: Literal["track_changed"] = "track_changed"
    participant: str
    track: TrackInfo


class TrackRemoved(_Message):
    """Somebody no longer publishes this."""

    type: Literal["track_removed"] = "track_removed"
    participant: str
    track: str


class SlotInfo(_Message):
    """What comes on one receiving m-line; `None` for nothing."""

    mid: str
    kind: Literal["audio", "video"]
    track: str | None
    participant: str | None


class Slots(_Message):
    """What comes on every receiving m-line: the whole state, every time."""

    type: Literal["slots"] = "slots"
    slots: tuple[SlotInfo, ...]


class SlotsNeeded(_Message):
    """There is more to receive: offer that many more receive-only m-lines than the last answer had."""

    type: Literal["slots_needed"] = "slots_needed"
    audio: int
    video: int


class Speakers(_Message):
    """Everybody who speaks now, loudest first."""

    type: Literal["speakers"] = "speakers"
    participants: tuple[str, ...]


class Error(_Message):
    """Something that the client sent could not be done; after a fatal one the socket closes."""

    type: Literal["error"] = "error"
    code: str
    message: str
    id: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    fatal: bool = False


class Pong(_Message):
    """The answer to `ping` with the same `id`."""

    type: Literal["pong"] = "pong"
    id: int


class Closed(_Message):
    """The last message of a socket, and why."""

    type: Literal["closed"] = "closed"
    reason: str


ServerMessage = (
    Welcome
    | Answer
    | ParticipantJoined
    | ParticipantLeft
    | TrackAdded
    | TrackChanged
    | TrackRemoved
    | Slots
    | SlotsNeeded
    | Speakers
    | Error
    | Pong
    | Closed
)
_server_messages: TypeAdapter[Any] = TypeAdapter(Annotated[ServerMessage, Field(discriminator="type")])


def parse_server_message(text: str) -> ServerMessage:
    """One message of the server, for clients and tests. `ValidationError`."""
    message: ServerMessage = _server_messages.validate_json(text, strict=True)
    return message
