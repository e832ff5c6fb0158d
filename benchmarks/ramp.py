"""`ramp`: one publisher after the other begins to send, until packets are lost, come late, or the machine is full."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from benchmarks.fleet import Fleet
from benchmarks.load import add_load_arguments, connected, floor_of, load_of
from benchmarks.plot import ramp_figure
from benchmarks.progress import Progress
from benchmarks.report import fit, floor_text, lines
from benchmarks.result import OTHERS
from benchmarks.step import Step, measure_step
from benchmarks.target import Target, add_target_arguments, opened

WARM_UP_S = 0.7
"""Of each step: new publishers' keyframes are through."""

GROWTH = 1.2
"""From step to step, rounded to whole publishers."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    add_load_arguments(parser, rooms=24, receivers=25, rate=1000)
    parser.add_argument("--seconds", type=float, default=2.5, help="of each step (default: %(default)s)")


async def run(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    load = load_of(options)
    async with opened(options) as target, connected(target, load, progress) as fleet:
        fleet.activate(0)
        fleet.start()
        steps, why = await climb(target, fleet, progress, seconds=options.seconds)
    floor = await floor_of(load, load.pattern.packets_per_second, progress)
    return outcome(str(load), steps, why) | {"floor": asdict(floor)}


async def climb(target: Target, fleet: Fleet, progress: Progress, *, seconds: float) -> tuple[list[Step], str]:
    """Every step, and what broke in the last one (empty: nothing did)."""
    steps: list[Step] = []
    for publishers in _numbers(fleet.load.publishers):
        step = await measure_step(target, fleet, publishers, warm_up_s=WARM_UP_S, seconds=seconds)
        steps.append(step)
        progress.show("ramp", publishers / fleet.load.publishers, f"{step.packets_per_second:,.0f} packets/s")
        if why := step.broke():
            return steps, why
    return steps, ""


def _numbers(most: int) -> Iterator[int]:
    number = 1
    while number < most:
        yield number
        number = max(number + 1, round(number * GROWTH))
    yield most


def outcome(text: str, steps: list[Step], why: str) -> dict[str, Any]:
    """Plain values; the last step that held is the capacity."""
    held = [step for step in steps if not step.broke()]
    return {
        "load": text,
        "steps": [asdict(step) for step in steps],
        "capacity": asdict(held[-1]) if held else None,
        "broke": why,
        "unfit": disturbed(steps),
    }


def disturbed(steps: list[Step]) -> list[str]:
    """Why the steps should not be quoted."""
    most = max((step.others_share for step in steps), default=0.0)
    return [f"other programs used up to {most:.0%} of the machine"] if most > OTHERS else []


def table(found: dict[str, Any]) -> str:
    heads = f"{'packets/s':>12}{'CPU':>8}{'µs each':>9}{'lost':>9}{'late':>7}{'machine':>9}{'p50':>9}{'p99':>9}{'p99.9 µs':>10}"
    rows = [("publishers", heads)]
    for step in found["steps"]:
        cpu = f"{step['cpu_share']:>8.0%}{step['us_per_packet']:>9.2f}" if step["cpu_share"] is not None else " " * 17
        rows.append(
            (
                f"{step['publishers']:>10}",
                f"{step['packets_per_second']:>12,.0f}{cpu}{step['lost_share']:>9.2%}{step['late_share']:>7.1%}"
                f"{step['machine_busy']:>9.0%}{step['p50_us']:>9,}{step['p99_us']:>9,}{step['p99_9_us']:>10,}",
            )
        )
    capacity = found["capacity"]
    end = f", then {found['broke']}" if found["broke"] else ", and more publishers (--rooms) would have fitted"
    rows.append(("load", found["load"]))
    rows.append(("carried", f"{capacity['packets_per_second']:,.0f} packets/s{end}" if capacity else found["broke"]))
    rows.append(("floor", floor_text(found["floor"])))
    if capacity and capacity["us_per_packet"]:
        ratio = capacity["us_per_packet"] / found["floor"]["sendmmsg_us"]
        rows.append(("ratio", f"{ratio:.2f} to sendmmsg at what was carried"))
    return lines([*rows, fit(found["unfit"])])


plot = ramp_figure
