"""A subscriber's feedback is read as the draft writes it; a body that contradicts itself is refused whole and changes nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane.arrivals import Arrivals
from sfu.dataplane.reasons import DropReason
from sfu.dataplane.sent import Sent, read_feedback
from tests.oracles.twcc import (
    LARGE,
    MISSING,
    RESERVED,
    SMALL,
    body,
    decode,
    delta,
    encode,
    one_bit,
    run_length,
    two_bit,
)

pytestmark = pytest.mark.asan

SECOND = 1_000_000


def sent(count: int, *, first: int = 0, size: int = 100) -> Sent:
    """`count` packets of `size` bytes, one a millisecond."""
    log = Sent(first)
    for index in range(count):
        assert log.packet(size, 1000 * (index + 1)) == first + index & 0xFFFF
    return log


def statuses(base: int, received: str) -> bytes:
    """`x` for each packet that came, `-` for each that did not."""
    return encode(base, 0, [(SMALL, 4) if each == "x" else (MISSING, 0) for each in received], [0, 1, 2])


@pytest.mark.parametrize("base", [0, 1, 65530, 65535])
@pytest.mark.parametrize("kinds", [[0], [1], [2], [0, 1, 2]])
def test_every_kind_of_chunk(base: int, kinds: list[int]) -> None:
    deltas = [(SMALL, 255), (MISSING, 0), (LARGE, -32768), (LARGE, 32767), *[(SMALL, 1)] * 20, *[(MISSING, 0)] * 30]
    given_body = encode(base, 0xFFFFFF, deltas, kinds)
    expected, ticks = [], 0xFFFFFF * 256
    for offset, (symbol, value) in enumerate(deltas):
        ticks += value
        expected.append((base + offset & 0xFFFF, ticks if symbol else None))
    assert read_feedback(given_body) == expected == decode(given_body).statuses


@settings(max_examples=200, deadline=None)
@given(
    base=st.integers(0, 65535),
    reference=st.integers(0, 2**24 - 1),
    deltas=st.lists(
        st.one_of(
            st.just((MISSING, 0)),
            st.tuples(st.just(SMALL), st.integers(0, 255)),
            st.tuples(st.just(LARGE), st.integers(-32768, 32767)),
        ),
        min_size=1,
        max_size=60,
    ),
    kinds=st.lists(st.integers(0, 2), min_size=1, max_size=5),
    trailing=st.binary(max_size=4),
)
def test_reads_what_another_encoder_writes(
    base: int, reference: int, deltas: list[tuple[int, int]], kinds: list[int], trailing: bytes
) -> None:
    given_body = encode(base, reference, deltas, kinds)
    assert read_feedback(given_body + trailing) == decode(given_body).statuses
    for length in range(len(given_body)):
        assert read_feedback(given_body[:length]) is None, "a body cut short is never half read"


HOSTILE = {
    "empty": b"",
    "half a header": bytes(7),
    "no status at all": body(1, b"", count=0),
    "no status, but chunks": body(1, run_length(SMALL, 1), delta(SMALL, 1), count=0),
    "no chunk": body(1, b"", count=1),
    "half a chunk": body(1, b"\x20", count=1),
    "a run of nothing": body(1, run_length(SMALL, 0) + run_length(SMALL, 1), delta(SMALL, 1), count=1),
    "only runs of nothing": body(1, run_length(MISSING, 0) * 500, count=1),
    "a run longer than the count": body(1, run_length(SMALL, 5), bytes(5), count=4),
    "the second run longer than what is left": body(1, run_length(0, 2) + run_length(0, 3), count=4),
    "the longest run for one packet": body(1, run_length(SMALL, 8191), bytes(8191), count=1),
    "a reserved run": body(1, run_length(RESERVED, 1), bytes(8), count=1),
    "a reserved status": body(1, two_bit(1, 3, 1), bytes(8), count=3),
    "fewer chunks than the count needs": body(1, two_bit(1, 1, 1, 1, 1, 1, 1), bytes(7), count=8),
    "65,535 packets in one chunk": body(1, one_bit(*[1] * 14), bytes(14), count=65535),
    "a delta missing": body(1, run_length(SMALL, 3), bytes(2), count=3),
    "half a large delta": body(1, run_length(LARGE, 1), bytes(1), count=1),
    "no deltas": body(1, run_length(SMALL, 8191) * 8, count=65528),
    "all ones": b"\xff" * 40,
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_refuses(hostile: bytes) -> None:
    log = sent(50)
    assert read_feedback(hostile) is None
    assert log.feedback(hostile, SECOND * 5) == DropReason.DROP_RTCP_MALFORMED
    assert (log.acknowledged, log.lost, log.acknowledged_bps) == (0, 0, 0)


def test_spare_statuses_of_the_last_chunk_mean_nothing() -> None:
    given_body = body(9, two_bit(1, 0, 3, 2, 2, 2, 2), delta(SMALL, 7), count=2)
    assert read_feedback(given_body) == [(9, 7), (10, None)]


def test_the_largest_feedback_that_fits_a_datagram() -> None:
    given_body = body(65000, run_length(MISSING, 8191) * 8, count=65528)
    log = sent(100, first=65500)
    assert log.feedback(given_body, SECOND) == DropReason.DROP_NONE
    assert log.lost == 100


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(st.binary(max_size=64), st.binary(max_size=24).map(lambda tail: bytes([0, 1, 0, 9, 0, 0, 0, 0]) + tail))
)
def test_any_bytes_are_read_as_the_oracle_reads_them_or_refused(noise: bytes) -> None:
    try:
        expected = decode(noise).statuses
    except ValueError:
        expected = None
    assert read_feedback(noise) == expected
    log = Sent(65530)
    for index in range(20):
        log.packet(1200, index)
    verdict = log.feedback(noise, SECOND)
    assert verdict == (DropReason.DROP_RTCP_MALFORMED if expected is None else DropReason.DROP_NONE)
    assert log.acknowledged + log.lost <= 20


@pytest.mark.parametrize("first", [0, 60_000, 65_533])
def test_counts_what_arrived_and_what_was_lost(first: int) -> None:
    log = sent(6, first=first)
    assert log.feedback(statuses(first, "xx-x-x"), SECOND) == DropReason.DROP_NONE
    assert (log.acknowledged, log.acknowledged_bytes, log.lost) == (4, 400, 2)


def test_a_packet_is_counted_once() -> None:
    log = sent(4)
    for _ in range(3):
        log.feedback(statuses(0, "xx--"), SECOND)
    assert (log.acknowledged, log.lost) == (2, 2)


def test_a_packet_found_after_all_is_no_longer_lost() -> None:
    log = sent(4)
    log.feedback(statuses(0, "x--x"), SECOND)
    log.feedback(statuses(1, "x"), SECOND)
    assert (log.acknowledged, log.lost) == (3, 1)
    log.feedback(statuses(0, "----"), SECOND)
    assert (log.acknowledged, log.lost) == (3, 1), "what arrived stays arrived"


def test_numbers_never_sent_mean_nothing() -> None:
    log = sent(4, first=10)
    log.feedback(statuses(14, "x" * 20), SECOND)
    log.feedback(statuses(0, "x-x-x-x-x-"), SECOND)
    assert (log.acknowledged, log.lost) == (0, 0)


def test_only_the_newest_2048_are_remembered() -> None:
    log = sent(2049)
    log.feedback(statuses(0, "xx"), SECOND)
    assert log.acknowledged == 1, "number 0 made room for number 2,048"
    log.feedback(statuses(2048, "x"), SECOND)
    assert log.acknowledged == 2


def test_the_rate_is_that_of_the_last_whole_second() -> None:
    """A packet of 1,250 bytes a millisecond: 10 Mbit/s; then half of that for a second."""
    log, rates = Sent(), []
    for first in range(0, 4200, 100):
        for number in range(first, first + 100):
            log.packet(1250 if number < 3000 else 625, number * 1000 + 1000)
        log.feedback(statuses(first, "x" * 100), (first + 100) * 1000)
        rates.append(log.acknowledged_bps)
    assert rates[:10] == [0] * 10
    assert rates[10:31] == pytest.approx([10_000_000] * 21, rel=0.11)
    assert rates[-1] == pytest.approx(5_000_000, rel=0.01)


def test_ours_reads_what_ours_writes_over_the_wrap() -> None:
    log, arrivals = Sent(65000), Arrivals()
    for index in range(5000):
        number = log.packet(100, index * 1000 + 1)
        if index % 10 != 3:
            arrivals.packet(number, index * 1000 + 20_000)
        if index % 50 == 49:
            while packet := arrivals.feedback():
                assert log.feedback(packet[12:], index * 1000) == DropReason.DROP_NONE
    assert (log.acknowledged, log.lost) == (4500, 500)
