"""What a participant's front door is told. One frozen dataclass an event; nothing here refers to a live object."""

from collections.abc import Callable
from dataclasses import dataclass

from sfu.direct_signal import DirectSignal
from sfu.ids import ParticipantId, TrackId
from sfu.room_state import RoomState
from sfu.views import ParticipantView, PermissionsView, SlotView, Source, TrackView, WaitingView


@dataclass(frozen=True, slots=True)
class ParticipantJoined:
    """Somebody else, who is not hidden, came."""

    participant: ParticipantView


@dataclass(frozen=True, slots=True)
class ParticipantLeft:
    """`reason`: `left`, `timeout` (signalling lost too long), `removed` (by an administrator), `closed` (the room)."""

    participant_id: ParticipantId
    reason: str


@dataclass(frozen=True, slots=True)
class ParticipantChanged:
    """Somebody, perhaps the listener's own participant, is an administrator now, or raised or lowered a hand."""

    participant: ParticipantView


@dataclass(frozen=True, slots=True)
class TrackAdded:
    """Somebody else publishes."""

    participant_id: ParticipantId
    track: TrackView


@dataclass(frozen=True, slots=True)
class TrackChanged:
    """Somebody else muted or unmuted, or said another source."""

    participant_id: ParticipantId
    track: TrackView


@dataclass(frozen=True, slots=True)
class TrackRemoved:
    """Somebody else no longer publishes this."""

    participant_id: ParticipantId
    track_id: TrackId


@dataclass(frozen=True, slots=True)
class SlotsChanged:
    """What fills each of the receiver's own slots now: the whole state, every time."""

    slots: tuple[SlotView, ...]


@dataclass(frozen=True, slots=True)
class SlotsNeeded:
    """There is more to receive than there are slots: offer that many more receive-only m-lines."""

    audio: int
    video: int


@dataclass(frozen=True, slots=True)
class SpeakersChanged:
    """Who speaks now, loudest first."""

    participant_ids: tuple[ParticipantId, ...]


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """The room's state, all of it."""

    state: RoomState


@dataclass(frozen=True, slots=True)
class PermissionsChanged:
    """What the participant may do from now on."""

    permissions: PermissionsView


@dataclass(frozen=True, slots=True)
class WaitingListChanged:
    """To administrators: everybody who waits."""

    waiting: tuple[WaitingView, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """An administrator asks the participant to mute or unmute."""

    source: Source
    muted: bool
    by: ParticipantId


@dataclass(frozen=True, slots=True)
class Declined:
    """Whom the participant, an administrator, has asked to mute or unmute will not do it."""

    source: Source
    muted: bool
    participant_id: ParticipantId


@dataclass(frozen=True, slots=True)
class Muted:
    """The server forwards the participant's own track no longer. `by`: `None` for the room's state or the API."""

    track_id: TrackId
    source: Source
    by: ParticipantId | None
    may_unmute: bool


@dataclass(frozen=True, slots=True)
class Admitted:
    """The one who waited is in the room now, as this participant."""

    participant_id: ParticipantId


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """The one who waited does not get in; nothing follows. `code` and `message` as in `sfu.errors.RemoteError`."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """State of the participant's own transport: a name of `sfu.transport`'s table of states."""

    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """The participant is gone; nothing follows. `reason` as in `ParticipantLeft`, or `shutting_down`."""

    reason: str


RoomEvent = (
    ParticipantJoined
    | ParticipantLeft
    | ParticipantChanged
    | TrackAdded
    | TrackChanged
    | TrackRemoved
    | SlotsChanged
    | SlotsNeeded
    | SpeakersChanged
    | RoomChanged
    | PermissionsChanged
    | WaitingListChanged
    | Asked
    | Declined
    | Muted
    | Admitted
    | TurnedAway
    | ConnectionChanged
    | DirectSignal
    | Closed
)

Listener = Callable[[RoomEvent], None]
"""Called on the event loop. It must neither block nor raise; whoever listens queues."""
