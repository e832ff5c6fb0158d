"""What a run found, as plain values, and whether it is fit for use."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.fleet import Fleet
from benchmarks.process import Usage, machine_busy, usage

MACHINE_FULL = 0.9
"""Above this share of all cores in use the figures are those of a queue, not of the server."""

STEAL = 0.02
"""Above this share of the time the hypervisor ran somebody else."""

LATE = 0.01
"""Above this share of packets sent over 2 ms late the pattern was not the one asked for."""

SPREAD = 0.25
"""Above this spread (highest to lowest sample, over the median) the cost a packet was not steady."""


@dataclass(frozen=True, slots=True)
class Window:
    """One reading of the counters."""

    at_s: float
    usage: Usage
    received: int
    busy_s: float
    stolen_s: float
    machine_s: float

    @classmethod
    def now(cls, pid: int, fleet: Fleet) -> Self:
        received = sum(fleet.receivers.receiver(n)["unique"] for n in range(len(fleet.sinks)))
        return cls(time.monotonic(), usage(pid), received, *machine_busy())


def _cost(first: Window, last: Window) -> float:
    return (last.usage.total_s - first.usage.total_s) * 1e6 / max(1, last.received - first.received)


def _unfit(samples: Sequence[float], first: Window, last: Window, late: float) -> list[str]:
    """Why the run should not be quoted; empty when nothing speaks against it."""
    reasons = []
    machine = last.machine_s - first.machine_s
    if (busy := (last.busy_s - first.busy_s) / machine) > MACHINE_FULL:
        reasons.append(f"the machine was {busy:.0%} busy")
    if (stolen := (last.stolen_s - first.stolen_s) / machine) > STEAL:
        reasons.append(f"{stolen:.1%} of the time was stolen by the hypervisor")
    if late > LATE:
        reasons.append(f"{late:.1%} of the packets were sent over 2 ms late")
    ordered = sorted(samples)
    if (spread := (ordered[-1] - ordered[0]) / ordered[len(ordered) // 2]) > SPREAD:
        reasons.append(f"the cost a packet varied by {spread:.0%} between samples")
    return reasons


def result(fleet: Fleet, windows: Sequence[Window], latencies: Sequence[float], *, idle_rss: int) -> dict[str, Any]:
    """Everything but the floor. `lost` compares what was published with what each receiver got, from its first packet on."""
    load = fleet.load
    sent = [fleet.publishers.publisher(n) for n in range(load.publishers)]
    got = [fleet.receivers.receiver(n) for n in range(len(fleet.sinks))]
    first, last = windows[0], windows[-1]
    seconds = last.at_s - first.at_s
    missing = [
        sent[source]["sent"] - sink["first_counter"] - sink["unique"] if sink["unique"] else sent[source]["sent"]
        for source, sink in zip(fleet.sink_source, got, strict=True)
    ]
    samples = [_cost(a, b) for a, b in itertools.pairwise(windows)]
    forwarded = last.received - first.received
    per_packet = 1e6 / max(1, forwarded)
    published = sum(s["sent"] for s in sent)
    names = sorted(last.usage.threads)
    threads = {n: last.usage.threads[n] - first.usage.threads.get(n, 0.0) for n in names}
    late = sum(s["late"] for s in sent) / max(1, published)
    joins = sorted(e.timings.secured for e in fleet.sinks)
    return {
        "load": {
            "publishers": load.publishers,
            "receivers": load.receivers,
            "packets_per_second": load.packets_per_second,
            "packet_size": load.packet_size,
            "packets_per_frame": load.packets_per_frame,
            "burst": load.burst,
            "feedback": load.feedback,
            "seconds": seconds,
            "profiles": sorted({e.profile for e in (*fleet.sources, *fleet.sinks)}),
        },
        "packets": {
            "published": published,
            "forwarded": forwarded,
            "forwarded_per_second": forwarded / seconds,
            "lost": sum(missing),
            "receivers_with_loss": sum(m != 0 for m in missing),
            **{name: sum(sink[name] for sink in got) for name in _RECEIVER_SUMS},
        },
        "publisher_feedback": {n: sum(s[n] for s in sent) for n in _PUBLISHER_SUMS},
        "server": {
            "us_per_packet": _cost(first, last),
            "user_us_per_packet": (last.usage.user_s - first.usage.user_s) * per_packet,
            "system_us_per_packet": (last.usage.system_s - first.usage.system_s) * per_packet,
            "samples_us_per_packet": samples,
            "cpu_share": (last.usage.total_s - first.usage.total_s) / seconds,
            "thread_us_per_packet": {n: s * per_packet for n, s in threads.items() if s > 0},
            "rss_bytes": last.usage.rss_bytes,
            "rss_bytes_per_client": (last.usage.rss_bytes - idle_rss) / (len(fleet.sources) + len(fleet.sinks)),
        },
        "latency_us": dict(zip(("p50", "p99", "p99_9", "max"), latencies, strict=True)),
        "joins": {
            "per_second": len(joins) / fleet.join_seconds,
            "median_ms": joins[len(joins) // 2] * 1000,
            "slowest_ms": joins[-1] * 1000,
        },
        "unfit": _unfit(samples, first, last, late),
    }


_RECEIVER_SUMS = (
    "checked",
    "corrupt",
    "auth_failures",
    "duplicates",
    "reordered",
    "retransmissions",
    "nacked",
    "foreign",
    "sender_reports",
)
_PUBLISHER_SUMS = (
    "keyframes",
    "plis",
    "nacks",
    "reports",
    "transport_feedback",
    "send_errors",
    "auth_failures",
    "late",
)
