"""How long the stages of a join take, as histograms that metrics read at scrape time."""

from collections.abc import Mapping
from dataclasses import dataclass, field

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets in seconds; a last one without bound follows."""

STAGES = ("negotiate", "ice", "dtls", "total")
"""`negotiate`: offer to answer; `ice`: answer to first valid check; `dtls`: that to keys; `total`: offer to keys."""


@dataclass(slots=True)
class Histogram:
    """Counts a bucket (not cumulative), the last one for what is above every bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0

    def observe(self, seconds: float) -> None:
        index = next((i for i, bound in enumerate(BOUNDS_S) if seconds <= bound), len(BOUNDS_S))
        self.counts[index] += 1
        self.sum_s += seconds


class JoinTimings:
    """One histogram a stage."""

    def __init__(self) -> None:
        self._stages = {stage: Histogram() for stage in STAGES}

    def observe(self, stage: str, seconds: float) -> None:
        """`stage` is one of `STAGES` (`KeyError` otherwise)."""
        self._stages[stage].observe(seconds)

    @property
    def stages(self) -> Mapping[str, Histogram]:
        return self._stages
