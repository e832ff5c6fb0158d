"""`growth`: how the cost of a forwarded packet changes with the number of receivers."""

import argparse
from typing import Any

from benchmarks.fleet import Load
from benchmarks.load import measure_load
from benchmarks.patterns import evenly
from benchmarks.progress import Progress
from benchmarks.report import fit, lines
from benchmarks.target import add_target_arguments, opened

RECEIVERS = (10, 100, 1000)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    parser.add_argument(
        "--receivers", type=int, action="append", help=f"of one publisher, repeatable (default: {RECEIVERS})"
    )
    parser.add_argument("--rate", type=float, default=100, help="packets a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=6.0, help="measured time of each (default: %(default)s)")


async def run(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    runs = []
    for receivers in options.receivers or RECEIVERS:
        load = Load(receivers=receivers, pattern=evenly(options.rate, 1200, 10))
        async with opened(options) as target:
            runs.append(await measure_load(target, load, options.seconds, progress))
    costs = [run["server"]["us_per_packet"] for run in runs if run["server"] is not None]
    return {
        "runs": runs,
        "growth": costs[-1] / costs[0] - 1 if len(costs) > 1 else None,
        "unfit": [f"{run['load']['receivers']} receivers: {reason}" for run in runs for reason in run["unfit"]],
        "failures": [f"{run['load']['receivers']} receivers: {text}" for run in runs for text in run["failures"]],
    }


def table(found: dict[str, Any]) -> str:
    rows = [("receivers", f"{'packets/s':>12}{'µs each':>9}{'CPU':>7}{'lost':>7}{'p50':>9}{'p99 µs':>9}{'kB each':>9}")]
    for run in found["runs"]:
        server, latency = run["server"] or {}, run["latency_us"]
        rows.append(
            (
                f"{run['load']['receivers']:>9}",
                f"{run['packets']['forwarded_per_second']:>12,.0f}{server.get('us_per_packet', 0):>9.2f}"
                f"{server.get('cpu_share', 0):>7.0%}{run['packets']['lost']:>7,}{latency['p50']:>9,}{latency['p99']:>9,}"
                f"{server.get('rss_bytes_per_client', 0) / 1000:>9.0f}",
            )
        )
    if found["growth"] is not None:
        rows.append(("growth", f"{found['growth']:+.0%} of the cost a packet from the first to the last"))
    return lines([*rows, fit(found["unfit"])])
