"""`load`: publishers and receivers over WHIP and WHEP, or rooms of people over the WebSocket protocol, and the floor beside them.

It fails when packets were lost or somebody received nothing.
"""

import argparse
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from benchmarks.adapters import Adapter, adapter_for
from benchmarks.fleet import Fleet, Load
from benchmarks.floor import Floor, measure_floor
from benchmarks.patterns import PATTERNS
from benchmarks.plot import load_figure
from benchmarks.progress import Progress
from benchmarks.report import table as table
from benchmarks.result import SHARES, Window, result
from benchmarks.target import Target, add_target_arguments, opened

WARM_UP_S = 2.0
"""Media flows this long before anything is counted: keyframes are asked for, caches and buffers filled."""

SAMPLES = 5
"""Parts of the measured time; their spread says how steady the machine was."""

CURVE = tuple(1 - 10 ** (-n / 10) for n in range(1, 41))
"""Shares of the packets for the latency's curve, ever closer to all of them."""

plot = load_figure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    add_load_arguments(parser)
    parser.add_argument("--seconds", type=float, default=10.0, help="measured time (default: %(default)s)")
    parser.add_argument("--no-floor", action="store_true", help="skip the machine's floor")


def add_load_arguments(
    parser: argparse.ArgumentParser, *, rooms: int = 1, receivers: int = 50, rate: float = 300
) -> None:
    """The flags that `load_of` reads."""
    load = parser.add_argument_group("load")
    load.add_argument("--rooms", type=int, default=rooms, help="(default: %(default)s)")
    load.add_argument(
        "--receivers", type=int, default=receivers, help="of each room's one publisher, by WHEP (default: %(default)s)"
    )
    load.add_argument(
        "--people", type=int, default=0, help="of each room instead, who all publish and receive (WebSocket)"
    )
    load.add_argument("--websocket", action="store_true", help="publisher and receivers by WebSocket instead, too")
    load.add_argument(
        "--pattern",
        choices=PATTERNS,
        default="even",
        help="what publishers send (default: %(default)s); the last four have rates of their own",
    )
    load.add_argument("--rate", type=float, default=rate, help="packets a second of a publisher (default: %(default)s)")
    load.add_argument("--size", type=int, default=0, help="bytes of RTP before SRTP (default: 1200, audio 80 to 160)")
    load.add_argument("--frame", type=int, default=10, help="packets a frame (default: %(default)s)")
    load.add_argument("--check-every", type=int, default=4, help="decrypt every n-th packet (default: %(default)s)")
    load.add_argument("--no-feedback", action="store_true", help="receivers send no RTCP: not as browsers do")


def load_of(options: argparse.Namespace) -> Load:
    size = options.size or (0 if options.pattern == "audio" else 1200)
    return Load(
        rooms=options.rooms,
        receivers=0 if options.people else options.receivers,
        people=options.people,
        websocket=options.websocket,
        pattern=PATTERNS[options.pattern](options.rate, size, options.frame),
        # A receiver that is moved between layers is counted by what it decrypts.
        check_every=1 if options.pattern == "simulcast" else options.check_every,
        feedback=not options.no_feedback,
    )


async def run(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    load = load_of(options)
    async with opened(options) as target:
        found = await measure_load(target, load, options.seconds, progress)
    if not options.no_floor:
        await add_floor(found, load, progress)
    return found


@contextlib.asynccontextmanager
async def connected(target: Target, load: Load, progress: Progress, *, spare: int = 0) -> AsyncIterator[Fleet]:
    """The load's clients, all connected, at a server that Ciranda's adapters know."""
    async with (
        adapter_for(target, websocket=load.websocket or load.people > 0) as adapter,
        joined(adapter, load, progress, spare=spare) as fleet,
    ):
        yield fleet


@contextlib.asynccontextmanager
async def joined(adapter: Adapter, load: Load, progress: Progress, *, spare: int = 0) -> AsyncIterator[Fleet]:
    progress.say(f"{load}")

    def on_join(n: int, of: int) -> None:
        progress.show("joining", n / of, f"{n}/{of}")

    async with Fleet.connected(adapter, load, on_join=on_join, spare=spare) as fleet:
        yield fleet


async def measure_load(
    target: Target,
    load: Load,
    seconds: float,
    progress: Progress,
    *,
    adapter: Adapter | None = None,
) -> dict[str, Any]:
    """One measurement, the floor left out. Without an `adapter`: Ciranda's."""
    idle = await target.usage()
    clients = joined(adapter, load, progress) if adapter is not None else connected(target, load, progress)
    async with clients as fleet:
        fleet.start()
        await asyncio.sleep(WARM_UP_S)
        fleet.media.mark()
        await asyncio.sleep(0.05)
        windows = await watch(target, fleet, seconds, progress)
        latencies = fleet.media.latencies_us(SHARES)
        curve = list(zip(CURVE, fleet.media.latencies_us(CURVE), strict=False))
        await fleet.stop_sending()
        found = result(fleet, windows, latencies, idle_rss=idle.rss_bytes if idle is not None else 0)
        return found | {"latency_curve": curve}


async def watch(
    target: Target, fleet: Fleet, seconds: float, progress: Progress, *, samples: int = SAMPLES
) -> list[Window]:
    """Readings at the beginning, the end, and as often between."""
    windows = [await Window.now(target, fleet)]
    started = time.monotonic()
    for n in range(1, samples + 1):
        await asyncio.sleep(max(0.0, started + seconds * n / samples - time.monotonic()))
        windows.append(await Window.now(target, fleet))
        progress.show("measuring", n / samples, f"{windows[-1].received - windows[0].received:,} packets")
    return windows


async def floor_of(load: Load, packets_per_second: float, progress: Progress) -> Floor:
    """What the same packets to as many sockets cost at best; `packets_per_second` to each of them, where paced."""
    sizes = [size for stream in load.pattern.streams for size in stream.sizes]
    progress.show("floor", 0.5)
    return await asyncio.to_thread(
        measure_floor,
        receivers_count=max(1, load.sinks),
        packet_size=sum(sizes) // len(sizes),
        packets_per_second=max(1.0, packets_per_second),
    )


async def add_floor(found: dict[str, Any], load: Load, progress: Progress) -> None:
    """Puts the floor, and the ratios to it, beside what was found."""
    floor = await floor_of(load, found["packets"]["forwarded_per_second"] / max(1, load.sinks), progress)
    found["floor"] = asdict(floor)
    if found["server"] is not None:
        found["ratio_to_floor"] = found["server"]["us_per_packet"] / floor.sendmmsg_us
        found["ratio_to_paced_floor"] = found["server"]["us_per_packet"] / floor.paced_us
