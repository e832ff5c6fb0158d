"""`peers`: the same load on Ciranda and on another server, in turn, on the same machine and in the same network.

Janus is started here, in a network namespace of its own (needs root); any server that speaks WHIP and WHEP is named by its URLs.
"""

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from benchmarks import namespace
from benchmarks.adapters import Adapter, adapter_for
from benchmarks.fleet import CONCURRENT_JOINS
from benchmarks.janus import janus
from benchmarks.load import add_floor, add_load_arguments, load_of, measure_load
from benchmarks.process import ServerProcess
from benchmarks.progress import Progress
from benchmarks.report import fit, floor_text, latency_text, lines
from benchmarks.target import OWN_SERVER_OPTIONS, Target, TargetError
from benchmarks.whip import WhipAdapter

PAUSE_S = 1.0
"""Between two servers: the first one's memory is freed, its threads are gone."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    peer = parser.add_argument_group("peer")
    peer.add_argument("--peer", choices=("janus", "whip"), default="janus", help="(default: %(default)s)")
    peer.add_argument("--whip-url", help="with {room} in it, of a running server, for --peer whip")
    peer.add_argument("--whep-url", help="the same for those who receive")
    peer.add_argument("--peer-pid", type=int, help="its process, if it runs on this machine")
    peer.add_argument("--peer-token", default="", help="bearer token, if it asks for one")
    add_load_arguments(parser, receivers=100)
    parser.add_argument("--seconds", type=float, default=10.0, help="measured time of each (default: %(default)s)")


async def run(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    load = load_of(options)
    if load.people:
        raise TargetError("peers are compared with publishers and receivers, not with people who do both")
    host = namespace.enter() if options.peer == "janus" else "127.0.0.1"
    found: dict[str, Any] = {}
    for name, server in ((options.peer, _peer(options, host)), ("ciranda", _ciranda(host))):
        progress.say(f"{name}:")
        async with server as (target, adapter):
            found[name] = await measure_load(target, load, options.seconds, progress, adapter=adapter)
        await asyncio.sleep(PAUSE_S)
    await add_floor(found["ciranda"], load, progress)
    ours, theirs = found["ciranda"]["server"], found[options.peer]["server"]
    return {
        "peer": options.peer,
        "servers": found,
        "ratio": ours["us_per_packet"] / theirs["us_per_packet"] if ours and theirs else None,
        "unfit": [f"{name}: {reason}" for name, run in found.items() for reason in run["unfit"]],
        "failures": [f"ciranda: {text}" for text in found["ciranda"]["failures"]],
    }


@contextlib.asynccontextmanager
async def _ciranda(host: str) -> AsyncIterator[tuple[Target, Adapter]]:
    place = ("--media-host", host, "--insecure")
    async with ServerProcess(*OWN_SERVER_OPTIONS, *place) as server:
        target = Target(server.url, server.pid)
        async with adapter_for(target) as adapter:
            yield target, adapter


@contextlib.asynccontextmanager
async def _peer(options: argparse.Namespace, host: str) -> AsyncIterator[tuple[Target, Adapter]]:
    if options.peer == "janus":
        async with janus(host) as started:
            yield started
        return
    if not options.whip_url or not options.whep_url:
        raise TargetError("--peer whip needs --whip-url and --whep-url, with {room} in them")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENT_JOINS)) as http:
        adapter = WhipAdapter(http, options.whip_url, options.whep_url, lambda _room: options.peer_token)
        yield Target(options.whip_url, options.peer_pid), adapter


def table(found: dict[str, Any]) -> str:
    rows = [("load", found["servers"]["ciranda"]["load"]["text"])]
    for name, run in found["servers"].items():
        server = run["server"]
        cost = f"{server['us_per_packet']:.2f} µs a packet, " if server is not None else ""
        memory = f", {server['rss_bytes_per_client'] / 1000:.0f} kB a client" if server is not None else ""
        packets = f"{run['packets']['forwarded_per_second']:,.0f} packets/s, {run['packets']['lost']:,} lost"
        rows.append((name, f"{cost}{packets}{memory}, {', '.join(run['load']['profiles'])}"))
        rows.append(("  latency", latency_text(run["latency_us"])))
    if found["ratio"] is not None:
        rows.append(("ratio", f"{found['ratio']:.2f} of {found['peer']}'s CPU a packet"))
    ciranda = found["servers"]["ciranda"]
    rows.append(("floor", floor_text(ciranda["floor"])))
    return lines([*rows, fit(found["unfit"])])
