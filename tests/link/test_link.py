"""The link itself, in virtual time: what it loses, delays, reorders and doubles, and that a seed decides it all."""

import itertools
import random
from statistics import mean

import pytest

from tests.harness.link import (
    CUT,
    PERFECT,
    Burst,
    Conditions,
    Fate,
    Link,
    Step,
    Traffic,
    handshake,
    payload_types,
    traffic_of,
)

INTERVAL_S = 0.001
MEDIA = b"\x80"


def run(
    link: Link[int], count: int, *, first: bytes = MEDIA, size: int = 100, begin_s: float = 0.0
) -> list[tuple[float, int]]:
    """Sends numbered datagrams, one each millisecond; (time, number) of each that arrives."""
    arrived: list[tuple[float, int]] = []

    def drain(until: float) -> None:
        while (when := link.next_time()) is not None and when <= until:
            arrived.extend((when, number) for _, number in link.due(when))

    for number in range(count):
        now = begin_s + number * INTERVAL_S
        drain(now)
        link.send(first.ljust(size, b"\0"), number, now)
    drain(float("inf"))
    return arrived


def numbers(arrived: list[tuple[float, int]]) -> list[int]:
    return [number for _, number in arrived]


def test_a_perfect_link_passes_everything_at_once() -> None:
    arrived = run(Link(), 1_000)
    assert arrived == [(number * INTERVAL_S, number) for number in range(1_000)]


def test_nothing_arrives_before_its_time() -> None:
    link: Link[str] = Link(Conditions(delay_s=0.05))
    link.send(MEDIA, "here", 10.0)
    assert link.due(10.049) == []
    assert link.next_time() == pytest.approx(10.05)
    assert link.due(10.051) == [(MEDIA, "here")]
    assert link.next_time() is None


def test_loss_is_as_frequent_as_told() -> None:
    link: Link[int] = Link(Conditions(loss=0.05), seed=1)
    arrived = run(link, 20_000)
    assert 0.94 < len(arrived) / 20_000 < 0.96
    assert link.counters[Fate.LOST] + link.counters[Fate.DELIVERED] == link.counters[Fate.SENT] == 20_000


def test_one_seed_one_fate() -> None:
    conditions = Conditions(loss=0.2, burst=Burst(0.01, 0.2), duplicate=0.1, delay_s=0.01, jitter_s=0.02)
    first, again, other = (run(Link(conditions, seed=seed), 2_000) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_loss_strikes_the_same_datagrams_whatever_else_happens() -> None:
    plain = run(Link(Conditions(loss=0.1), seed=3), 2_000)
    shaken = run(Link(Conditions(loss=0.1, jitter_s=0.02, delay_s=0.1), seed=3), 2_000)
    assert set(numbers(plain)) == set(numbers(shaken))


def test_the_fate_of_one_kind_of_traffic_does_not_depend_on_another() -> None:
    def handshakes(checks_between: int) -> list[int]:
        link: Link[int] = Link(Conditions(loss=0.3), seed=5)
        for number in range(100):
            for _ in range(checks_between):
                link.send(b"\x00", -1, 0.0)
            link.send(b"\x16", number, 0.0)
        return [number for _, number in link.due(0.0) if number >= 0]

    assert handshakes(0) == handshakes(3)


def test_only_some_traffic_is_struck() -> None:
    link: Link[int] = Link(Conditions(loss=1.0, strikes=handshake))
    assert len(run(link, 100)) == 100
    assert len(run(link, 100, first=b"\x16", begin_s=1.0)) == 0
    link.change(Conditions(loss=1.0, strikes=payload_types(97)))
    assert len(run(link, 100, first=b"\x80\x60", begin_s=2.0)) == 100
    assert len(run(link, 100, first=b"\x80\xe1", begin_s=3.0)) == 0


@pytest.mark.parametrize(
    ("first", "traffic"), [(0, Traffic.STUN), (1, Traffic.STUN), (22, Traffic.DTLS), (128, Traffic.MEDIA)]
)
def test_traffic_is_told_by_the_first_byte(first: int, traffic: Traffic) -> None:
    assert traffic_of(bytes([first, 0])) is traffic


def test_bursts_have_the_length_and_the_share_of_gilbert_and_elliott() -> None:
    link: Link[int] = Link(Conditions(burst=Burst(enter=0.01, leave=0.1)), seed=2)
    arrived = set(numbers(run(link, 50_000)))
    lost = [number not in arrived for number in range(50_000)]
    bursts = [len(list(group)) for gone, group in itertools.groupby(lost) if gone]
    assert 8 < mean(bursts) < 12
    assert 0.07 < mean(lost) < 0.11
    assert link.counters[Fate.BURST_LOST] == sum(lost)


def test_jitter_stays_within_its_bounds_and_reorders() -> None:
    arrived = run(Link(Conditions(delay_s=0.03, jitter_s=0.02), seed=4), 2_000)
    delays = [when - number * INTERVAL_S for when, number in arrived]
    assert min(delays) >= 0.03 - 1e-9
    assert max(delays) <= 0.05 + 1e-9
    assert 0.038 < mean(delays) < 0.042
    assert numbers(arrived) != sorted(numbers(arrived))


def test_jitter_without_reordering_keeps_the_order() -> None:
    arrived = run(Link(Conditions(delay_s=0.03, jitter_s=0.02, reorder=False), seed=4), 2_000)
    assert numbers(arrived) == list(range(2_000))
    assert max(when - number * INTERVAL_S for when, number in arrived) > 0.045


def test_duplicates_come_as_often_as_told_and_are_equal() -> None:
    link: Link[int] = Link(Conditions(duplicate=0.1), seed=6)
    arrived = numbers(run(link, 10_000))
    twice = len(arrived) - len(set(arrived))
    assert set(arrived) == set(range(10_000))
    assert 900 < twice < 1_100
    assert twice == link.counters[Fate.DUPLICATED]


def test_a_rate_lets_through_what_it_says() -> None:
    # 100 bytes each millisecond are 800 kbit/s; half of that is let through, and the queue stays full.
    link: Link[int] = Link(Conditions(rate_bps=400_000, queue_bytes=1_000))
    arrived = run(link, 4_000)
    assert len(arrived) == pytest.approx(2_000, abs=12)
    assert link.counters[Fate.QUEUE_FULL] == 4_000 - len(arrived)
    assert max(when - number * INTERVAL_S for when, number in arrived) <= 1_000 * 8 / 400_000 + 1e-9
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(arrived)]
    assert gaps == pytest.approx([0.002] * len(gaps))


