"""`overload`: twice what the server carries. It must drop by name, answer its control plane, and recover when that is over."""

import argparse
import asyncio
import contextlib
import time
from dataclasses import asdict
from typing import Any

import aiohttp

from benchmarks.adapters import adapter_for
from benchmarks.endpoint import ClientIdentity, ConnectError, Endpoint
from benchmarks.fleet import Adapter, Fleet
from benchmarks.load import add_load_arguments, joined, load_of
from benchmarks.progress import Progress
from benchmarks.ramp import climb
from benchmarks.report import lines
from benchmarks.step import measure_step
from benchmarks.target import Target, TargetError, add_target_arguments, opened

ANSWER_MS = 100.0
RECOVERY_S = 1.0
PROBE_EVERY_S = 0.25
"""Between two requests to the control plane."""

SLICE_S = 0.1
"""Recovery is looked for in slices of this length."""

WATCHED_S = 4.0
"""After the overload; a slice that is bad again later counts."""

CALM_US = 20_000
"""A slice is good when nothing was lost in it and 99 % of its packets took less."""

DROPS = "ciranda_packets_dropped_total"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    add_load_arguments(parser, rooms=32, receivers=25, rate=1000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of overload (default: %(default)s)")
    parser.add_argument("--capacity", type=int, default=0, help="publishers that it carries; by default found first")


async def run(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    load = load_of(options)
    async with (
        opened(options) as target,
        adapter_for(target) as adapter,
        joined(adapter, load, progress) as fleet,
    ):
        fleet.activate(0)
        fleet.start()
        capacity = options.capacity or await _capacity(target, fleet, progress)
        if 2 * capacity > load.publishers:
            raise TargetError(f"{capacity} publishers are carried: give at least --rooms {2 * capacity}")
        progress.say(f"{capacity} publishers are carried; {2 * capacity} send now")
        dropped = await _drops(target)
        probing = asyncio.create_task(_probe(target, adapter))
        step = await measure_step(target, fleet, 2 * capacity, warm_up_s=0.5, seconds=options.seconds)
        probing.cancel()
        answers: dict[str, list[float]] = await _result_of(probing)
        now_dropped = await _drops(target)
        progress.say(f"{max(1, capacity // 2)} publishers send now")
        recovery = await _recovery(fleet, max(1, capacity // 2))
    slowest = {name: max(times, default=float("inf")) for name, times in answers.items()}
    drops = {name: count - dropped.get(name, 0) for name, count in now_dropped.items()}
    failures = [f"{name} took {ms:.0f} ms" for name, ms in slowest.items() if ms > ANSWER_MS]
    if recovery is None or recovery > RECOVERY_S:
        failures.append("it did not recover" if recovery is None else f"it recovered after {recovery:.1f} s")
    if step.lost_share > 0 and not any(drops.values()):
        failures.append("packets were lost and no counter of dropped packets grew")
    return {
        "load": str(load),
        "capacity": capacity,
        "step": asdict(step),
        "dropped": {name: int(count) for name, count in drops.items() if count},
        "answers_ms": {name: {"count": len(times), "slowest": slowest[name]} for name, times in answers.items()},
        "recovery_s": recovery,
        "failures": failures,
    }


async def _capacity(target: Target, fleet: Fleet, progress: Progress) -> int:
    steps, _ = await climb(target, fleet, progress, seconds=1.0)
    held = [step.publishers for step in steps if not step.broke()]
    if not held:
        raise TargetError(f"one publisher was too much already: {steps[0].broke()}")
    return held[-1]


async def _drops(target: Target) -> dict[str, float]:
    return {labels[0]: value for (name, labels), value in (await target.metrics()).items() if name == DROPS}


async def _probe(target: Target, adapter: Adapter) -> dict[str, list[float]]:
    """Asks for `/healthz` and joins, again and again until cancelled; milliseconds to each answer."""
    identity = ClientIdentity()
    times: dict[str, list[float]] = {"healthz": [], "join": []}
    async with aiohttp.ClientSession() as http:
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                started = time.monotonic()
                async with http.get(f"{target.url}/healthz") as response:
                    await response.read()
                times["healthz"].append((time.monotonic() - started) * 1000)
                endpoint = Endpoint(identity, adapter.receiver("bench-probe"), receives=(0, 1))
                try:
                    started = time.monotonic()
                    await endpoint.signalling.exchange(endpoint)
                    times["join"].append((time.monotonic() - started) * 1000)
                except ConnectError:
                    times["join"].append(float("inf"))
                finally:
                    await endpoint.close()
                await asyncio.sleep(PROBE_EVERY_S)
    return times


async def _result_of(task: asyncio.Task[dict[str, list[float]]]) -> dict[str, list[float]]:
    return await task


async def _recovery(fleet: Fleet, publishers: int) -> float | None:
    """Seconds from the end of the overload to the end of the last slice that was not good; `None`: none was good at the end."""
    fleet.activate(publishers)
    started = time.monotonic()
    last_bad = 0.0
    lost = fleet.media.totals()["lost"]
    while (passed := time.monotonic() - started) < WATCHED_S:
        fleet.media.mark()
        await asyncio.sleep(SLICE_S)
        lost_then = fleet.media.totals()["lost"]
        p99 = fleet.media.latencies_us([0.99])[0]
        if lost_then > lost or p99 > CALM_US or p99 == 0:
            last_bad = passed + SLICE_S
        lost = lost_then
    return last_bad if last_bad < WATCHED_S - SLICE_S else None


def table(found: dict[str, Any]) -> str:
    step, recovery = found["step"], found["recovery_s"]
    drops = ", ".join(f"{name} {count:,}" for name, count in found["dropped"].items())
    answers = ", ".join(f"{n} {a['slowest']:.0f} ms (of {a['count']})" for n, a in found["answers_ms"].items())
    rows = [
        ("load", f"{found['load']}; {step['publishers']} of them send, {found['capacity']} are carried"),
        (
            "forwarded",
            f"{step['packets_per_second']:,.0f} packets/s, {step['lost_share']:.0%} lost, machine {step['machine_busy']:.0%} busy",
        ),
        ("dropped", drops or "nothing that has a name"),
        ("slowest answer", answers),
        ("recovered", f"{recovery:.1f} s after it ended" if recovery is not None else "not within the time watched"),
    ]
    return lines(rows)
