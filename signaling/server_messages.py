"""What the server says, as classes. They are written by the server, and read by tests and by clients in Python."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, TypeAdapter, model_serializer

from signaling.direct_messages import ServerDirect
from signaling.message import VERSION, Message

SourceName = Literal["camera", "microphone", "screen", "screen_audio", "unknown"]


class TrackInfo(Message):
    """A published track."""

    id: str
    kind: Literal["audio", "video"]
    source: SourceName
    muted: bool


class ParticipantInfo(Message):
    """Somebody in the room."""

    id: str
    name: str
    tracks: tuple[TrackInfo, ...] = ()
    admin: bool
    hand: int | None


class PermissionsInfo(Message):
    """What the client may do here."""

    publish: bool
    subscribe: bool
    data: bool
    admin: bool
    sources: tuple[SourceName, ...]


class RoomState(Message):
    """Who gets in, and what those may turn on who are no administrators."""

    locked: bool
    waiting_room: bool
    microphone: bool
    camera: bool
    screen: bool
    chat: bool
    direct: bool
    metadata: dict[str, Any]


class IceServer(Message):
    """One entry of `RTCConfiguration.iceServers`."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = Field(None, repr=False)

    @model_serializer(mode="wrap")
    def _only_what_is_there(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Browsers take a null for the name "null"."""
        fields: dict[str, Any] = write(self)
        return {name: value for name, value in fields.items() if value is not None}


class Limits(Message):
    """What the server takes at most."""

    message_bytes: int
    tracks: int
    participants: int
    file_bytes: int


class Welcome(Message):
    """The answer to `join`: who and what is there."""

    type: Literal["welcome"] = "welcome"
    version: int = VERSION
    room: str
    participant: ParticipantInfo
    resume: str
    resumed: bool
    participants: tuple[ParticipantInfo, ...]
    permissions: PermissionsInfo
    state: RoomState
    ice_servers: tuple[IceServer, ...]
    direct_ice_servers: tuple[IceServer, ...]
    limits: Limits


class IceServers(Message):
    """New passwords, before those of `welcome` expire: all of `ice_servers`, every time."""

    type: Literal["ice_servers"] = "ice_servers"
    ice_servers: tuple[IceServer, ...]


class Waiting(Message):
    """Instead of `welcome`: somebody has to let you in."""

    type: Literal["waiting"] = "waiting"
    room: str
    id: str
    resume: str


class WaitingInfo(Message):
    """Somebody who waits."""

    id: str
    name: str
    since: int
    removed: bool


class WaitingList(Message):
    """To administrators: everybody who waits, in order; the whole state, every time."""

    type: Literal["waiting_list"] = "waiting_list"
    waiting: tuple[WaitingInfo, ...]


class Room(Message):
    """The room's state; all of it, every time."""

    type: Literal["room"] = "room"
    state: RoomState


class Permissions(Message):
    """What the client may do from now on."""

    type: Literal["permissions"] = "permissions"
    permissions: PermissionsInfo


class Asked(Message):
    """An administrator asks the client to mute or unmute."""

    type: Literal["asked"] = "asked"
    source: SourceName
    muted: bool
    by: str


class Declined(Message):
    """To an administrator: somebody will not do what they were asked."""

    type: Literal["declined"] = "declined"
    participant: str
    source: SourceName
    muted: bool


class Muted(Message):
    """The server forwards one of the client's own tracks no longer."""

    type: Literal["muted"] = "muted"
    track: str
    source: SourceName
    by: str | None
    may_unmute: bool


class AnsweredTrack(Message):
    """The id of the track that a sending m-line became."""

    mid: str
    id: str


class Answer(Message):
    """The answer to `offer` with the same `id`."""

    type: Literal["answer"] = "answer"
    id: int
    sdp: str
    tracks: tuple[AnsweredTrack, ...]


class ParticipantJoined(Message):
    """Somebody came."""

    type: Literal["participant_joined"] = "participant_joined"
    participant: ParticipantInfo


class ParticipantLeft(Message):
    """Somebody went: `left`, `timeout`, `removed` or `closed`."""

    type: Literal["participant_left"] = "participant_left"
    participant: str
    reason: str


class ParticipantChanged(Message):
    """Somebody, perhaps the client itself, is an administrator now, or raised or lowered a hand."""

    type: Literal["participant_changed"] = "participant_changed"
    participant: ParticipantInfo


class TrackAdded(Message):
    """Somebody publishes."""

    type: Literal["track_added"] = "track_added"
    participant: str
    track: TrackInfo


class TrackChanged(Message):
    """Somebody muted, unmuted, or said another source."""

    type: Literal["track_changed"] = "track_changed"
    participant: str
    track: TrackInfo


class TrackRemoved(Message):
    """Somebody no longer publishes this."""

    type: Literal["track_removed"] = "track_removed"
    participant: str
    track: str


class SlotInfo(Message):
    """What comes on one receiving m-line; `None` for nothing."""

    mid: str
    kind: Literal["audio", "video"]
    track: str | None
    participant: str | None


class Slots(Message):
    """What comes on every receiving m-line: the whole state, every time."""

    type: Literal["slots"] = "slots"
    slots: tuple[SlotInfo, ...]


class SlotsNeeded(Message):
    """There is more to receive: offer that many more receive-only m-lines than the last answer had."""

    type: Literal["slots_needed"] = "slots_needed"
    audio: int
    video: int


class Speakers(Message):
    """Everybody who speaks now, loudest first."""

    type: Literal["speakers"] = "speakers"
    participants: tuple[str, ...]


class Error(Message):
    """Something that the client sent could not be done; after a fatal one the socket closes."""

    type: Literal["error"] = "error"
    code: str
    message: str
    id: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    fatal: bool = False


class Pong(Message):
    """The answer to `ping` with the same `id`."""

    type: Literal["pong"] = "pong"
    id: int


class Closed(Message):
    """The last message of a socket, and why."""

    type: Literal["closed"] = "closed"
    reason: str


ServerMessage = (
    Welcome
    | IceServers
    | Waiting
    | WaitingList
    | Room
    | Permissions
    | Asked
    | Declined
    | Muted
    | Answer
    | ParticipantJoined
    | ParticipantLeft
    | ParticipantChanged
    | TrackAdded
    | TrackChanged
    | TrackRemoved
    | Slots
    | SlotsNeeded
    | Speakers
    | ServerDirect
    | Error
    | Pong
    | Closed
)
_server_messages: TypeAdapter[Any] = TypeAdapter(Annotated[ServerMessage, Field(discriminator="type")])


def parse_server_message(text: str) -> ServerMessage:
    """One message of the server, for clients and tests. `ValidationError`."""
    message: ServerMessage = _server_messages.validate_json(text, strict=True)
    return message