def test_a_rate_that_suffices_adds_only_the_time_of_the_bits() -> None:
    arrived = run(Link(Conditions(rate_bps=1_600_000)), 1_000)
    assert numbers(arrived) == list(range(1_000))
    assert max(when - number * INTERVAL_S for when, number in arrived) == pytest.approx(0.0005)


def test_a_cut_link_passes_nothing_until_it_is_restored() -> None:
    link: Link[int] = Link(Conditions(delay_s=0.01))
    link.send(MEDIA, 1, 0.0)
    link.change(CUT)
    link.send(MEDIA, 2, 0.005)
    link.change(PERFECT)
    link.send(MEDIA, 3, 0.1)
    assert [number for _, number in link.due(0.1)] == [1, 3]
    assert link.counters[Fate.CUT] == 1


def test_a_plan_changes_the_conditions_in_time() -> None:
    begin_s = 1_000.0
    link: Link[int] = Link([Step(1.0, CUT), Step(2.0, Conditions(delay_s=0.5)), Step(3.0, PERFECT)])
    arrived = run(link, 4_000, begin_s=begin_s)
    assert [number for number in numbers(arrived) if number < 1_000] == list(range(1_000))
    assert not [number for number in numbers(arrived) if 1_000 <= number < 2_000]
    slow = [when - begin_s - number * INTERVAL_S for when, number in arrived if 2_000 <= number < 3_000]
    assert slow == pytest.approx([0.5] * 1_000)
    assert link.conditions == PERFECT


def test_a_change_ends_the_plan() -> None:
    link: Link[int] = Link([Step(0.0, PERFECT), Step(1.0, CUT)])
    link.due(0.0)
    link.change(Conditions(loss=0.0, delay_s=0.1))
    assert len(run(link, 2_000)) == 2_000


def test_a_random_mix_loses_and_invents_nothing_unaccounted_for() -> None:
    chance = random.Random(11)
    for seed in range(20):
        conditions = Conditions(
            loss=chance.random() / 2,
            burst=Burst(chance.random() / 10, 0.05 + chance.random() / 2, chance.random()),
            duplicate=chance.random() / 2,
            delay_s=chance.random() / 10,
            jitter_s=chance.random() / 10,
            reorder=chance.random() < 0.5,
            rate_bps=chance.choice([None, 300_000.0, 900_000.0]),
            queue_bytes=chance.choice([200, 5_000]),
        )
        link: Link[int] = Link(conditions, seed=seed)
        arrived = run(link, 1_000)
        count = link.counters
        assert count[Fate.SENT] == 1_000
        assert count[Fate.LOST] + count[Fate.BURST_LOST] + count[Fate.QUEUE_FULL] == 1_000 - len(set(numbers(arrived)))
        assert len(arrived) == count[Fate.DELIVERED]
