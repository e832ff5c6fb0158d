"""One step of a load that changes while it runs: what was forwarded, lost and late in it, and what it cost."""

import asyncio
from dataclasses import dataclass

from benchmarks.fleet import Fleet
from benchmarks.result import OTHERS, SHARES, Window, busy_share, cost_us, others_share
from benchmarks.target import Target

LOST = 0.001
"""Above this share of packets lost the load is more than the server carries."""

BUSY = 0.97
"""Above this share of all cores in use the machine is full, whoever uses it."""

LATE = 0.25
"""Above this share of packets sent over 2 ms late the clients are at their end."""

LATENCY_US = 200_000
"""Above this p99 something queues."""


@dataclass(frozen=True, slots=True)
class Step:
    publishers: int
    """That sent."""
    packets_per_second: float
    """Forwarded."""
    cpu_share: float | None
    """Of one core, the whole server process."""
    us_per_packet: float | None
    lost_share: float
    late_share: float
    machine_busy: float
    others_share: float
    """Of the machine, what neither server nor clients used."""
    p50_us: int
    p99_us: int
    p99_9_us: int

    def broke(self) -> str:
        """Why this was more than could be carried; empty: it was not."""
        if self.lost_share > LOST:
            return f"{self.lost_share:.1%} of the packets were lost"
        if self.machine_busy > BUSY and self.others_share < OTHERS:
            return f"the machine was {self.machine_busy:.0%} busy"
        if self.late_share > LATE:
            return f"publishers sent {self.late_share:.0%} of their packets over 2 ms late"
        if self.p99_us > LATENCY_US:
            return f"1 % of the packets took over {self.p99_us / 1000:.0f} ms"
        return ""


async def measure_step(target: Target, fleet: Fleet, publishers: int, *, warm_up_s: float, seconds: float) -> Step:
    """So many publishers send from now on; counting begins after the warm-up."""
    fleet.activate(publishers)
    await asyncio.sleep(warm_up_s)
    fleet.media.mark()
    first, lost, (sent, late) = await Window.now(target, fleet), fleet.media.totals()["lost"], _sent(fleet)
    await asyncio.sleep(seconds)
    last, lost_then, (sent_then, late_then) = (
        await Window.now(target, fleet),
        fleet.media.totals()["lost"],
        _sent(fleet),
    )
    p50, p99, p99_9, _ = fleet.media.latencies_us(SHARES)
    forwarded, lost = last.received - first.received, max(0, lost_then - lost)
    passed = last.at_s - first.at_s
    cpu = None
    if first.usage is not None and last.usage is not None:
        cpu = (last.usage.total_s - first.usage.total_s) / passed
    return Step(
        publishers=publishers,
        packets_per_second=forwarded / passed,
        cpu_share=cpu,
        us_per_packet=cost_us(first, last),
        lost_share=lost / max(1, forwarded + lost),
        late_share=(late_then - late) / max(1, sent_then - sent),
        machine_busy=busy_share(first, last),
        others_share=others_share(first, last),
        p50_us=p50,
        p99_us=p99,
        p99_9_us=p99_9,
    )


def _sent(fleet: Fleet) -> tuple[int, int]:
    senders = [fleet.media.sender(n) for n in range(fleet.senders)]
    return sum(s["sent"] for s in senders), sum(s["late"] for s in senders)
