"""What becomes of a datagram on a bad network, and when: one direction of a link, pure and repeatable.

Owns loss, bursts of loss, delay, jitter, duplicates, a rate with a bounded queue, and their change over time. It reads no
clock (`now` is an argument, seconds of any monotonic clock), opens no socket (`link_emulator.py` does), and draws all its
chances from one seed. Every mechanism has chances of its own for each kind of traffic, and draws one for every datagram
whether it is in use or not: the fifth DTLS datagram has the same fate however many checks went before it, and loss strikes
the same datagrams with and without jitter.
"""

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Traffic(StrEnum):
    """What the first byte of a datagram says (RFC 7983)."""

    STUN = "stun"
    DTLS = "dtls"
    MEDIA = "media"
    """SRTP and SRTCP."""


Predicate = Callable[[bytes], bool]


def traffic_of(datagram: bytes) -> Traffic:
    """What is neither STUN nor DTLS counts as media."""
    first = datagram[0] if datagram else 0
    if first < 4:
        return Traffic.STUN
    return Traffic.DTLS if 20 <= first < 64 else Traffic.MEDIA


def everything(_: bytes) -> bool:
    return True


def media(datagram: bytes) -> bool:
    return traffic_of(datagram) is Traffic.MEDIA


def handshake(datagram: bytes) -> bool:
    return traffic_of(datagram) is Traffic.DTLS


def payload_types(*numbers: int) -> Predicate:
    """RTP of these payload types; SRTP leaves them in the clear."""
    return lambda datagram: media(datagram) and len(datagram) > 1 and datagram[1] & 0x7F in numbers


@dataclass(frozen=True, slots=True)
class Burst:
    """Loss in bursts after Gilbert and Elliott: two states, a chance to change at every datagram.

    The mean burst is `1 / leave` datagrams long, and the link is bad for `enter / (enter + leave)` of them.
    """

    enter: float
    """Probability that a datagram turns the link bad."""
    leave: float
    """Probability that a datagram turns it good again."""
    loss: float = 1.0
    """Probability that a datagram is lost while it is bad."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a link is for a while. Probabilities are from 0 to 1."""

    loss: float = 0.0
    burst: Burst | None = None
    duplicate: float = 0.0
    """Probability that a datagram comes twice, each copy with a delay of its own."""
    delay_s: float = 0.0
    jitter_s: float = 0.0
    """Added to the delay: evenly spread from 0 to this."""
    reorder: bool = True
    """Whether jitter lets datagrams overtake each other; otherwise a late one holds up those behind it."""
    rate_bps: float | None = None
    """Bits a second of UDP payload; None: no limit."""
    queue_bytes: int = 65_536
    """What waits before a limited rate, at most; a datagram that finds no room is dropped."""
    cut: bool = False
    """Nothing that is sent now arrives."""
    strikes: Predicate = everything
    """Loss, bursts and duplicates happen to these datagrams only."""


PERFECT = Conditions()
CUT = Conditions(cut=True)


@dataclass(frozen=True, slots=True)
class Step:
    """From `at_s` on, counted from the first time that the link learns, it is like this."""

    at_s: float
    conditions: Conditions


Plan = Sequence[Step]


class Fate(StrEnum):
    """What the counters of a link count."""

    SENT = "sent"
    DELIVERED = "delivered"
    LOST = "lost"
    BURST_LOST = "burst_lost"
    QUEUE_FULL = "queue_full"
    CUT = "cut"
    DUPLICATED = "duplicated"


class _Chances:
    """The random numbers of one kind of traffic, and whether a burst holds it."""

    def __init__(self, seed: str) -> None:
        self.loss = random.Random(f"{seed}/loss")
        self.burst = random.Random(f"{seed}/burst")
        self.burst_loss = random.Random(f"{seed}/burst_loss")
        self.duplicate = random.Random(f"{seed}/duplicate")
        self.jitter = random.Random(f"{seed}/jitter")
        self.bad = False


