"""`limit`: what this machine can do at best, libsrtp and sendmmsg with and without UDP_SEGMENT and no server around them."""

import argparse
import asyncio
from dataclasses import asdict
from typing import Any

from benchmarks.floor import measure_floor
from benchmarks.progress import Progress
from benchmarks.report import lines

SIZES = (1200, 100)
"""Bytes: video's and audio's."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--receivers", type=int, default=100, help="sockets that are sent to (default: %(default)s)")
    parser.add_argument(
        "--size", type=int, action="append", help=f"bytes of RTP before SRTP, repeatable (default: {SIZES})"
    )
    parser.add_argument(
        "--rate", type=float, default=300, help="packets a second to each, where paced (default: %(default)s)"
    )


async def run(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    sizes = options.size or SIZES
    floors = []
    for n, size in enumerate(sizes):
        progress.show("limit", n / len(sizes), f"{size} bytes")
        floors.append(
            await asyncio.to_thread(
                measure_floor, receivers_count=options.receivers, packet_size=size, packets_per_second=options.rate
            )
        )
    return {"floors": [asdict(floor) for floor in floors]}


def table(found: dict[str, Any]) -> str:
    rows = [("µs a packet", f"{'protect':>10}{'sendmmsg':>10}{'paced':>10}{'SEGMENT x 8':>13}{'of sendmmsg':>13}")]
    rows += [
        (
            f"{f['packet_size']} bytes",
            f"{f['protect_us']:>10.2f}{f['sendmmsg_us']:>10.2f}{f['paced_us']:>10.2f}{f['segment_us']:>13.2f}"
            f"{f['segment_us'] / f['sendmmsg_us']:>13.2f}",
        )
        for f in found["floors"]
    ]
    return lines(rows)
