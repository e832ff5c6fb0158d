"""What the API takes and gives, as classes: the one place where fields and their limits are written down."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sfu.dataplane.types import TransportStats

MAX_METADATA_BYTES = 4_096
"""Of a room, as JSON: everybody who joins gets it."""
EMPTY_TTL_S = 300.0
"""How long a room that was made here waits for the first one, unless said otherwise."""
MAX_EMPTY_TTL_S = 604_800.0

SourceName = Literal["camera", "microphone", "screen", "screen_audio", "unknown"]
AskedSource = Literal["camera", "microphone", "screen"]
KindName = Literal["audio", "video"]


class Answer(BaseModel):
    """What the server gives."""

    model_config = ConfigDict(frozen=True)


class Request(BaseModel):
    """What a caller says; a field that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class ApiError(Answer):
    """What was wrong."""

    code: Annotated[str, Field(description="for programs: lower-case words joined by _")]
    message: Annotated[str, Field(description="one sentence for people")]


# -- rooms ----------------------------------------------------------------------------------------------------------


class State(Answer):
    """Who gets in, and what those may turn on or do who are no administrators."""

    locked: bool
    waiting_room: bool
    microphone: bool
    camera: bool
    screen: bool
    chat: bool
    direct: Annotated[bool, Field(description="two who are alone may go directly, and learn each other's addresses")]
    metadata: dict[str, Any]


class RoomSummary(Answer):
    """A room in the list."""

    name: str
    created: Annotated[int, Field(description="seconds since 1970")]
    participants: Annotated[int, Field(description="hidden viewers included")]
    tracks: int
    waiting: Annotated[int, Field(description="people who wait to be let in")]
    max_participants: int
    empty_ttl_seconds: Annotated[float, Field(description="how long it stays with nobody in it")]
    state: State


class RoomList(Answer):
    """All that the caller may see."""

    rooms: list[RoomSummary]


class WaitingPerson(Answer):
    """Somebody who waits to be let in."""

    id: str
    name: str
    since: Annotated[int, Field(description="milliseconds since 1970")]
    removed: Annotated[bool, Field(description="an administrator had removed this identity before")]


class Layer(Answer):
    """Receive statistics of one layer (RFC 3550, appendix A)."""

    ssrc: int
    live: bool
    packets: int
    bytes: int
    lost: int
    jitter_us: int
    nacks_sent: int
    keyframe_requests_sent: int
    format: str | None


class TrackDetails(Answer):
    """What somebody publishes."""

    id: str
    kind: KindName
    source: SourceName
    muted: Annotated[bool, Field(description="by its owner, or by an administrator")]
    blocked: Annotated[bool, Field(description="by an administrator, or by the room's state: forwarded to nobody")]
    layers: list[Layer | None]


class SlotDetails(Answer):
    """An m-line on which somebody receives, and what was sent on it."""

    mid: str
    kind: KindName
    track: str | None
    layer: Annotated[int, Field(description="the layer being forwarded, -1 for none")]
    packets: int
    bytes: int
    retransmissions: int
    nacks_received: int
    keyframe_requests_received: int
    layer_switches: int
    loss_ratio: Annotated[float, Field(description="fraction lost in the last receiver report, 0 to 1")]
    jitter_us: int


class Person(Answer):
    """Somebody in a room."""

    id: str
    name: str
    identity: Annotated[str | None, Field(description="the token's sub")]
    hidden: bool
    attached: Annotated[bool, Field(description="their signalling is up")]
    admin: bool
    hand: Annotated[int | None, Field(description="since when their hand is up, milliseconds since 1970")]
    connection: Annotated[str | None, Field(description="state of their transport")]
    path: Annotated[str | None, Field(description="what packets go to them over: udp, or tcp where there is no UDP")]
    transport: TransportStats | None
    tracks: list[TrackDetails]
    slots: list[SlotDetails]


class RoomDetails(Answer):
    """A room, who is in it, and how their packets fare."""

    name: str
    created: Annotated[int, Field(description="seconds since 1970")]
    participants: list[Person]
    tracks: int
    waiting: list[WaitingPerson]
    max_participants: int
    empty_ttl_seconds: Annotated[float, Field(description="how long it stays with nobody in it")]
    state: State


class RoomSettings(Request):
    """What of a room can be set; what is left out stays as it is."""

    locked: bool | None = None
    waiting_room: bool | None = None
    microphone: bool | None = None
    camera: bool | None = None
    screen: bool | None = None
    chat: bool | None = None
    direct: bool | None = None
    metadata: Annotated[
        dict[str, Any] | None, Field(description=f"at most {MAX_METADATA_BYTES:,} bytes of JSON; given to all who join")
    ] = None
    max_participants: Annotated[int | None, Field(ge=1, description="not above the server's own limit")] = None
    empty_ttl_seconds: Annotated[float | None, Field(ge=0, le=MAX_EMPTY_TTL_S)] = None

    @field_validator("metadata")
    @classmethod
    def _small(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None and len(compact(value).encode()) > MAX_METADATA_BYTES:
            raise ValueError(f"metadata has at most {MAX_METADATA_BYTES} bytes of JSON")
        return value

    @property
    def state(self) -> dict[str, Any]:
        """Fields of `sfu.room_state.RoomState` that are set."""
        fields = self.model_dump(
            include={"locked", "waiting_room", "microphone", "camera", "screen", "chat", "direct"}, exclude_none=True
        )
        return fields if self.metadata is None else fields | {"metadata": compact(self.metadata)}


class NewRoom(RoomSettings):
    """A room to make."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    empty_ttl_seconds: Annotated[float | None, Field(ge=1, le=MAX_EMPTY_TTL_S)] = EMPTY_TTL_S


# -- moderation -----------------------------------------------------------------------------------------------------


class MuteRequest(Request):
    """One track, all of one source, or, with neither, all sound."""

    track: Annotated[str, Field(max_length=64)] | None = None
    source: AskedSource | None = None


class AllowRequest(Request):
    """Whether one participant may turn on a source, whatever the room's state says."""

    source: AskedSource
    allowed: bool


class WaitingRequest(Request):
    """Those of these who still wait; left out: all."""

    waiting: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=1_000)] | None = None


class WaitingAnswer(Answer):
    """How many it was done for."""

    count: int


# -- the server -----------------------------------------------------------------------------------------------------


class Worker(Answer):
    """A media thread."""

    address: str
    busy_ratio: Annotated[float | None, Field(description="share of the last seconds outside of waiting, 0 to 1")]
    rooms: int


class ServerStatus(Answer):
    """The whole server: what is now, and totals since its start."""

    version: str
    uptime_s: float
    now_us: Annotated[int, Field(description="monotonic; for rates between two answers")]
    rooms: int
    participants: int
    waiting: int
    sockets: int
    tracks: dict[KindName, int]
    bytes: Annotated[dict[str, int], Field(description="direction (in, out) → UDP payload bytes")]
    packets: Annotated[dict[str, dict[str, int]], Field(description="direction → kind → datagrams")]
    dropped: Annotated[dict[str, int], Field(description="reason → datagrams or packets not used")]
    nacks: dict[str, int]
    keyframe_requests: dict[str, int]
    retransmissions: int
    closed_sockets: Annotated[dict[str, int], Field(description="reason → sockets that the server closed")]
    moderation: Annotated[dict[str, dict[str, int]], Field(description="action → done or denied → how often")]
    file_bytes: int
    workers: list[Worker]
    event_loop_lag_s: float


def compact(value: dict[str, Any]) -> str:
    """As it is kept and measured."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
