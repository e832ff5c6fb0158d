"""Immutable snapshots of the room model, for front doors and metrics. They hold no reference to what they describe."""

from dataclasses import dataclass
from enum import StrEnum

from sfu.dataplane.types import Kind
from sfu.ids import Mid, ParticipantId, TrackId


class Source(StrEnum):
    """What a track shows, as its publisher says."""

    CAMERA = "camera"
    MICROPHONE = "microphone"
    SCREEN = "screen"
    SCREEN_AUDIO = "screen_audio"
    UNKNOWN = "unknown"

    @property
    def kind(self) -> Kind | None:
        """What such a track must be; `None`: either."""
        if self is Source.UNKNOWN:
            return None
        return Kind.AUDIO if self in (Source.MICROPHONE, Source.SCREEN_AUDIO) else Kind.VIDEO


@dataclass(frozen=True, slots=True)
class TrackView:
    """A published track as everybody in the room may know it."""

    id: TrackId
    kind: Kind
    source: Source
    muted: bool


@dataclass(frozen=True, slots=True)
class ParticipantView:
    """A participant as everybody in the room may know them."""

    id: ParticipantId
    name: str
    tracks: tuple[TrackView, ...]


@dataclass(frozen=True, slots=True)
class SlotView:
    """What fills one receiving m-line."""

    mid: Mid
    kind: Kind
    track_id: TrackId | None
    participant_id: ParticipantId | None
