"""What a measured time found, as plain values, and whether it is fit for use."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.fleet import Fleet
from benchmarks.process import Usage, machine_busy
from benchmarks.target import Target

MACHINE_FULL = 0.9
"""Above this share of all cores in use the figures are those of a queue, not of the server."""

OTHERS = 0.1
"""Above this share of all cores somebody else's programs compete for caches, memory and time; the kernel's own work is in it."""

STEAL = 0.02
"""Above this share of the time the hypervisor ran somebody else."""

LATE = 0.01
"""Above this share of packets sent over 2 ms late the pattern was not the one asked for."""

SPREAD = 0.25
"""Above this spread (highest to lowest sample, over the median) the cost a packet was not steady."""

SHARES = (0.5, 0.99, 0.999)


@dataclass(frozen=True, slots=True)
class Window:
    """One reading of the counters."""

    at_s: float
    usage: Usage | None
    """`None`: the server's process cannot be read."""
    received: int
    clients_s: float
    """CPU time of this process."""
    busy_s: float
    stolen_s: float
    machine_s: float

    @classmethod
    async def now(cls, target: Target, fleet: Fleet) -> Self:
        return cls(time.monotonic(), await target.usage(), fleet.media.received(), time.process_time(), *machine_busy())


def cost_us(first: Window, last: Window) -> float | None:
    """CPU of the whole server process, µs a packet that arrived."""
    if first.usage is None or last.usage is None:
        return None
    return (last.usage.total_s - first.usage.total_s) * 1e6 / max(1, last.received - first.received)


def busy_share(first: Window, last: Window) -> float:
    """Of the whole machine, clients included."""
    return (last.busy_s - first.busy_s) / (last.machine_s - first.machine_s)


def others_share(first: Window, last: Window) -> float:
    """Of the whole machine, what neither the server nor the clients used; 0 where the server's share is unknown."""
    if first.usage is None or last.usage is None:
        return 0.0
    own = last.usage.total_s - first.usage.total_s + last.clients_s - first.clients_s
    return max(0.0, busy_share(first, last) - own / (last.machine_s - first.machine_s))


