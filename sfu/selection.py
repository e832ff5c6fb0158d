"""Which track fills which slot. Pure: values in, values out; it knows neither rooms nor packets.

The strategy: rank the tracks, take as many as there are slots, leave those that already have a slot where they are,
and put the newcomers where lip sync works best. An audio and a video slot of the same number share a media stream,
which is what browsers synchronise by, so a person's microphone goes beside their camera whenever that place is free.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sfu.dataplane.types import Kind
from sfu.ids import Mid, ParticipantId, TrackId


@dataclass(frozen=True, slots=True)
class Candidate:
    """A track that may be shown to the receiver."""

    track_id: TrackId
    participant_id: ParticipantId
    kind: Kind
    rank: tuple[int, ...]
    """Smaller comes first; ties are broken by the order given."""


@dataclass(frozen=True, slots=True)
class OpenSlot:
    """A slot of the receiver, in the order of its m-lines."""

    mid: Mid
    kind: Kind
    track_id: TrackId | None
    number: int | None = None
    """Of the media stream that it shares with a slot of the other kind; `None`: with none."""


def assign(slots: Sequence[OpenSlot], candidates: Sequence[Candidate]) -> dict[Mid, TrackId | None]:
    """The track of every slot, `None` for an empty one. A track never fills two slots."""
    chosen = {c.track_id: c for kind in Kind for c in _best(slots, candidates, kind)}
    result: dict[Mid, TrackId | None] = {}
    for slot in slots:
        keeps = slot.track_id is not None and slot.track_id in chosen and slot.track_id not in result.values()
        result[slot.mid] = slot.track_id if keeps else None
    # Video first: audio then follows to the place beside it.
    for kind in (Kind.VIDEO, Kind.AUDIO):
        placed = set(result.values())
        for candidate in chosen.values():
            if candidate.kind is kind and candidate.track_id not in placed:
                result[_place(candidate, slots, result, chosen)] = candidate.track_id
    return result


def missing(slots: Sequence[OpenSlot], candidates: Sequence[Candidate], most: int) -> tuple[int, int]:
    """How many audio and video slots are wanted beyond those there are, so that each kind has at most `most`."""

    def short(kind: Kind) -> int:
        have = sum(slot.kind is kind for slot in slots)
        want = min(sum(c.kind is kind for c in candidates), most)
        return max(0, want - have)

    return short(Kind.AUDIO), short(Kind.VIDEO)


def _best(slots: Sequence[OpenSlot], candidates: Sequence[Candidate], kind: Kind) -> list[Candidate]:
    room = sum(slot.kind is kind for slot in slots)
    return sorted((c for c in candidates if c.kind is kind), key=lambda c: c.rank)[:room]


def _place(
    candidate: Candidate,
    slots: Sequence[OpenSlot],
    result: Mapping[Mid, TrackId | None],
    chosen: Mapping[TrackId, Candidate],
) -> Mid:
    """The free slot that suits best: beside the same person, else beside nobody, else the first."""
    free = [slot.mid for slot in slots if slot.kind is candidate.kind and result[slot.mid] is None]
    beside = _neighbours(slots)

    def owner(mid: Mid) -> ParticipantId | None:
        other = beside.get(mid)
        track_id = result[other] if other is not None else None
        return chosen[track_id].participant_id if track_id is not None else None

    def misfit(mid: Mid) -> int:
        return 0 if owner(mid) == candidate.participant_id else 1 if owner(mid) is None else 2

    return min(free, key=misfit)


def _neighbours(slots: Sequence[OpenSlot]) -> dict[Mid, Mid]:
    """MID → MID of the slot of the other kind that shares its media stream."""
    streams: dict[int, list[Mid]] = {}
    for slot in slots:
        if slot.number is not None:
            streams.setdefault(slot.number, []).append(slot.mid)
    pairs = [mids for mids in streams.values() if len(mids) == len(Kind)]
    return {mid: other for first, second in pairs for mid, other in ((first, second), (second, first))}
