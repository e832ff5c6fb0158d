"""Small helpers around prometheus_client's metric families. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from sfu.timings import BOUNDS_S, Histogram

PREFIX = "ciranda_"
QUANTILES = (0.05, 0.5, 0.95, 1.0)
"""Of values that every transport has one of: a label a participant would grow without bound."""


def counter(
    name: str, text: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]
) -> CounterMetricFamily:
    """`name` without `_total`."""
    family = CounterMetricFamily(PREFIX + name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def gauge(name: str, text: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def histograms(name: str, text: str, label: str, values: Mapping[str, Histogram]) -> HistogramMetricFamily:
    """One for each value of the label."""
    family = HistogramMetricFamily(PREFIX + name, text, labels=[label])
    for key, histogram in values.items():
        total, cumulative = 0, []
        for bound, count in zip((*map(repr, BOUNDS_S), "+Inf"), histogram.counts, strict=True):
            total += count
            cumulative.append((bound, float(total)))
        family.add_metric([key], cumulative, histogram.sum_s)
    return family


def quantiles(name: str, text: str, values: Iterable[float]) -> GaugeMetricFamily:
    """The distribution over transports at this moment; no samples where there is nothing to measure yet."""
    ordered = sorted(values)
    points: dict[tuple[str, ...], float] = {}
    if ordered:
        points = {(f"{q:g}",): ordered[_index(q, len(ordered))] for q in QUANTILES}
    return gauge(name, text, ["quantile"], points)


def _index(quantile: float, count: int) -> int:
    """Nearest rank."""
    return min(count - 1, max(0, -int(-quantile * count // 1) - 1))
