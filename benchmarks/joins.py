"""`joins`: how many join a second while others already receive, whether those notice, and how soon newcomers see a picture.

The server has one core of its own and the clients the others, where there are several. A newcomer leaves with its first packet.
"""

import argparse
import asyncio
import os
import time
from pathlib import Path
from typing import Any

from benchmarks.adapters import adapter_for
from benchmarks.endpoint import ConnectError, Endpoint
from benchmarks.fleet import Fleet, Load
from benchmarks.load import WARM_UP_S, joined
from benchmarks.patterns import evenly
from benchmarks.progress import Progress
from benchmarks.report import fit, latency_text, lines
from benchmarks.result import SHARES, Window, cost_us, unfit
from benchmarks.target import Target, add_target_arguments, opened

BASELINE_S = 3.0
"""What the media alone costs is measured this long before anybody joins."""

FIRST_PACKET_TIMEOUT_S = 5.0
POLL_S = 0.004
"""How often a newcomer's counters are looked at; its first packet's time is the kernel's."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    parser.add_argument("--receivers", type=int, default=100, help="who receive already (default: %(default)s)")
    parser.add_argument("--joins", type=int, default=500, help="newcomers (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=16, help="handshakes under way (default: %(default)s)")
    parser.add_argument("--no-pinning", action="store_true", help="leave server and clients on all cores")


async def run(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    load = Load(receivers=options.receivers, pattern=evenly(300, 1200, 10))
    async with opened(options) as target, adapter_for(target) as adapter:
        before = os.sched_getaffinity(0)
        pinned = not options.no_pinning and target.pid is not None and len(before) > 1
        if pinned:
            _pin(target, before)
        try:
            async with joined(adapter, load, progress, spare=options.joins) as fleet:
                fleet.start()
                await asyncio.sleep(WARM_UP_S)
                newcomers = [fleet.receiver(adapter, "bench-0") for _ in range(options.joins)]
                found = await _measure(target, fleet, newcomers, options.at_once, progress)
        finally:
            os.sched_setaffinity(0, before)
    return {"load": str(load), "pinned": pinned} | found


def _pin(target: Target, cores: set[int]) -> None:
    """The server's present threads, and so those that they start, on the last core; this process on the others."""
    last = max(cores)
    for task in Path(f"/proc/{target.pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {last})
    os.sched_setaffinity(0, cores - {last})


async def _measure(
    target: Target, fleet: Fleet, newcomers: list[Endpoint], at_once: int, progress: Progress
) -> dict[str, Any]:
    baseline = [await Window.now(target, fleet)]
    await asyncio.sleep(BASELINE_S)
    baseline.append(await Window.now(target, fleet))
    media_us = cost_us(*baseline)
    fleet.media.mark()
    gate, failed, finished = asyncio.Semaphore(at_once), 0, 0
    first_packets: list[float] = []

    async def one(endpoint: Endpoint) -> None:
        nonlocal failed, finished
        async with gate:
            try:
                await fleet.join([endpoint], lambda _n, _of: None)
            except ConnectError:
                failed += 1
                return
        first_packets.append(await _first_packet(fleet, endpoint))
        await fleet.leave(endpoint)
        finished += 1
        progress.show("joining", finished / len(newcomers), f"{finished}/{len(newcomers)}")

    windows = [await Window.now(target, fleet)]
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for endpoint in newcomers:
            group.create_task(one(endpoint))
    seconds = time.monotonic() - started
    windows.append(await Window.now(target, fleet))
    latencies = fleet.media.latencies_us(SHARES)
    await fleet.stop_sending()
    got = [fleet.media.client(e.index, to_the_end=True) for e in fleet.sinks]
    lost = sum(sink["lost"] for sink in got)
    seen = sorted(ms for ms in first_packets if ms > 0)
    secured = sorted(e.timings.secured * 1000 for e in newcomers if e.timings.secured)
    failures = [f"{lost} packets of those who already received were lost"] if lost else []
    if failed or len(seen) < len(newcomers):
        failures.append(f"{failed} could not join, {len(newcomers) - failed - len(seen)} saw no packet")
    return {
        "joins": len(newcomers) - failed,
        "seconds": seconds,
        "per_second": (len(newcomers) - failed) / seconds,
        "server_ms_a_join": _server_ms(windows, media_us, len(newcomers)),
        "server_cpu_share": _share(windows),
        "join_ms": _quartiles(secured),
        "first_packet_ms": _quartiles(seen),
        "lost": lost,
        "latency_us": dict(zip(("p50", "p99", "p99_9", "max"), latencies, strict=True)),
        "unfit": unfit(windows, 0.0),
        "failures": failures,
    }


async def _first_packet(fleet: Fleet, endpoint: Endpoint) -> float:
    """Milliseconds from the beginning of the join; 0: none came."""
    give_up = time.monotonic() + FIRST_PACKET_TIMEOUT_S
    while time.monotonic() < give_up:
        if arrived := fleet.media.client(endpoint.index)["first_arrival_ns"]:
            return (arrived - endpoint.timings.started_ns) / 1e6
        await asyncio.sleep(POLL_S)
    return 0.0


def _server_ms(windows: list[Window], media_us: float | None, joins: int) -> float | None:
    """CPU of the server for one join and its leaving, without what the media cost that flowed meanwhile."""
    first, last = windows
    if first.usage is None or last.usage is None or media_us is None:
        return None
    media_s = media_us * (last.received - first.received) / 1e6
    return (last.usage.total_s - first.usage.total_s - media_s) / joins * 1000


def _share(windows: list[Window]) -> float | None:
    first, last = windows
    if first.usage is None or last.usage is None:
        return None
    return (last.usage.total_s - first.usage.total_s) / (last.at_s - first.at_s)


def _quartiles(ordered: list[float]) -> dict[str, float]:
    if not ordered:
        return {"p50": 0.0, "p99": 0.0, "max": 0.0}
    return {"p50": ordered[len(ordered) // 2], "p99": ordered[len(ordered) * 99 // 100], "max": ordered[-1]}


def table(found: dict[str, Any]) -> str:
    server = ""
    if found["server_ms_a_join"] is not None:
        share, ms = found["server_cpu_share"], found["server_ms_a_join"]
        server = f"; {ms:.2f} ms of the server's CPU each, {share:.0%} of a core with the media"
    where = ", server on one core, clients on the others" if found["pinned"] else ""
    rows = [
        ("load", found["load"] + where),
        ("joins", f"{found['joins']} in {found['seconds']:.1f} s: {found['per_second']:.0f} a second{server}"),
        ("join", "p50 {p50:.0f} ms, p99 {p99:.0f} ms, slowest {max:.0f} ms".format(**found["join_ms"])),
        ("first packet", "p50 {p50:.0f} ms, p99 {p99:.0f} ms, last {max:.0f} ms".format(**found["first_packet_ms"])),
        ("lost", f"{found['lost']} packets of those who already received"),
        ("latency added", latency_text(found["latency_us"]) + " meanwhile"),
        fit(found["unfit"]),
    ]
    return lines(rows)
