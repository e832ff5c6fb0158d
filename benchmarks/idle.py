"""`idle`: what many cost who are connected while nothing is published: consent checks, timers, memory."""

import argparse
import asyncio
from typing import Any

from benchmarks.fleet import Load
from benchmarks.load import connected
from benchmarks.progress import Progress
from benchmarks.report import fit, lines
from benchmarks.result import Window, unfit
from benchmarks.target import add_target_arguments, opened

SETTLE_S = 3.0
"""After the last join."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    parser.add_argument("--receivers", type=int, default=1000, help="who wait, by WHEP (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured time (default: %(default)s)")


async def run(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    # One participant has signalled a track and sends nothing: as everybody does who is muted.
    load = Load(receivers=options.receivers)
    async with opened(options) as target:
        before = await target.usage()
        async with connected(target, load, progress) as fleet:
            await asyncio.sleep(SETTLE_S)
            windows = [await Window.now(target, fleet)]
            progress.show("measuring", 0.5)
            await asyncio.sleep(options.seconds)
            windows.append(await Window.now(target, fleet))
            totals = fleet.media.totals()
    first, last = windows[0].usage, windows[1].usage
    found: dict[str, Any] = {
        "connected": load.clients,
        "joins_per_second": load.receivers / fleet.join_seconds,
        "checks_answered": totals["stun"],
        "unfit": unfit(windows, 0.0),
        "failures": [],
    }
    if first is None or last is None or before is None:
        return found
    seconds = windows[1].at_s - windows[0].at_s
    shares = {n: (s - first.threads.get(n, 0.0)) / seconds for n, s in last.threads.items()}
    return found | {
        "cpu_share": (last.total_s - first.total_s) / seconds,
        "thread_shares": {n: share for n, share in shares.items() if share > 0},
        "rss_bytes": last.rss_bytes,
        "rss_bytes_per_client": (last.rss_bytes - before.rss_bytes) / load.clients,
    }


def table(found: dict[str, Any]) -> str:
    rows = [("connected", f"{found['connected']}, nothing published; {found['joins_per_second']:.0f} joins a second")]
    if "cpu_share" in found:
        threads = ", ".join(f"{name} {share:.2%}" for name, share in found["thread_shares"].items())
        rows.append(("CPU", f"{found['cpu_share']:.2%} of a core ({threads})"))
        memory = f"{found['rss_bytes'] / 2**20:.0f} MiB, {found['rss_bytes_per_client'] / 1000:.0f} kB a client"
        rows.append(("memory", memory))
    rows += [("checks", f"{found['checks_answered']:,} answered"), fit(found["unfit"])]
    return lines(rows)
