"""What a participant's front door is told. One frozen dataclass an event; nothing here refers to a live object."""

from collections.abc import Callable
from dataclasses import dataclass

from sfu.direct_signal import DirectSignal
from sfu.ids import ParticipantId, TrackId
from sfu.views import ParticipantView, SlotView, TrackView


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
    | TrackAdded
    | TrackChanged
    | TrackRemoved
    | SlotsChanged
    | SlotsNeeded
    | SpeakersChanged
    | ConnectionChanged
    | DirectSignal
    | Closed
)

Listener = Callable[[RoomEvent], None]
"""Called on the event loop. It must neither block nor raise; whoever listens queues."""
