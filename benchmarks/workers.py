"""`workers`: what two workers carry beside one, with load on both; and what a packet costs with each.

Server and clients share the machine: on two cores what is carried is bounded by the clients' need for them, too. The cost of a
packet is the server's alone. It is compared at the same load, of which each of two workers has half, and so fewer packets for
each time that it is woken; and with twice the load, so that each has what the one had.
"""

import argparse
from dataclasses import asdict
from typing import Any

from benchmarks.load import add_load_arguments, connected, load_of
from benchmarks.progress import Progress
from benchmarks.ramp import climb, disturbed
from benchmarks.report import fit, lines
from benchmarks.step import Step
from benchmarks.target import TargetError, add_target_arguments, opened

NEAR = 0.15
"""How far from twice the load a step may be."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    add_load_arguments(parser, rooms=24, receivers=25, rate=1000)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each step (default: %(default)s)")


async def run(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    if options.server is not None:
        raise TargetError("workers are compared on servers that are started here")
    load = load_of(options)
    climbs: list[tuple[list[Step], str]] = []
    for workers in (1, 2):
        async with opened(options, "--workers", str(workers)) as target, connected(target, load, progress) as fleet:
            fleet.activate(0)
            fleet.start()
            climbs.append(await climb(target, fleet, progress, seconds=options.seconds))
    (one, why_one), (two, why_two) = climbs
    held_one, held_two = ([s for s in steps if not s.broke()] for steps in (one, two))
    same = {s.publishers: s for s in held_two}
    both = [(s, same[s.publishers]) for s in held_one if s.publishers in same]
    found: dict[str, Any] = {
        "load": str(load),
        "one": {"steps": [asdict(s) for s in one], "held": len(held_one), "broke": why_one},
        "two": {"steps": [asdict(s) for s in two], "held": len(held_two), "broke": why_two},
        "unfit": disturbed([*one, *two]),
        "failures": [] if held_one and held_two else ["one of them carried nothing"],
    }
    if held_one and held_two:
        found["ratio"] = held_two[-1].packets_per_second / held_one[-1].packets_per_second
    twice = nearest_to_twice(held_one, held_two)
    if twice is not None:
        found["scaling_each"] = 2 * cost(twice[0]) / cost(twice[1])
        found["compared_each_at"] = twice[0].packets_per_second
    if both and both[-1][0].us_per_packet and both[-1][1].us_per_packet:
        # What two workers would carry if the machine had a core for each and more for the clients.
        found["scaling"] = 2 * both[-1][0].us_per_packet / both[-1][1].us_per_packet
        found["compared_at"] = both[-1][0].packets_per_second
    return found


def cost(step: Step) -> float:
    """µs a packet."""
    return step.us_per_packet or 0.0


def nearest_to_twice(one: list[Step], two: list[Step]) -> tuple[Step, Step] | None:
    """The heaviest step of one worker, and that of two workers with twice its load; none where nothing comes near."""
    pairs = [
        (a, b) for a in one for b in two if cost(a) and cost(b) and abs(b.publishers / a.publishers / 2 - 1) <= NEAR
    ]
    return max(
        pairs, key=lambda pair: (pair[0].publishers, -abs(pair[1].publishers - 2 * pair[0].publishers)), default=None
    )


def table(found: dict[str, Any]) -> str:
    rows = [("load", found["load"])]
    for name in ("one", "two"):
        last = found[name]["steps"][max(0, found[name]["held"] - 1)]
        cpu = f"{last['cpu_share']:.0%} of a core" if last["cpu_share"] is not None else ""
        held_text = f"{last['packets_per_second']:,.0f} packets/s, {cpu}, machine {last['machine_busy']:.0%} busy"
        rows.append((f"{name} worker(s)", f"{held_text}; then {found[name]['broke'] or 'no more load'}"))
    if "ratio" in found:
        rows.append(("ratio", f"{found['ratio']:.2f} of what was carried"))
    if "scaling" in found:
        rows.append(
            ("scaling", f"{found['scaling']:.2f} by the cost of a packet at {found['compared_at']:,.0f} packets/s")
        )
    if "scaling_each" in found:
        each = f"{found['scaling_each']:.2f} with {found['compared_each_at']:,.0f} packets/s for each worker"
        rows.append(("", each))
    return lines([*rows, fit(found["unfit"])])