class Link(Generic[T]):
    """One direction. Each datagram goes with a value of the caller's (`to`) that comes out with it."""

    def __init__(self, conditions: Conditions | Plan = PERFECT, *, seed: int | str = 0) -> None:
        """`conditions` for good, or a plan whose first step may be later than 0: until then the link is perfect."""
        self.counters: Counter[Fate] = Counter()
        steps = [Step(0.0, conditions)] if isinstance(conditions, Conditions) else list(conditions)
        self._steps = sorted(steps, key=lambda step: step.at_s)
        self._conditions = PERFECT
        self._begun: float | None = None
        self._chances = {traffic: _Chances(f"{seed}/{traffic}") for traffic in Traffic}
        self._flying: list[tuple[float, int, bytes, T]] = []
        self._numbers = itertools.count()
        self._free_at = 0.0
        self._last_arrival = 0.0

    @property
    def conditions(self) -> Conditions:
        """As they were when the link last learned the time."""
        return self._conditions

    def change(self, conditions: Conditions) -> None:
        """From now on like this, whatever the plan still held. What is under way arrives as it would have."""
        self._steps = []
        self._conditions = conditions

    def send(self, datagram: bytes, to: T, now: float) -> None:
        """Puts a datagram on the link."""
        self._advance(now)
        conditions = self._conditions
        self.counters[Fate.SENT] += 1
        copies = self._copies(datagram)
        if not copies:
            return
        start = self._pass_queue(len(datagram), now)
        if start is None:
            self.counters[Fate.QUEUE_FULL] += 1
            return
        for jitter in copies:
            arrival = start + conditions.delay_s + conditions.jitter_s * jitter
            if not conditions.reorder:
                arrival = self._last_arrival = max(arrival, self._last_arrival)
            heapq.heappush(self._flying, (arrival, next(self._numbers), datagram, to))

    def due(self, now: float) -> list[tuple[bytes, T]]:
        """What has arrived by now, in the order of arrival, each once."""
        self._advance(now)
        arrived = []
        while self._flying and self._flying[0][0] <= now:
            _, _, datagram, to = heapq.heappop(self._flying)
            arrived.append((datagram, to))
        self.counters[Fate.DELIVERED] += len(arrived)
        return arrived

    def next_time(self) -> float | None:
        """When something is due; None while nothing is under way."""
        return self._flying[0][0] if self._flying else None

    def _advance(self, now: float) -> None:
        if self._begun is None:
            self._begun = now
        while self._steps and now >= self._begun + self._steps[0].at_s:
            self._conditions = self._steps.pop(0).conditions

    def _copies(self, datagram: bytes) -> list[float]:
        """The jitter, from 0 to 1, of each copy that arrives; draws from every chance exactly once (from jitter twice)."""
        conditions, chances = self._conditions, self._chances[traffic_of(datagram)]
        struck = conditions.strikes(datagram)
        burst = conditions.burst
        loss, turn, burst_loss = chances.loss.random(), chances.burst.random(), chances.burst_loss.random()
        twice, jitters = chances.duplicate.random(), [chances.jitter.random(), chances.jitter.random()]
        chances.bad = burst is not None and (turn >= burst.leave if chances.bad else turn < burst.enter)
        if conditions.cut:
            self.counters[Fate.CUT] += 1
            return []
        if struck and burst is not None and chances.bad and burst_loss < burst.loss:
            self.counters[Fate.BURST_LOST] += 1
            return []
        if struck and loss < conditions.loss:
            self.counters[Fate.LOST] += 1
            return []
        if struck and twice < conditions.duplicate:
            self.counters[Fate.DUPLICATED] += 1
            return jitters
        return jitters[:1]

    def _pass_queue(self, size: int, now: float) -> float | None:
        """When the datagram's last bit has left; None when the queue has no room for it."""
        rate = self._conditions.rate_bps
        if rate is None:
            self._free_at = now
            return now
        begin = max(now, self._free_at)
        if (begin - now) * rate / 8 + size > self._conditions.queue_bytes:
            return None
        self._free_at = begin + 8 * size / rate
        return self._free_at
