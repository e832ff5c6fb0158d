"""What a receiver keeps of a stream agrees with RFC 3550, appendix A, over wraps, loss, reordering, repeats and retransmissions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane.clock import ntp
from sfu.dataplane.receive import Receiver
from tests.oracles import rfc3550

pytestmark = pytest.mark.asan

CYCLE = 65536
"""Extended numbers start one cycle up."""
WINDOW = 4096


def test_numbers_are_extended_over_many_wraps() -> None:
    receiver = Receiver(90000)
    for number in range(65000, 65000 + 5 * CYCLE):
        assert receiver.packet(number & 0xFFFF) == ("new", CYCLE + number)
    assert receiver.packets == 5 * CYCLE
    assert receiver.lost == 0


@pytest.mark.parametrize("step", [2, 3, 100, 4095, 4096, 4097, 20000, 32767])
def test_gaps_do_not_lose_the_cycle(step: int) -> None:
    receiver = Receiver(90000)
    for count in range(200):
        assert receiver.packet(count * step & 0xFFFF) == ("new", CYCLE + count * step)
    assert receiver.lost == 199 * (step - 1)


@pytest.mark.parametrize(
    ("first", "then", "verdict", "extended"),
    [
        (0, 0, "duplicate", CYCLE),
        (0, 1, "new", CYCLE + 1),
        (0, 65535, "reordered", CYCLE - 1),
        (65535, 0, "new", 2 * CYCLE),
        (65535, 65534, "reordered", 2 * CYCLE - 2),
        (0, 32767, "new", CYCLE + 32767),
        (0, 32768, "too_old", CYCLE - 32768),
        (0, CYCLE - WINDOW + 1, "reordered", CYCLE - WINDOW + 1),
        (0, CYCLE - WINDOW, "too_old", CYCLE - WINDOW),
    ],
)
def test_second_packet(first: int, then: int, verdict: str, extended: int) -> None:
    receiver = Receiver(90000)
    receiver.packet(first)
    assert receiver.packet(then) == (verdict, extended)


@pytest.mark.parametrize("start", [0, 1, 4095, 4096, 61441, 65535])
def test_every_number_of_the_window_is_known_once(start: int) -> None:
    receiver = Receiver(90000)
    last = start + 2 * WINDOW
    for number in range(start, last + 1, 2):
        receiver.packet(number & 0xFFFF)
    for number in range(last, last - WINDOW, -1):
        first = "duplicate" if (number - start) % 2 == 0 else "reordered"
        assert receiver.packet(number & 0xFFFF)[0] == first
        assert receiver.packet(number & 0xFFFF)[0] == "duplicate"
    assert receiver.packet((last - WINDOW) & 0xFFFF)[0] == "too_old"
    assert receiver.lost == WINDOW // 2


def test_duplicates_count_for_nothing() -> None:
    receiver = Receiver(90000)
    for _ in range(3):
        receiver.packet(7, timestamp=0, size=100, now_us=0)
        receiver.packet(8, timestamp=3000, size=100, now_us=33_333)
    assert (receiver.packets, receiver.bytes, receiver.lost, receiver.jitter) == (2, 200, 0, 0)


def test_a_retransmission_never_moves_the_stream_on() -> None:
    receiver = Receiver(90000)
    receiver.packet(10)
    for ahead in (11, 12, 4000, 32777):
        assert receiver.packet(ahead, retransmission=True)[0] == "too_old"
    assert (receiver.highest, receiver.packets, receiver.lost) == (CYCLE + 10, 1, 0)
    assert receiver.packet(11) == ("new", CYCLE + 11), "the original is no duplicate"


def test_a_retransmission_does_not_start_a_stream() -> None:
    receiver = Receiver(90000)
    assert receiver.packet(10, retransmission=True)[0] == "too_old"
    assert receiver.packet(500) == ("new", CYCLE + 500)
    assert receiver.lost == 0


def test_a_retransmission_fills_its_hole_once_and_leaves_the_jitter_alone() -> None:
    receiver = Receiver(90000)
    receiver.packet(10, timestamp=0, now_us=0)
    receiver.packet(12, timestamp=6000, now_us=66_667)
    jitter = receiver.jitter
    assert receiver.lost == 1
    assert receiver.packet(11, timestamp=3000, now_us=400_000, retransmission=True) == ("reordered", CYCLE + 11)
    assert receiver.packet(11, timestamp=3000, now_us=400_001, retransmission=True)[0] == "duplicate"
    assert receiver.packet(11, timestamp=3000, now_us=400_002)[0] == "duplicate"
    assert (receiver.lost, receiver.jitter) == (0, jitter)
    report = receiver.report(1, 500_000)
    assert (report.lost, report.fraction_lost) == (1, 256 // 3), "it was lost on the way all the same"


@settings(max_examples=200, deadline=None)
@given(
    first=st.integers(0, 65535),
    start_timestamp=st.integers(0, 2**32 - 1),
    start_us=st.integers(0, 2**50),
    packets=st.lists(
        st.tuples(st.integers(1, 40), st.integers(0, 9000), st.integers(0, 200_000), st.booleans(), st.booleans()),
        min_size=1,
        max_size=120,
    ),
)
def test_agrees_with_the_appendix(
    first: int, start_timestamp: int, start_us: int, packets: list[tuple[int, int, int, bool, bool]]
) -> None:
    """Each packet: step of the number, step of the timestamp, arrival later by, swapped with the next, a report after it."""
    sent = [(first, start_timestamp)]
    for step, ticks, _, _, _ in packets:
        sent.append((sent[-1][0] + step, sent[-1][1] + ticks))
    for index, packet in enumerate(packets):
        if packet[3] and index + 1 < len(sent):
            sent[index], sent[index + 1] = sent[index + 1], sent[index]
    ours, model = Receiver(90000), rfc3550.Receiver(90000)
    now_us = start_us
    for (number, timestamp), (_, _, wait, _, report) in zip(sent, [(0, 0, 0, False, False), *packets], strict=True):
        now_us += wait
        verdict, extended = ours.packet(number & 0xFFFF, timestamp & 0xFFFFFFFF, 1, now_us)
        assert (extended - number) % 65536 == 0
        model.packet(number, timestamp, now_us)
        assert verdict == ("new" if number == max(model.seen) else "reordered")
        assert ours.jitter == model.jitter_sixteenths >> 4
        if report:
            assert ours.report(1, now_us).fraction_lost == model.fraction_lost()
    assert (ours.lost, ours.packets, ours.bytes) == (model.lost, len(sent), len(sent))


def test_jitter_follows_the_integer_form() -> None:
    receiver = Receiver(8000)
    estimates = []
    for number, delay_us in enumerate([0, 0, 10_000, 0, 20_000, 0]):
        receiver.packet(number, number * 160, 0, number * 20_000 + delay_us)
        estimates.append(receiver.jitter)
    assert estimates == [0, 0, 5, 9, 19, 27]


def test_a_leap_of_the_timestamp_is_no_jitter() -> None:
    receiver = Receiver(90000)
    receiver.packet(1, 1000, 0, 0)
    receiver.packet(2, 1000 + 2**31 - 1, 0, 20_000)
    receiver.packet(3, 1000 + 2**31 - 1 + 1800, 0, 40_000)
    assert receiver.jitter == 0


def test_a_report_tells_the_interval_and_the_whole() -> None:
    receiver = Receiver(90000)
    for number in [65534, 65535, 0, 3]:
        receiver.packet(number)
    report = receiver.report(77, 0)
    assert (report.ssrc, report.highest_sequence, report.lost, report.fraction_lost) == (77, CYCLE + 3, 2, 2 * 256 // 6)
    for number in [4, 5]:
        receiver.packet(number)
    assert receiver.report(77, 0)[:4] == (77, 0, 2, CYCLE + 5)
    assert receiver.report(77, 0).fraction_lost == 0, "nothing came since"
    receiver.packet(1)
    assert receiver.report(77, 0)[:3] == (77, 0, 1)


def test_lost_is_held_at_the_ends_of_its_24_bits() -> None:
    receiver = Receiver(90000)
    for count in range(300):
        receiver.packet(count * 32000 & 0xFFFF)
    report = receiver.report(1, 0)
    assert receiver.lost > 0x7FFFFF
    assert report.lost == 0x7FFFFF
    assert report.fraction_lost == 255
    assert report.highest_sequence == 299 * 32000


def test_more_packets_than_expected_are_a_negative_loss() -> None:
    receiver = Receiver(90000)
    for number in [100, 99, 98]:
        receiver.packet(number)
    assert receiver.lost == -2
    assert receiver.report(1, 0)[:3] == (1, 0, -2)


def test_a_report_before_the_first_packet_is_empty() -> None:
    assert Receiver(48000).report(5, 10**6) == (5, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("waited_us", "delay"),
    [(0, 0), (-5, 0), (1_000_000, 65536), (1_500_000, 98304), (16, 1), (2**40, 2**32 - 1), (10**17, 2**32 - 1)],
)
def test_delay_since_the_last_sender_report(waited_us: int, delay: int) -> None:
    receiver = Receiver(48000)
    receiver.packet(1)
    receiver.sender_report(ntp(1_700_000_000_500_000), 10**6)
    report = receiver.report(1, 10**6 + waited_us)
    assert report.last_sr == ntp(1_700_000_000_500_000) >> 16 & 0xFFFFFFFF
    assert report.delay_since_last_sr == delay
