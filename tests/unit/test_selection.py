"""Tracks find slots: the best rank wins, who has a slot keeps it, and a voice sits beside its own picture."""

from hypothesis import given
from hypothesis import strategies as st

from sfu.dataplane.types import Kind
from sfu.ids import Mid, ParticipantId, TrackId
from sfu.selection import Candidate, OpenSlot, assign, missing

A, V = Kind.AUDIO, Kind.VIDEO


def slot(mid: str, kind: Kind, track: str | None = None) -> OpenSlot:
    """The last digit of the MID is the number of the media stream."""
    return OpenSlot(Mid(mid), kind, TrackId(track) if track else None, int(mid[-1]))


def candidate(track: str, owner: str, kind: Kind, rank: int = 0) -> Candidate:
    return Candidate(TrackId(track), ParticipantId(owner), kind, (rank,))


def test_empty_slots_are_filled_by_rank() -> None:
    filled = assign([slot("0", V)], [candidate("late", "a", V, 2), candidate("first", "b", V, 1)])
    assert filled == {"0": "first"}


def test_a_track_that_has_a_slot_stays_there() -> None:
    slots = [slot("0", V), slot("1", V, "kept")]
    filled = assign(slots, [candidate("kept", "a", V, 5), candidate("new", "b", V, 1)])
    assert filled == {"0": "new", "1": "kept"}


def test_a_better_track_takes_the_slot_of_the_worst() -> None:
    slots = [slot("0", V, "worst"), slot("1", V, "good")]
    filled = assign(slots, [candidate("worst", "a", V, 9), candidate("good", "b", V, 1), candidate("best", "c", V, 0)])
    assert filled == {"0": "best", "1": "good"}


def test_a_track_that_ended_leaves_its_slot() -> None:
    assert assign([slot("0", A, "gone")], []) == {"0": None}


def test_a_voice_goes_beside_its_own_picture() -> None:
    slots = [slot("a0", A), slot("a1", A), slot("v0", V), slot("v1", V, "cam-b")]
    filled = assign(slots, [candidate("mic-b", "b", A), candidate("cam-b", "b", V), candidate("mic-c", "c", A)])
    assert filled == {"a0": "mic-c", "a1": "mic-b", "v0": None, "v1": "cam-b"}


def test_a_screen_goes_beside_no_other_persons_voice_when_there_is_a_free_pair() -> None:
    slots = [slot("a0", A, "mic-a"), slot("a1", A), slot("v0", V), slot("v1", V)]
    filled = assign(slots, [candidate("mic-a", "a", A), candidate("screen-b", "b", V)])
    assert filled[Mid("v1")] == "screen-b"


def test_missing_counts_what_does_not_fit_up_to_the_most() -> None:
    tracks = [candidate(f"v{n}", f"p{n}", V) for n in range(5)] + [candidate("a", "p0", A)]
    assert missing([slot("0", V)], tracks, most=16) == (1, 4)
    assert missing([slot("0", V)], tracks, most=3) == (1, 2)
    assert missing([slot(str(n), V) for n in range(7)], tracks, most=3) == (1, 0)


kinds = st.sampled_from(Kind)
candidates = st.lists(
    st.tuples(st.integers(0, 5), kinds, st.integers(0, 3)), max_size=12, unique_by=lambda t: (t[0], t[1])
).map(lambda items: [candidate(f"{kind.name}-{owner}", f"p{owner}", kind, rank) for owner, kind, rank in items])
slots_of = st.lists(st.tuples(kinds, st.none() | st.integers(0, 7)), max_size=10).map(
    lambda items: [
        slot(str(mid), kind, None if owner is None else f"{kind.name}-{owner}")
        for mid, (kind, owner) in enumerate(items)
    ]
)


@given(slots_of, candidates)
def test_every_slot_gets_at_most_one_fitting_track_and_no_better_one_is_left_out(
    slots: list[OpenSlot], tracks: list[Candidate]
) -> None:
    filled = assign(slots, tracks)
    by_id = {track.track_id: track for track in tracks}
    assert list(filled) == [s.mid for s in slots]
    placed = [track for track in filled.values() if track is not None]
    assert len(placed) == len(set(placed))
    for kind in Kind:
        of_kind = [s.mid for s in slots if s.kind is kind]
        inside = [by_id[t] for mid in of_kind if (t := filled[mid]) is not None]
        assert all(track.kind is kind for track in inside)
        outside = [t for t in tracks if t.kind is kind and t not in inside]
        assert len(inside) == min(len(of_kind), len(inside) + len(outside))
        assert not inside or not outside or max(t.rank for t in inside) <= min(t.rank for t in outside)
