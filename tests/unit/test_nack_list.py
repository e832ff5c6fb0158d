"""Missing packets are asked for at the right time, the right number of times, and never without bound."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane.nack import Nacks

pytestmark = pytest.mark.asan

MS = 1000
BASE = 65536
LIST_SIZE, MAX_AGE, MAX_TRIES = 1000, 10_000, 10


def hole(first: int, after: int, *, newer: int = 1, now_us: int = 0) -> Nacks:
    """`first` came, then `after` and `newer` packets that follow it, nothing between."""
    nacks = Nacks()
    nacks.packet(first, now_us)
    for number in range(after, after + newer + 1):
        nacks.packet(number, now_us)
    return nacks


@pytest.mark.parametrize(
    ("newer_packets", "waited_us", "asked"),
    [
        (1, 20 * MS, False),
        (2, 20 * MS - 1, False),
        (2, 20 * MS, True),
        (5, 20 * MS, True),
        (5, 0, False),
        (1, 100 * MS - 1, False),
        (1, 100 * MS, True),
    ],
)
def test_first_waits_for_two_packets_and_20_ms(newer_packets: int, waited_us: int, asked: bool) -> None:
    nacks = hole(BASE, BASE + 2, newer=newer_packets - 1)
    assert nacks.collect(waited_us) == ([1] if asked else [])


def test_a_packet_that_comes_late_is_never_asked_for() -> None:
    nacks = hole(BASE, BASE + 4, newer=0)
    nacks.packet(BASE + 2, 10 * MS)
    assert nacks.missing == [BASE + 1, BASE + 3]
    nacks.packet(BASE + 3, 11 * MS)
    nacks.packet(BASE + 3, 12 * MS)
    nacks.packet(BASE + 5, 12 * MS)
    assert nacks.collect(20 * MS) == [1]


@pytest.mark.parametrize(
    ("rtt_us", "spacing_us"), [(0, 100 * MS), (-5, 100 * MS), (50 * MS, 50 * MS), (900 * MS, 900 * MS), (1, 20 * MS)]
)
def test_repeats_after_a_round_trip_and_at_most_ten_times(rtt_us: int, spacing_us: int) -> None:
    nacks = hole(BASE, BASE + 3)
    now_us = 30 * MS
    for _ in range(MAX_TRIES):
        assert nacks.collect(now_us, rtt_us) == [1, 2]
        assert nacks.collect(now_us, rtt_us) == []
        assert nacks.collect(now_us + spacing_us - 1, rtt_us) == []
        now_us += spacing_us
    assert nacks.missing == [BASE + 1, BASE + 2]
    assert nacks.collect(now_us, rtt_us) == []
    assert nacks.missing == [], "given up"
    assert nacks.requested == 2 * MAX_TRIES


@pytest.mark.parametrize(("keyframe_at", "needed"), [(BASE, True), (BASE + 3, False)])
def test_what_is_given_up_calls_for_a_keyframe_unless_one_came_after_it(keyframe_at: int, needed: bool) -> None:
    nacks = Nacks()
    for number in (BASE, BASE + 3, BASE + 4):
        nacks.packet(number, keyframe=number == keyframe_at)
    for attempt in range(MAX_TRIES):
        assert nacks.collect((attempt + 1) * 100 * MS) == [1, 2]
        assert not nacks.take_overflow()
    assert nacks.collect((MAX_TRIES + 1) * 100 * MS) == []
    assert nacks.take_overflow() == needed


def test_a_clock_that_starts_at_zero_is_no_special_case() -> None:
    nacks = hole(BASE, BASE + 3, now_us=-20 * MS)
    assert nacks.collect(0, 50 * MS) == [1, 2]
    assert nacks.collect(1, 50 * MS) == []


def test_asks_in_order_over_the_wrap() -> None:
    nacks = hole(2 * BASE - 3, 2 * BASE + 3)
    assert nacks.collect(20 * MS) == [65534, 65535, 0, 1, 2]


def test_what_does_not_fit_is_asked_for_next_time() -> None:
    nacks = hole(BASE, BASE + 11)
    assert nacks.collect(20 * MS, capacity=0) == []
    assert nacks.collect(20 * MS, capacity=4) == [1, 2, 3, 4]
    assert nacks.collect(20 * MS, capacity=4) == [5, 6, 7, 8]
    assert nacks.collect(20 * MS, capacity=4) == [9, 10]


def test_forgets_what_is_ten_thousand_numbers_old() -> None:
    nacks = hole(BASE, BASE + 3)
    for number in range(BASE + 4, BASE + MAX_AGE + 2):
        nacks.packet(number)
    assert nacks.missing == [BASE + 1, BASE + 2]
    nacks.packet(BASE + MAX_AGE + 2)
    assert nacks.missing == [BASE + 2]


def test_a_thousand_fit_and_one_more_overflows() -> None:
    nacks = hole(BASE, BASE + LIST_SIZE + 1, newer=0)
    assert len(nacks.missing) == LIST_SIZE
    nacks.packet(BASE + LIST_SIZE + 3)
    assert nacks.missing == []
    assert nacks.take_overflow()
    assert not nacks.take_overflow()
    nacks.packet(BASE + LIST_SIZE + 5)
    assert nacks.missing == [BASE + LIST_SIZE + 4]


@pytest.mark.parametrize("found", [1, 2, LIST_SIZE // 2, LIST_SIZE])
def test_a_full_list_gives_up_any_of_its_entries(found: int) -> None:
    nacks = hole(BASE, BASE + LIST_SIZE + 1, newer=0)
    nacks.packet(BASE + found)
    assert nacks.missing == [BASE + each for each in range(1, LIST_SIZE + 1) if each != found]


def test_overflow_keeps_what_follows_the_last_keyframe() -> None:
    nacks = hole(BASE, BASE + 600, newer=0)
    nacks.packet(BASE + 601, keyframe=True)
    nacks.packet(BASE + 900)
    nacks.packet(BASE + 1300)
    assert nacks.missing == [*range(BASE + 602, BASE + 900), *range(BASE + 901, BASE + 1300)]
    assert not nacks.take_overflow()


def test_a_late_keyframe_counts_as_the_last_one() -> None:
    nacks = hole(BASE, BASE + 600, newer=0)
    nacks.packet(BASE + 500, keyframe=True)
    nacks.packet(BASE + 1200)
    assert nacks.missing == [*range(BASE + 501, BASE + 600), *range(BASE + 601, BASE + 1200)]


def test_a_keyframe_after_an_overflowing_hole_makes_the_hole_needless() -> None:
    nacks = hole(BASE, BASE + 5)
    nacks.packet(BASE + 5000, keyframe=True)
    assert nacks.missing == []
    assert not nacks.take_overflow()


@pytest.mark.parametrize("leap", [1002, 9_999, 10_001, 32_767])
def test_a_leap_is_one_overflow(leap: int) -> None:
    nacks = hole(BASE, BASE + leap)
    assert nacks.missing == []
    assert nacks.take_overflow()
    assert nacks.collect(10**9) == []


@settings(max_examples=200, deadline=None)
@given(
    start=st.integers(BASE, 3 * BASE),
    steps=st.lists(st.tuples(st.integers(-30, 60), st.integers(0, 60 * MS)), max_size=150),
    rtt_us=st.integers(0, 300 * MS),
    capacity=st.integers(0, 40),
)
def test_agrees_with_a_plain_model(start: int, steps: list[tuple[int, int]], rtt_us: int, capacity: int) -> None:
    """The model: a dictionary of missing number → (since, tries, asked at)."""
    nacks = Nacks()
    nacks.packet(start)
    highest, now_us = start, 0
    missing: dict[int, tuple[int, int, int]] = {}
    retry_us = max(rtt_us or 100 * MS, 20 * MS)
    for step, wait in steps:
        number = highest + step
        now_us += wait
        nacks.packet(number, now_us)
        missing.pop(number, None)
        new = range(highest + 1, number)
        highest = max(highest, number)
        if len(missing) + len(new) > LIST_SIZE:
            missing.clear()
            assert nacks.take_overflow()
        else:
            missing.update(dict.fromkeys(new, (now_us, 0, 0)))
        asked: list[int] = []
        for each, (since, tries, at) in list(missing.items()):
            ready = now_us - since >= 20 * MS and (highest - each >= 2 or now_us - since >= 100 * MS)
            if not (now_us - at >= retry_us if tries else ready):
                continue
            if tries == MAX_TRIES:
                del missing[each]
            elif len(asked) < capacity:
                asked.append(each & 0xFFFF)
                missing[each] = (since, tries + 1, now_us)
        assert nacks.collect(now_us, rtt_us, capacity) == asked
        assert nacks.missing == sorted(missing)
        assert len(nacks.missing) <= LIST_SIZE
