"""A published track: one m-line on which a participant sends, and its place in the data plane."""

from dataclasses import dataclass

from sfu.dataplane.types import Kind, TrackParams
from sfu.ids import Mid, ParticipantId, TrackId
from sfu.views import Source, TrackView


@dataclass(slots=True, eq=False)
class Track:
    """Owned by its participant. `handle` is the track of the engine that the room's packets run through."""

    id: TrackId
    owner: ParticipantId
    params: TrackParams
    handle: int
    source: Source
    muted: bool = False
    """As its owner says."""
    blocked: bool = False
    """An administrator muted it, or the room does not allow it: it is forwarded to nobody."""

    def describe(self, source: Source | None, muted: bool | None) -> bool:
        """Take what a later offer says of it (`None`: nothing); whether that is new."""
        before = self.view
        self.source = self.source if source is None else source
        self.muted = self.muted if muted is None else muted
        return self.view != before

    @property
    def silent(self) -> bool:
        return self.muted or self.blocked

    @property
    def mid(self) -> Mid:
        return Mid(self.params.mid)

    @property
    def kind(self) -> Kind:
        return self.params.kind

    @property
    def view(self) -> TrackView:
        return TrackView(self.id, self.kind, self.source, self.silent)