def unfit(windows: Sequence[Window], late: float) -> list[str]:
    """Why these windows should not be quoted; empty when nothing speaks against it."""
    first, last = windows[0], windows[-1]
    reasons = []
    if (busy := busy_share(first, last)) > MACHINE_FULL:
        reasons.append(f"the machine was {busy:.0%} busy")
    if (others := others_share(first, last)) > OTHERS:
        reasons.append(f"other programs used {others:.0%} of the machine")
    if (stolen := (last.stolen_s - first.stolen_s) / (last.machine_s - first.machine_s)) > STEAL:
        reasons.append(f"{stolen:.1%} of the time was stolen by the hypervisor")
    if late > LATE:
        reasons.append(f"{late:.1%} of the packets were sent over 2 ms late")
    samples = sorted(cost for a, b in itertools.pairwise(windows) if (cost := cost_us(a, b)) is not None)
    if samples and samples[-1] > 0 and (spread := (samples[-1] - samples[0]) / samples[len(samples) // 2]) > SPREAD:
        reasons.append(f"the cost a packet varied by {spread:.0%} between samples")
    return reasons


def result(fleet: Fleet, windows: Sequence[Window], latencies: Sequence[float], *, idle_rss: int) -> dict[str, Any]:
    """Everything but the floor. `lost` compares what was published with what each receiver got, from its first packet on."""
    load, media = fleet.load, fleet.media
    sent = [media.sender(n) for n in range(fleet.senders)]
    got = [media.client(e.index, to_the_end=True) for e in fleet.sinks]
    asked = [media.client(e.index) for e in fleet.sources]
    first, last = windows[0], windows[-1]
    seconds = last.at_s - first.at_s
    forwarded = last.received - first.received
    published = sum(s["sent"] for s in sent)
    late = sum(s["late"] for s in sent) / max(1, published)
    silent = sum(sink["streams"] < sum(load.tracks_wanted) for sink in got)
    lost = sum(sink["lost"] for sink in got)
    joins = sorted(e.timings.secured for e in fleet.sinks)
    failures = [f"{lost:,} packets were lost"] if lost else []
    if silent:
        failures.append(f"{silent} of {len(got)} receivers did not get every stream")
    return {
        "load": {
            "text": str(load),
            "rooms": load.rooms,
            "receivers": load.receivers,
            "people": load.people,
            "pattern": load.pattern.name,
            "published_per_second": load.publishers * load.pattern.packets_per_second,
            "feedback": load.feedback,
            "seconds": seconds,
            "profiles": sorted({e.profile for e in (*fleet.sources, *fleet.sinks)}),
        },
        "packets": {
            "published": published,
            "forwarded": forwarded,
            "forwarded_per_second": forwarded / seconds,
            "bytes": sum(sink["bytes"] for sink in got),
            "lost": lost,
            "receivers_with_loss": sum(sink["lost"] != 0 for sink in got),
            "silent_receivers": silent,
            **{name: sum(sink[name] for sink in got) for name in _RECEIVER_SUMS},
        },
        "publisher_feedback": {n: sum(s[n] for s in sent) for n in _SENDER_SUMS}
        | {n: sum(s[n] for s in asked) for n in _FEEDBACK_SUMS},
        "samples": [
            {
                "at_s": b.at_s - first.at_s,
                "packets_per_second": (b.received - a.received) / (b.at_s - a.at_s),
                "cpu_share": (cost_us(a, b) or 0.0) * (b.received - a.received) / (b.at_s - a.at_s) / 1e6,
            }
            for a, b in itertools.pairwise(windows)
        ],
        "server": _server(windows, idle_rss, fleet),
        "latency_us": dict(zip(("p50", "p99", "p99_9", "max"), latencies, strict=True)),
        "joins": {
            "per_second": len(joins) / fleet.join_seconds if joins else 0.0,
            "median_ms": joins[len(joins) // 2] * 1000 if joins else 0.0,
            "slowest_ms": joins[-1] * 1000 if joins else 0.0,
        },
        "machine_busy": busy_share(first, last),
        "unfit": unfit(windows, late),
        "failures": failures,
    }


def _server(windows: Sequence[Window], idle_rss: int, fleet: Fleet) -> dict[str, Any] | None:
    first, last = windows[0], windows[-1]
    if first.usage is None or last.usage is None:
        return None
    seconds = last.at_s - first.at_s
    per_packet = 1e6 / max(1, last.received - first.received)
    threads = {n: s - first.usage.threads.get(n, 0.0) for n, s in sorted(last.usage.threads.items())}
    return {
        "us_per_packet": cost_us(first, last),
        "user_us_per_packet": (last.usage.user_s - first.usage.user_s) * per_packet,
        "system_us_per_packet": (last.usage.system_s - first.usage.system_s) * per_packet,
        "samples_us_per_packet": [cost_us(a, b) for a, b in itertools.pairwise(windows)],
        "cpu_share": (last.usage.total_s - first.usage.total_s) / seconds,
        "thread_us_per_packet": {n: s * per_packet for n, s in threads.items() if s > 0},
        "rss_bytes": last.usage.rss_bytes,
        "rss_bytes_per_client": (last.usage.rss_bytes - idle_rss) / fleet.load.clients,
    }


_RECEIVER_SUMS = (
    "checked",
    "corrupt",
    "auth_failures",
    "duplicates",
    "reordered",
    "gaps",
    "retransmissions",
    "nacked",
    "foreign",
    "sender_reports",
)
_SENDER_SUMS = ("keyframes", "send_errors", "late")
_FEEDBACK_SUMS = ("plis", "nacks", "reports", "transport_feedback")
