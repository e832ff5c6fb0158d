"""RFC 3550, appendix A.1, A.3 and A.8, in plain Python without wraps: numbers are extended before they come here."""

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass
class Receiver:
    """What a receiver knows of one stream whose numbers, timestamps and arrivals never wrap."""

    clock_rate: int
    seen: list[int] = field(default_factory=list)
    jitter_sixteenths: int = 0
    _transit: int | None = None
    _expected_before: int = 0
    _received_before: int = 0

    def packet(self, number: int, timestamp: int, now_us: int) -> None:
        """A packet that is no duplicate; RFC 3550's integer form of the jitter (A.8)."""
        self.seen.append(number)
        transit = int(Fraction(now_us * self.clock_rate, 1_000_000)) - timestamp
        if self._transit is not None:
            distance = abs(transit - self._transit)
            self.jitter_sixteenths += distance - ((self.jitter_sixteenths + 8) >> 4)
        self._transit = transit

    @property
    def expected(self) -> int:
        return max(self.seen) - self.seen[0] + 1

    @property
    def lost(self) -> int:
        return self.expected - len(self.seen)

    def fraction_lost(self) -> int:
        """Since the last call, in 1/256 (A.3)."""
        expected = self.expected - self._expected_before
        received = len(self.seen) - self._received_before
        self._expected_before, self._received_before = self.expected, len(self.seen)
        lost = expected - received
        return 0 if expected == 0 or lost <= 0 else (lost << 8) // expected
