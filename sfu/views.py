"""Immutable snapshots of the room model, for front doors and metrics. They hold no reference to what they describe."""

from dataclasses import dataclass
from enum import StrEnum

from sfu.dataplane.types import Kind
from sfu.ids import Mid, ParticipantId, TrackId, WaitingId


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
    admin: bool = False
    hand_ms: int | None = None
    """Since when their hand is up, milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class PermissionsView:
    """What a participant may do now."""

    publish: bool
    subscribe: bool
    data: bool
    admin: bool
    sources: tuple[Source, ...]
    """What they may turn on."""


@dataclass(frozen=True, slots=True)
class WaitingView:
    """Somebody who waits, as administrators see them."""

    id: WaitingId
    name: str
    since_ms: int
    """Milliseconds since 1970."""
    removed: bool
    """An administrator had removed this identity before."""


@dataclass(frozen=True, slots=True)
class FileView:
    """A file that was dropped into a room."""

    id: str
    name: str
    size: int
    """Bytes."""
    type: str
    """Media type, as its sender said."""
    url: str


@dataclass(frozen=True, slots=True)
class SlotView:
    """What fills one receiving m-line."""

    mid: Mid
    kind: Kind
    track_id: TrackId | None
    participant_id: ParticipantId | None
