"""`micro`: the stages of the data plane, in instructions a forwarded packet. They are the same on a busy machine as on a quiet one.

Callgrind counts what happens inside of the engine's `receive`: decrypting a packet once, then a copy for each receiver. What is
called libsrtp is pylibsrtp's wheel: libsrtp and the OpenSSL in it. valgrind knows no AVX-512: OpenSSL takes its AES-NI code
there. The kernel's part is not here; `load` has it.
"""

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.micro_script import SIZES, engine_for, feed, feed_cold, packets_for
from benchmarks.progress import Progress
from benchmarks.report import lines
from benchmarks.target import TargetError

COUNTED = "*6Engine_*receive*"
"""Cython's symbol of `Engine.receive`; counting is on inside of it."""

TIMED_PACKETS = 4_000
COLD_PACKETS = 1_000
VALGRIND_TIMEOUT_S = 120.0

_NAME = re.compile(r"^(ob|fn|cob|cfn)=\((\d+)\)(?: (.+))?$")
_COST = re.compile(r"^(?:\+|-|\*)?\d* ?(?:\+|-|\*)?\d* (\d+)$")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--receivers", type=int, default=10, help="(default: %(default)s)")
    parser.add_argument("--packets", type=int, default=500, help="counted (default: %(default)s)")
    parser.add_argument("--kind", choices=SIZES, action="append", help="repeatable (default: both)")


async def run(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise TargetError("instructions are counted by valgrind: apt-get install valgrind")
    kinds = {}
    for kind in options.kind or SIZES:
        progress.say(f"{kind}, {SIZES[kind]} bytes to {options.receivers}")
        copies, spent = feed(engine_for(kind, options.receivers), packets_for(kind, TIMED_PACKETS))
        cold = feed_cold(engine_for(kind, options.receivers), packets_for(kind, COLD_PACKETS))
        modules, counted = await _count(valgrind, kind, options.packets, options.receivers)
        kinds[kind] = {
            "us_per_packet": spent * 1e6 / copies,
            "cold_us_per_packet": cold * 1e6 / options.receivers,
            "instructions_per_packet": sum(modules.values()) / counted,
            "modules": {name: count / counted for name, count in modules.most_common()},
        }
    return {"receivers": options.receivers, "packets": options.packets, "kinds": kinds}


async def _count(valgrind: str, kind: str, packets: int, receivers: int) -> tuple[Counter[str], int]:
    """Instructions by module, and the packets that left."""
    with tempfile.TemporaryDirectory(prefix="bench-micro-") as folder:
        out = Path(folder) / "callgrind.out"
        process = await asyncio.create_subprocess_exec(
            valgrind,
            *("--tool=callgrind", f"--callgrind-out-file={out}", f"--toggle-collect={COUNTED}", "--compress-pos=no"),
            *(sys.executable, "-m", "benchmarks.micro_script", kind, str(packets), str(receivers)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            printed, said = await asyncio.wait_for(process.communicate(), VALGRIND_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise TargetError(f"valgrind did not end within {VALGRIND_TIMEOUT_S} s") from None
        if process.returncode:
            raise TargetError(f"valgrind ended with {process.returncode}: {said.decode()[-500:]}")
        modules = instructions_by_module(out.read_text())
    if not modules:
        raise TargetError("nothing was counted: the data plane has no symbols")
    return modules, int(printed)


def instructions_by_module(profile: str) -> Counter[str]:
    """Of callgrind's output: the self cost of each object file, by a name for people."""
    names: dict[str, str] = {}
    found: Counter[str] = Counter()
    current, skip = "", False
    for line in profile.splitlines():
        if name := _NAME.match(line):
            kind, number, text = name.groups()
            if kind in ("ob", "cob") and text:
                names[number] = text
            if kind == "ob":
                current = names[number]
        elif line.startswith("calls="):
            skip = True  # the next line is the cost inside of the called function, which has lines of its own
        elif cost := _COST.match(line):
            if not skip:
                found[module_name(current)] += int(cost[1])
            skip = False
    return found


def module_name(path: str) -> str:
    """`forward` for sfu/dataplane/forward….so, `libcrypto` for libcrypto….so.3."""
    name = Path(path).name.partition(".")[0]
    if name.startswith("_binding"):
        return "libsrtp"
    return name.partition("-")[0] or "?"


def table(found: dict[str, Any]) -> str:
    rows = []
    for kind, measured in found["kinds"].items():
        head = f"{measured['instructions_per_packet']:,.0f} instructions a packet to {found['receivers']} receivers"
        times = f"{measured['us_per_packet']:.2f} µs without the kernel, {measured['cold_us_per_packet']:.2f} with cold caches"
        rows.append((kind, f"{head}, {times}"))
        for name, count in measured["modules"].items():
            share = count / measured["instructions_per_packet"]
            if share >= 0.005:
                rows.append((f"  {name}", f"{count:>8,.0f}{share:>8.1%}"))
    return lines(rows)
