"""Outgoing sequence numbers are continuous over drops, switches and wraps."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane.seqmap import Sequences

pytestmark = pytest.mark.asan

SEEN = settings(max_examples=300, deadline=None)
INTERVALS = 64

OLD = None
Step = tuple[str, int] | tuple[str, int, int | None]

TABLES: list[tuple[str, int, list[Step]]] = [
    ("in order", 1000, [("map", 5, 1000), ("map", 6, 1001), ("map", 7, 1002)]),
    ("both wrap", 65534, [("map", 65535, 65534), ("map", 0, 65535), ("map", 1, 0), ("map", 2, 1)]),
    ("a loss leaves the same hole", 10, [("map", 1, 10), ("map", 4, 13), ("map", 3, 12), ("map", 2, 11)]),
    ("a loss over the wrap", 0, [("map", 65535, 0), ("map", 2, 3), ("map", 1, 2), ("map", 0, 1)]),
    ("a duplicate goes out the same", 0, [("map", 8, 0), ("map", 9, 1), ("map", 8, 0), ("map", 9, 1)]),
    ("from before the first packet", 100, [("map", 50, 100), ("map", 49, OLD), ("map", 51, 101)]),
    ("half the range ahead", 0, [("map", 0, 0), ("map", 32767, 32767), ("map", 65534, 65534)]),
    ("half the range behind", 0, [("map", 0, 0), ("map", 32768, OLD), ("map", 1, 1)]),
    ("a drop leaves no hole", 10, [("map", 1, 10), ("drop", 2), ("map", 3, 11)]),
    ("drops in a row", 10, [("map", 1, 10), ("drop", 2), ("drop", 3), ("drop", 4), ("map", 5, 11), ("map", 6, 12)]),
    ("a drop before anything", 10, [("drop", 1), ("map", 2, 10)]),
    ("a drop at the wrap", 65535, [("map", 65534, 65535), ("drop", 65535), ("map", 0, 0), ("drop", 1), ("map", 2, 1)]),
    ("a late packet from before a drop", 0, [("map", 1, 0), ("map", 3, 2), ("drop", 4), ("map", 5, 3), ("map", 2, 1)]),
    ("a packet once dropped", 0, [("map", 1, 0), ("drop", 2), ("map", 2, OLD), ("map", 3, 1), ("map", 2, OLD)]),
    (
        "packets once dropped in a row",
        0,
        [("map", 1, 0), ("drop", 2), ("drop", 3), ("map", 4, 1), ("map", 2, OLD), ("map", 3, OLD), ("map", 1, 0)],
    ),
    ("no drop over a hole", 0, [("map", 1, 0), ("keep", 3), ("map", 3, 2), ("map", 4, 3), ("map", 2, 1)]),
    ("no drop of a late one", 0, [("map", 1, 0), ("map", 3, 2), ("keep", 2), ("map", 2, 1), ("map", 4, 3)]),
    ("no drop twice", 0, [("map", 1, 0), ("drop", 2), ("keep", 2), ("map", 3, 1)]),
    ("switch after a marker", 0, [("map", 1, 0), ("switch", 9000, 1), ("map", 9000, 2), ("map", 9001, 3)]),
    ("switch inside a frame", 0, [("map", 1, 0), ("switch", 9000, 2), ("map", 9000, 3)]),
    ("switch of audio", 0, [("map", 1, 0), ("switch", 9000, 0), ("map", 9000, 1)]),
    ("switch at the wrap", 65534, [("map", 1, 65534), ("switch", 65535, 1), ("map", 65535, 0), ("map", 0, 1)]),
    (
        "from before the switch point",
        0,
        [
            ("map", 1, 0),
            ("switch", 9000, 1),
            ("map", 9000, 2),
            ("map", 8999, OLD),
            ("map", 8000, OLD),
            ("map", 9001, 3),
        ],
    ),
    ("from before the switch point, at the wrap", 0, [("switch", 0, 1), ("map", 0, 0), ("map", 65535, OLD)]),
    ("the switch point comes second", 0, [("map", 1, 0), ("switch", 9000, 1), ("map", 9001, 3), ("map", 9000, 2)]),
    ("a switch to itself", 0, [("map", 1, 0), ("map", 2, 1), ("switch", 3, 1), ("map", 3, 3), ("map", 2, OLD)]),
    ("two switches and nothing sent", 0, [("map", 1, 0), ("switch", 50, 2), ("switch", 70, 2), ("map", 70, 3)]),
    ("a switch before anything leaves no hole", 0, [("switch", 70, 2), ("map", 70, 0)]),
    (
        "a drop right after a switch",
        0,
        [("map", 1, 0), ("switch", 50, 1), ("drop", 50), ("map", 51, 2), ("map", 50, OLD)],
    ),
    ("late after 1,000", 0, [("map", 0, 0), ("map", 2, 2), ("map", 1002, 1002), ("map", 1, 1)]),
]


@pytest.mark.parametrize(("first_out", "steps"), [pytest.param(first, steps, id=name) for name, first, steps in TABLES])
def test_tables(first_out: int, steps: list[Step]) -> None:
    sequences = Sequences(first_out)
    for step in steps:
        match step:
            case ("map", number, out):
                assert sequences.map(number) == out, step
            case ("switch", number, gap):
                assert gap is not None
                sequences.switch(number, gap)
            case ("drop", number):
                assert sequences.drop(number), step
            case ("keep", number):
                assert not sequences.drop(number), step


@pytest.mark.parametrize("first_in", [0, 1, 32767, 32768, 65535])
def test_every_offset_of_in_and_out(first_in: int) -> None:
    for first_out in range(0, 65536, 257):
        sequences = Sequences(first_out)
        for number in range(3):
            assert sequences.map((first_in + number) % 65536) == (first_out + number) % 65536


@dataclass
class Model:
    """The definition, in whole numbers: out = what went before + place in the source - packets left out before it."""

    next_out: int
    first: int | None = None
    highest: int = -1
    base: int = 0
    dropped: list[int] = field(default_factory=list)

    def switch(self, first: int, gap: int) -> None:
        if self.first is not None:
            self.next_out += gap if self.highest >= self.first else 0
        self.first, self.highest, self.base, self.dropped = first, first - 1, self.next_out, []

    def out(self, number: int) -> int:
        assert self.first is not None
        return self.base + number - self.first - sum(drop < number for drop in self.dropped)

    def forgotten(self, number: int) -> bool:
        """Each run of drops that something was sent before starts an interval, and only 64 of them are remembered."""
        runs = [drop for drop in self.dropped if drop - 1 not in self.dropped and drop != self.first]
        return len(runs) >= INTERVALS and number < self.end_of_run(runs[-INTERVALS])

    def end_of_run(self, start: int) -> int:
        while start in self.dropped:
            start += 1
        return start

    def map(self, number: int) -> int | None:
        if self.first is None:
            self.switch(number, 0)
        assert self.first is not None
        if number < self.first or number in self.dropped:
            return None
        if number > self.highest:
            self.highest = number
            self.next_out = self.out(number) + 1
            return self.out(number) % 65536
        return None if self.forgotten(number) else self.out(number) % 65536

    def drop(self, number: int) -> bool:
        if self.first is None:
            return True
        if number != self.highest + 1:
            return False
        self.dropped.append(number)
        self.highest = number
        return True


def test_the_whole_wrap_three_times_with_drops_and_reordering() -> None:
    # Of every eight: 2 and 3 are left out, 5 comes late by two and 6 twice.
    sequences = Sequences(60000)
    forwarded = {0: 0, 1: 1, 4: 2, 5: 3, 6: 4, 7: 5}
    for group in range(3 * 65536 // 8):
        number = 30000 + 8 * group
        for place in (0, 1, 2, 3, 4, 6, 7, 5, 6):
            source = (number + place) % 65536
            if place in forwarded:
                out = (60000 + 6 * group + forwarded[place]) % 65536
                assert sequences.map(source) == out
            else:
                assert sequences.drop(source)
                assert sequences.map(source) is None


def test_64_runs_of_drops_are_remembered() -> None:
    sequences = Sequences(0)
    for number in range(0, 2 * (INTERVALS + 5), 2):
        sequences.map(number)
        assert sequences.drop(number + 1)
    last = 2 * (INTERVALS + 5)
    assert sequences.map(last) == last // 2
    # The last interval begins at `last`; each one before it holds one number.
    remembered = [number for number in range(0, last + 1, 2) if sequences.map(number) is not None]
    assert remembered == list(range(last - 2 * (INTERVALS - 1), last + 1, 2))
    assert [sequences.map(number) for number in remembered] == [number // 2 for number in remembered]


@pytest.mark.parametrize("first", [0, 40000, 65000])
def test_more_than_a_thousand_numbers_ahead_is_a_jump(first: int) -> None:
    sequences = Sequences(0)
    assert not sequences.jumps(first)
    sequences.map(first)
    assert [sequences.jumps((first + ahead) % 65536) for ahead in (0, 1, 1000, 1001, 32767, 32768, 65535)] == [
        False, False, False, True, True, False, False,
    ]  # fmt: skip


def test_a_long_run_of_drops_is_one_interval() -> None:
    sequences = Sequences(0)
    assert [sequences.map(number) for number in (0, 2)] == [0, 2]
    assert all(sequences.drop(number) for number in range(3, 3 + 3 * INTERVALS))
    assert [sequences.map(number) for number in (3 + 3 * INTERVALS, 1, 3)] == [3, 1, None]


actions = st.lists(
    st.one_of(
        st.tuples(st.just("map"), st.integers(-6, 6)),
        st.tuples(st.just("next"), st.just(1)),
        st.tuples(st.just("drop"), st.integers(-2, 3)),
        st.tuples(st.just("drop"), st.just(1)),
        st.tuples(st.just("switch"), st.integers(0, 65535)),
    ),
    max_size=300,
)


@SEEN
@given(st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 2), actions)
def test_any_order_goes_out_as_the_model_says(
    first_in: int, first_out: int, gap: int, actions: list[tuple[str, int]]
) -> None:
    sequences, model = Sequences(first_out), Model(first_out)
    offset = 1 << 20
    highest = first_in + offset
    sent: dict[int, int] = {}  # out → in, of the source that fills the slot now
    for kind, value in actions:
        if kind == "switch":
            highest = value + offset
            sequences.switch(value, gap)
            model.switch(highest, gap)
            sent.clear()
            continue
        number = highest + value
        if kind == "drop":
            dropped = sequences.drop(number % 65536)
            assert dropped == model.drop(number)
            highest = max(highest, number) if dropped else highest
            continue
        out = sequences.map(number % 65536)
        assert out == model.map(number)
        highest = max(highest, number)
        if out is not None:
            # One number, one packet: nothing that was sent is ever taken for something else.
            assert sent.setdefault(out, number) == number
