"""Keeps receivers' slots filled with the tracks that matter most to them, and asks for more slots where they run short.

It ranks the room's tracks once for all receivers, since both are many; `selection.py` decides which track goes where.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from sfu.dataplane.types import Kind
from sfu.events import SlotsChanged, SlotsNeeded
from sfu.ids import ParticipantId
from sfu.participant import Participant
from sfu.selection import Candidate, OpenSlot, assign, missing
from sfu.speakers import SpeakerDetector
from sfu.track import Track
from sfu.views import Source

MAX_SLOTS_A_KIND = 16
"""Slots of one kind that a client is asked for: the tiles of a full page, and as many voices."""

SCREENS = frozenset({Source.SCREEN, Source.SCREEN_AUDIO})


class SlotFiller:
    """Of one room; `participants` is the room's own mapping."""

    def __init__(self, participants: Mapping[ParticipantId, Participant], detector: SpeakerDetector) -> None:
        self._participants = participants
        self._detector = detector

    def fill(self, receivers: Iterable[Participant], *, always_tell: bool = False) -> None:
        """Whoever's slots change is told; `always_tell`: the others, too."""
        ranking = self._ranking()
        for receiver in receivers:
            self._fill(receiver, ranking, always_tell)

    def _fill(self, receiver: Participant, ranking: Mapping[Kind, Sequence[Track]], always_tell: bool) -> None:
        connection = receiver.connection
        if connection is None or receiver.left or not connection.role.subscribe:
            return
        slots = [
            OpenSlot(slot.mid, slot.kind, slot.track.id if slot.track else None, slot.number) for slot in receiver.slots
        ]
        most = max(MAX_SLOTS_A_KIND, len(slots))
        tracks = [track for ranked in ranking.values() for track in islice(self._wanted(receiver, ranked), most)]
        by_id = {track.id: track for track in tracks}
        candidates = [Candidate(track.id, track.owner, track.kind, (place,)) for place, track in enumerate(tracks)]
        filling = assign(slots, candidates)
        if connection.fill({mid: by_id[t] if t is not None else None for mid, t in filling.items()}) or always_tell:
            receiver.notify(SlotsChanged(tuple(slot.view for slot in receiver.slots)))
        needed = missing(slots, candidates, MAX_SLOTS_A_KIND)
        if needed != receiver.slots_requested:
            receiver.slots_requested = needed
            if any(needed):
                receiver.notify(SlotsNeeded(*needed))

    def _ranking(self) -> dict[Kind, list[Track]]:
        """All tracks, those first that matter most to everybody."""

        def rank(track: Track) -> tuple[bool, bool, int]:
            return track.source not in SCREENS, track.silent, -self._detector.spoke_ms(track.owner)

        published = (track for p in self._participants.values() for track in p.tracks.values() if not track.blocked)
        tracks = sorted(published, key=rank)
        return {kind: [track for track in tracks if track.kind is kind] for kind in Kind}

    def _wanted(self, receiver: Participant, ranked: Sequence[Track]) -> Iterator[Track]:
        """Of one kind, those that this receiver may get, in its own order: whom it has pinned comes first."""
        if receiver.pins:
            places = {owner: place for place, owner in reversed(list(enumerate(receiver.pins)))}
            ranked = sorted(ranked, key=lambda track: places.get(track.owner, len(receiver.pins)))
        return (track for track in ranked if track.owner != receiver.id and self._may_get(receiver, track))

    def _may_get(self, receiver: Participant, track: Track) -> bool:
        if receiver.only is None:
            return True
        owner = self._participants.get(track.owner)
        return owner is not None and receiver.only in (owner.id, owner.identity)
