"""The feedback that we write tells every packet's arrival as the draft says, however packets come and however small the room is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane.arrivals import Arrivals
from tests.oracles.twcc import LARGE, MISSING, SMALL, Status, decode_packet, one_bit, run_length, two_bit

pytestmark = pytest.mark.asan

TICK_US = 250
START_US = 64_000 * 1000
"""The reference time falls on it, so the first delta is 0."""
LOG_SIZE = 4096


def logged(*arrivals: tuple[int, int]) -> Arrivals:
    """Arrivals of (number, ticks after START_US)."""
    log = Arrivals()
    for number, ticks in arrivals:
        log.packet(number, START_US + ticks * TICK_US)
    return log


def told(log: Arrivals, capacity: int = 1200) -> list[Status]:
    """All that the log has to say, over as many packets as it takes."""
    statuses: list[Status] = []
    while packet := log.feedback(capacity=capacity):
        assert len(packet) <= capacity
        assert len(packet) % 4 == 0
        statuses += decode_packet(packet).statuses
    assert log.pending == 0
    return statuses


def ticks_of(now_us: int) -> int:
    """As the reader sees it: the reference time has 24 bits of 64 ms."""
    return now_us // 64_000 % 2**24 * 256 + now_us % 64_000 // TICK_US


def test_header() -> None:
    packet = logged((7, 0)).feedback(sender_ssrc=0x01020304, media_ssrc=0xF5060708)
    assert packet[:12] == bytes.fromhex("8fcd0005 01020304 f5060708")
    feedback = decode_packet(packet)
    assert (feedback.base, feedback.count, feedback.reference, feedback.number) == (7, 1, 1000, 0)


@pytest.mark.parametrize(
    ("symbols", "chunks"),
    [
        ([SMALL], [run_length(SMALL, 1)]),
        ([SMALL] * 100, [run_length(SMALL, 100)]),
        ([SMALL, MISSING, SMALL], [one_bit(1, 0, 1)]),
        ([SMALL, MISSING] * 7 + [SMALL], [one_bit(*[1, 0] * 7), run_length(SMALL, 1)]),
        ([SMALL, LARGE, SMALL], [two_bit(1, 2, 1)]),
        ([SMALL] * 7 + [LARGE] * 7, [run_length(SMALL, 7), run_length(LARGE, 7)]),
        ([SMALL] * 6 + [LARGE] * 2, [two_bit(1, 1, 1, 1, 1, 1, 2), run_length(LARGE, 1)]),
        ([SMALL] * 13 + [MISSING] * 1 + [SMALL], [one_bit(*[1] * 13, 0), run_length(SMALL, 1)]),
        (
            [SMALL] + [MISSING] * 2000 + [SMALL],
            [one_bit(1, *[0] * 13), run_length(MISSING, 1987), run_length(SMALL, 1)],
        ),
        (
            [SMALL, SMALL, LARGE, MISSING, SMALL, SMALL, SMALL, SMALL],
            [two_bit(1, 1, 2, 0, 1, 1, 1), run_length(SMALL, 1)],
        ),
    ],
)
def test_chunks(symbols: list[int], chunks: list[bytes]) -> None:
    ticks, arrivals = 0, []
    for number, symbol in enumerate(symbols):
        ticks += {SMALL: 1, LARGE: 256}.get(symbol, 0)
        if symbol != MISSING:
            arrivals.append((number, ticks))
    packet = logged(*arrivals).feedback()
    written = b"".join(chunks)
    assert packet[20 : 20 + len(written)] == written
    assert decode_packet(packet).statuses == [
        (number, 256_000 + dict(arrivals)[number] if symbol else None) for number, symbol in enumerate(symbols)
    ]


@pytest.mark.parametrize(
    ("deltas", "packets"),
    [
        ([0, 255], 1),
        ([0, 256], 1),
        ([200, -1], 1),
        ([0, 32767], 1),
        ([0, 32768], 2),
        ([0, 20000, 12768, -32768], 1),
        ([0, 20000, 12769, -32769], 2),
        ([0, 40000, 40000, 40000], 4),
    ],
)
def test_a_delta_that_does_not_fit_starts_another_packet(deltas: list[int], packets: int) -> None:
    arrivals, ticks = [], 0
    for number, delta in enumerate(deltas):
        ticks += delta
        arrivals.append((number, ticks))
    log = logged(*arrivals)
    written = []
    while packet := log.feedback():
        written.append(decode_packet(packet))
    assert len(written) == packets
    assert [status for each in written for status in each.statuses] == [(n, 256_000 + t) for n, t in arrivals]
    assert [each.number for each in written] == list(range(packets))


@pytest.mark.parametrize("first", [0, 1, 4095, 32767, 65530, 65535])
def test_numbers_wrap(first: int) -> None:
    numbers = [first + offset & 0xFFFF for offset in (0, 1, 3, 4, 9)]
    statuses = told(logged(*((number, at) for at, number in enumerate(numbers))))
    assert [number for number, _ in statuses] == [first + offset & 0xFFFF for offset in range(10)]
    assert [number for number, arrival in statuses if arrival is not None] == numbers


@pytest.mark.parametrize("now_us", [0, 1, 249, 250, 2**24 * 64_000 - 250, 2**24 * 64_000, 2**62])
def test_every_time_can_be_told(now_us: int) -> None:
    log = Arrivals()
    log.packet(5, now_us)
    log.packet(6, now_us + 500)
    assert told(log) == [(5, ticks_of(now_us)), (6, ticks_of(now_us) + 2)]


def test_a_packet_already_told_missing_is_told_again_from_there_on() -> None:
    log = logged((1, 0), (3, 4))
    assert told(log) == [(1, 256_000), (2, None), (3, 256_004)]
    log.packet(2, START_US + 8 * TICK_US)
    log.packet(4, START_US + 9 * TICK_US)
    assert told(log) == [(2, 256_008), (3, 256_004), (4, 256_009)]


def test_a_packet_from_before_the_first_is_told() -> None:
    log = logged((0, 0), (65534, 1))
    assert told(log) == [(65534, 256_001), (65535, None), (0, 256_000)]


def test_a_repeat_changes_nothing() -> None:
    log = logged((1, 0), (1, 50))
    assert log.pending == 1
    assert told(log) == [(1, 256_000)]
    log.packet(1, START_US + 10**6)
    assert log.pending == 0
    assert log.feedback() == b""


def test_what_is_too_old_for_the_log_is_not_told() -> None:
    log = logged((LOG_SIZE, 0))
    told(log)
    log.packet(0, START_US)
    assert log.feedback() == b""
    log.packet(1, START_US)
    assert told(log)[0] == (1, 256_000)


@pytest.mark.parametrize("leap", [2, 4095, 4096, 4097, 8191, 20_000, 32_767])
@pytest.mark.parametrize("reported", [False, True])
def test_a_hole_is_bounded_by_the_log(leap: int, reported: bool) -> None:
    log = logged((10, 0))
    if reported:
        told(log)
    log.packet(10 + leap, START_US + 4 * TICK_US)
    statuses = told(log)
    expected = min(leap if reported else leap + 1, LOG_SIZE)
    assert [number for number, _ in statuses] == list(range(10 + leap - expected + 1, 10 + leap + 1))
    assert statuses[-1][1] == 256_004
    assert {arrival for _, arrival in statuses[1:-1]} <= {None}


def test_a_leap_of_half_the_space_is_taken_for_an_old_packet() -> None:
    log = logged((0, 0), (32768, 1))
    assert told(log) == [(0, 256_000)]


def test_nothing_to_tell() -> None:
    log = Arrivals()
    assert log.feedback() == b""
    log.packet(1, START_US)
    assert [log.feedback(capacity=capacity) for capacity in range(24)] == [b""] * 24
    assert log.pending == 1
    assert len(log.feedback(capacity=24)) == 24


def test_the_feedback_count_wraps() -> None:
    log = Arrivals()
    for number in range(600):
        log.packet(number, START_US + number * 1000)
        assert decode_packet(log.feedback()).number == number & 0xFF


def test_a_long_session_is_told_gaplessly() -> None:
    log, now_us, expected = Arrivals(), START_US, 0
    for number in range(3 * 65536):
        now_us += 700
        log.packet(number & 0xFFFF, now_us)
        if number % 97 == 96:
            for told_number, arrival in told(log):
                assert told_number == expected & 0xFFFF
                assert arrival == ticks_of(START_US + (expected + 1) * 700)
                expected += 1
    assert expected > 3 * 65536 - 97


@settings(max_examples=250, deadline=None)
@given(
    first=st.integers(0, 65535),
    start_us=st.integers(0, 2**40),
    steps=st.lists(
        st.tuples(
            st.one_of(st.integers(1, 3), st.integers(1, 300)),
            st.one_of(st.integers(0, 3000), st.integers(0, 20_000_000)),
            st.booleans(),
        ),
        min_size=1,
        max_size=80,
    ),
    capacity=st.integers(24, 200),
    every=st.integers(1, 80),
)
def test_tells_what_came(
    first: int, start_us: int, steps: list[tuple[int, int, bool]], capacity: int, every: int
) -> None:
    """Each packet: step of the number, arrival later by, swapped with the next. Feedback after `every` packets."""
    numbers, number = [], first
    for index, (step, _, _) in enumerate(steps):
        number += step if index else 0
        numbers.append(number)
    for index, (_, _, swapped) in enumerate(steps[:-1]):
        if swapped and index:
            numbers[index], numbers[index + 1] = numbers[index + 1], numbers[index]
    log, now_us = Arrivals(), start_us
    came: dict[int, int] = {}
    heard: dict[int, int | None] = {}
    for index, (number, (_, wait, _)) in enumerate(zip(numbers, steps, strict=True)):
        now_us += wait
        if number > max(came, default=number) - LOG_SIZE:
            log.packet(number & 0xFFFF, now_us)
            came[number] = now_us
        if index % every == every - 1 or index == len(numbers) - 1:
            newest = max(came)
            for told_number, arrival in told(log, capacity):
                heard[newest - ((newest - told_number) & 0xFFFF)] = arrival
    newest, oldest = max(came), max(min(came), max(came) - LOG_SIZE + 1)
    # Beyond that the log has let go of what it was not asked for in time (its bound is tested above).
    if newest - min(came) < LOG_SIZE:
        assert set(heard) == set(range(oldest, newest + 1))
    for number, arrival in heard.items():
        assert arrival == (ticks_of(max(came[number], 1)) % 2**32 if number in came else None)
