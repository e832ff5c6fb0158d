"""A slot: one m-line on which a participant receives, and what fills it.

Changing what fills a slot needs no negotiation: the data plane keeps SSRC, sequence numbers and timestamps continuous.
"""

from dataclasses import dataclass

from sfu.dataplane.types import Kind, SlotParams
from sfu.ids import Mid
from sfu.track import Track
from sfu.views import SlotView


@dataclass(slots=True, eq=False)
class Slot:
    """Owned by its participant. `handle` is the slot of the engine that the room's packets run through."""

    params: SlotParams
    handle: int
    number: int | None = None
    """Of the media stream `slot-n` that it shares with a slot of the other kind; stays for the slot's life."""
    track: Track | None = None

    @property
    def mid(self) -> Mid:
        return Mid(self.params.mid)

    @property
    def kind(self) -> Kind:
        return self.params.kind

    @property
    def view(self) -> SlotView:
        if self.track is None:
            return SlotView(self.mid, self.kind, None, None)
        return SlotView(self.mid, self.kind, self.track.id, self.track.owner)
