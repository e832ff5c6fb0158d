"""`load`: publishers x receivers over WHIP and WHEP against a server process, and the floor beside it.

It fails when packets were lost.
"""

import argparse
import asyncio
import contextlib
import time
from dataclasses import asdict
from typing import Any

from benchmarks.fleet import Fleet, Load
from benchmarks.floor import measure_floor
from benchmarks.process import usage
from benchmarks.progress import Progress
from benchmarks.report import table as table
from benchmarks.result import Window, result
from benchmarks.target import add_target_arguments, opened

WARM_UP_S = 2.0
"""Media flows this long before anything is counted: keyframes are asked for, caches and buffers filled."""

SAMPLES = 5
"""Parts of the measured time; their spread says how steady the machine was."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    parser.add_argument("--publishers", type=int, default=1)
    parser.add_argument("--receivers", type=int, default=50, help="of each publisher (default: %(default)s)")
    parser.add_argument(
        "--rate", type=int, default=300, help="packets a second of each publisher (default: %(default)s)"
    )
    parser.add_argument("--size", type=int, default=1200, help="bytes of RTP before SRTP (default: %(default)s)")
    parser.add_argument("--frame", type=int, default=10, help="packets a frame (default: %(default)s)")
    parser.add_argument("--burst", action="store_true", help="send the packets of a frame at once")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured time (default: %(default)s)")
    parser.add_argument("--check-every", type=int, default=4, help="decrypt every n-th packet (default: %(default)s)")
    parser.add_argument("--no-feedback", action="store_true", help="receivers send no RTCP: not as browsers do")
    parser.add_argument("--no-floor", action="store_true", help="skip the machine's floor")


async def run(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """One measurement; the dictionary that `--json` writes."""
    load = Load(
        publishers=options.publishers,
        receivers=options.receivers,
        packets_per_second=options.rate,
        packet_size=options.size,
        packets_per_frame=options.frame,
        burst=options.burst,
        check_every=options.check_every,
        feedback=not options.no_feedback,
    )
    async with opened(options) as server:
        assert server.pid is not None
        idle = usage(server.pid).rss_bytes
        async with Fleet.connected(
            server.url, load, on_join=lambda n, of: progress.show("joining", n / of, f"{n}/{of}")
        ) as fleet:
            fleet.start()
            consent = asyncio.create_task(fleet.keep_consent())
            try:
                await asyncio.sleep(WARM_UP_S)
                fleet.receivers.mark()
                await asyncio.sleep(0.05)
                windows = [Window.now(server.pid, fleet)]
                started = time.monotonic()
                for n in range(1, SAMPLES + 1):
                    due = started + options.seconds * n / SAMPLES
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                    windows.append(Window.now(server.pid, fleet))
                    progress.show("measuring", n / SAMPLES, f"{windows[-1].received - windows[0].received:,} packets")
                latencies = fleet.receivers.latencies_us([0.5, 0.99, 0.999])
                await fleet.stop_sending()
            finally:
                consent.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await consent
            fleet.stop()
            found = result(fleet, windows, latencies, idle_rss=idle)
    progress.show("floor", 0.5, "")
    if not options.no_floor:
        floor = await asyncio.to_thread(
            measure_floor,
            receivers_count=load.publishers * load.receivers,
            packet_size=load.packet_size,
            packets_per_second=load.packets_per_second,
        )
        found["floor"] = asdict(floor)
        found["ratio_to_floor"] = found["server"]["us_per_packet"] / floor.sendmmsg_us
        found["ratio_to_paced_floor"] = found["server"]["us_per_packet"] / floor.paced_us
    found["failures"] = [f"{lost:,} packets were lost"] if (lost := found["packets"]["lost"]) else []
    return found
