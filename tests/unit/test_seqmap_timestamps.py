"""A slot's timestamps go on over whatever fills it: by sender reports where they are known, else by the time that passed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane.seqmap import Timestamps

SEEN = settings(max_examples=300, deadline=None)
WRAP = 1 << 32
VIDEO, AUDIO = 90_000, 48_000
MS = 1_000  # µs
FRAME = 33 * 90  # video ticks


def ticks(ms: float) -> int:
    return round(ms * 90)


def started(last_out: int, *, at_us: int = 0) -> Timestamps:
    """A video slot that has sent `last_out` at `at_us`, from a source whose timestamp was 0."""
    timestamps = Timestamps(VIDEO, last_out)
    assert timestamps.map(0, at_us) == last_out
    return timestamps


def test_a_slot_starts_where_it_is_told_to() -> None:
    timestamps = Timestamps(VIDEO, 7)
    assert [timestamps.map(1000 + n, 0) for n in (0, 1, 3000)] == [7, 8, 3007]


def test_the_first_source_needs_no_alignment() -> None:
    timestamps = Timestamps(VIDEO, 7)
    assert timestamps.switch(1000, 5, 12345)
    assert timestamps.map(1000, 5) == 7


def test_the_whole_wrap_with_reordering() -> None:
    timestamps = Timestamps(VIDEO, 0xFFFFFFF0)
    start, step = 0x12345678, 0x01234567
    assert timestamps.map(start, 0) == 0xFFFFFFF0
    for number in range(1, 4 * WRAP // step, 2):
        for frame in (number + 1, number):
            out = (0xFFFFFFF0 + frame * step) % WRAP
            assert timestamps.map((start + frame * step) % WRAP, 0) == out


SWITCHES = [
    # last out, ms since, aligned (relative to last out, in ms; None: unknown) → out (relative, in ms; None: refused)
    pytest.param(100, 40, 40, 40, id="aligned just so"),
    pytest.param(100, 40, 1, 1, id="barely past"),
    pytest.param(100, 40, 0, 33, id="the same moment"),
    pytest.param(100, 40, -10, 33, id="a little before"),
    pytest.param(100, 40, -42, 33, id="75 ms to move: the most"),
    pytest.param(100, 40, -42.1, None, id="more than 75 ms to move"),
    pytest.param(100, 40, -500, None, id="half a second before"),
    pytest.param(100, 40, 2500, 2500, id="far ahead after a stall"),
    pytest.param(100, 40, 3041, 40, id="over 3 s from elapsed time: a wrong clock, ahead"),
    pytest.param(100, 40, -2961, 40, id="over 3 s from elapsed time: a wrong clock, behind"),
    pytest.param(100, 40, -2959, None, id="just under"),
    pytest.param(100, 10_000, 9_990, 9_990, id="aligned after a silence"),
    pytest.param(100, 40, None, 40, id="unknown: elapsed time"),
    pytest.param(100, 5, None, 33, id="unknown: at least a frame"),
    pytest.param(100, 0, None, 33, id="unknown: at once"),
    pytest.param(100, -50, None, 33, id="unknown: the clock given went backwards"),
    pytest.param(100, 86_400_000, None, 86_400_000, id="unknown: after a day"),
    pytest.param(100, 86_400_000, 86_399_990, 86_399_990, id="aligned after a day"),
    pytest.param(100, 5 * 3_600_000, 5 * 3_600_000 - 5, 5 * 3_600_000 - 5, id="aligned after five hours"),
    pytest.param(100, 7 * 3_600_000, 7 * 3_600_000 - 5, 7 * 3_600_000 - 5, id="aligned after seven hours"),
    pytest.param(WRAP - 5, 40, 40, 40, id="over the wrap"),
    pytest.param(WRAP - 5, 40, -10, 33, id="moved over the wrap"),
    pytest.param(WRAP - 5, 40, None, 40, id="unknown, over the wrap"),
    pytest.param(5, 40, -42, 33, id="moved from before the wrap"),
    pytest.param(5, 40, -43, None, id="refused from before the wrap"),
    pytest.param(1 << 31, 40, 40, 40, id="in the middle"),
]


@pytest.mark.parametrize(("last_out", "elapsed_ms", "aligned_ms", "out_ms"), SWITCHES)
def test_switches(last_out: int, elapsed_ms: int, aligned_ms: float | None, out_ms: float | None) -> None:
    timestamps = started(last_out, at_us=77 * MS)
    now_us = (77 + elapsed_ms) * MS
    aligned_out = None if aligned_ms is None else (last_out + ticks(aligned_ms)) % WRAP
    for ts_in in (0, 1, 0x7FFFFFFF, 0x80000000, WRAP - 1):
        accepted = timestamps.switch(ts_in, now_us, aligned_out)
        assert accepted == (out_ms is not None)
        if out_ms is None:
            # Refused: the source before goes on as if nothing had been asked.
            assert timestamps.map(0, 77 * MS) == last_out
            continue
        again = started(last_out, at_us=77 * MS)
        assert again.switch(ts_in, now_us, aligned_out)
        assert again.map(ts_in, now_us) == (last_out + ticks(out_ms)) % WRAP
        assert again.map((ts_in + FRAME) % WRAP, now_us + 33 * MS) == (last_out + ticks(out_ms) + FRAME) % WRAP


def test_audio_counts_in_its_own_clock() -> None:
    timestamps = Timestamps(AUDIO, 1000)
    timestamps.map(500, 0)
    timestamps.switch(9, 100 * MS)
    assert timestamps.map(9, 100 * MS) == 1000 + 4800
    timestamps.switch(70, 110 * MS)
    assert timestamps.map(70, 110 * MS) == 1000 + 4800 + 33 * 48


def test_elapsed_time_counts_from_the_first_packet_of_the_newest_frame() -> None:
    timestamps = started(0)
    timestamps.map(3000, 33 * MS)
    timestamps.map(3000, 40 * MS)  # more of the same frame
    timestamps.map(0, 45 * MS)  # late
    timestamps.switch(5, 133 * MS)
    assert timestamps.map(5, 133 * MS) == 3000 + ticks(100)


def test_a_publisher_that_leaps_ahead_does_not_shut_the_slot() -> None:
    timestamps = started(0)
    leap = timestamps.map(0x40000000, 10 * MS)
    # Everybody else's alignment is now three hours behind: their own time decides.
    assert timestamps.switch(5, 50 * MS, ticks(50))
    assert timestamps.map(5, 50 * MS) == leap + ticks(40)


@SEEN
@given(
    st.integers(0, WRAP - 1),
    st.lists(
        st.tuples(st.integers(0, WRAP - 1), st.integers(0, 10_000), st.none() | st.integers(-9000, 9000)), max_size=30
    ),
)
def test_any_switches_only_go_forward(first_out: int, switches: list[tuple[int, int, int | None]]) -> None:
    timestamps = started(first_out)
    last, last_us, now_us = first_out, 0, 0
    for ts_in, wait_ms, aligned_ms in switches:
        now_us += wait_ms * MS
        aligned_out = None if aligned_ms is None else (last + ticks(aligned_ms)) % WRAP
        if not timestamps.switch(ts_in, now_us, aligned_out):
            assert aligned_ms is not None
            assert aligned_ms < 0
            continue
        out = timestamps.map(ts_in, now_us)
        ahead = (out - last) % WRAP
        # Never back, and never further ahead than the time that passed and 3 s more.
        assert 0 < ahead <= ticks(max((now_us - last_us) / MS, 33) + 3000)
        last, last_us = out, now_us
