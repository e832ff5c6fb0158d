"""`goals`: every figure that the project set itself, each measured by its command, beside what was aimed at.

Some minutes in all; `--only` names single ones. Ratios are to the plain sendmmsg floor of the same run.
"""

import argparse
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from benchmarks import cli
from benchmarks.progress import Progress
from benchmarks.report import lines
from benchmarks.target import TargetError

Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """One row."""

    name: str
    text: str
    command: tuple[str, ...]
    """Of `ciranda bench`."""
    figure: Callable[[Found], float | None]
    aim: float
    at_most: bool = True
    unit: str = ""

    def reached(self, figure: float) -> bool:
        return figure <= self.aim if self.at_most else figure >= self.aim


def _server(name: str, scale: float = 1.0) -> Callable[[Found], float | None]:
    return lambda found: found["server"][name] * scale if found["server"] is not None else None


LOAD = ("load", "--receivers", "100", "--seconds", "8")
AUDIO = ("load", "--rooms", "10", "--people", "10", "--pattern", "audio", "--size", "100", "--seconds", "8")
JOINS = ("joins", "--receivers", "100", "--joins", "400")
OVERLOAD = ("overload", "--seconds", "4")

GOALS = (
    Goal("even", "CPU a packet, evenly spaced, to the floor", LOAD, lambda f: f.get("ratio_to_floor"), 1.25),
    Goal("burst", "the same, 10-packet frames at once", (*LOAD, "--pattern", "burst"), lambda f: f.get("ratio_to_floor"), 0.9),
    Goal("growth", "growth of that cost from 10 to 1,000 receivers", ("growth", "--receivers", "10", "--receivers", "1000"),
         lambda f: f["growth"], 0.15),
    Goal("audio", "audio, 10 rooms of 10 who all speak, to the floor", AUDIO, lambda f: f.get("ratio_to_floor"), 1.4),
    Goal("p50", "latency added, p50", LOAD, lambda f: f["latency_us"]["p50"], 150, unit=" µs"),
    Goal("p99", "latency added, p99", LOAD, lambda f: f["latency_us"]["p99"], 500, unit=" µs"),
    Goal("janus", "CPU a packet, to Janus", ("peers", "--receivers", "100", "--seconds", "8"), lambda f: f["ratio"], 0.2),
    Goal("joins", "joins a second of the server's core", JOINS,
         lambda f: 1000 / f["server_ms_a_join"] if f["server_ms_a_join"] else None, 200, at_most=False),
    Goal("joins-wall", "joins a second by the clock", JOINS, lambda f: f["per_second"], 200, at_most=False),
    Goal("joins-loss", "packets lost by who received meanwhile", JOINS, lambda f: f["lost"], 0),
    Goal("memory", "RSS a subscriber", LOAD, _server("rss_bytes_per_client", 1e-3), 200, unit=" kB"),
    Goal("idle", "CPU of 1,000 connected, nothing published", ("idle", "--receivers", "1000", "--seconds", "8"),
         lambda f: f.get("cpu_share"), 0.02),
    Goal("workers", "two workers to one, until the machine is full", ("workers",),
         lambda f: f.get("ratio"), 1.8, at_most=False),
    Goal("answers", "slowest answer in overload", OVERLOAD,
         lambda f: max(answer["slowest"] for answer in f["answers_ms"].values()), 100, unit=" ms"),
    Goal("recovery", "recovery from overload", OVERLOAD, lambda f: f["recovery_s"], 1.0, unit=" s"),
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names = [goal.name for goal in GOALS]
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"repeatable: {', '.join(names)}"
    )


async def run(options: argparse.Namespace, progress: Progress) -> Found:
    wanted = [goal for goal in GOALS if not options.only or goal.name in options.only]
    # Janus' network is one that this process cannot leave again.
    wanted.sort(key=lambda goal: goal.command[0] == "peers")
    runs: dict[tuple[str, ...], Found | str] = {}
    rows = []
    for goal in wanted:
        if goal.command not in runs:
            progress.say(f"ciranda bench {' '.join(goal.command)}")
            runs[goal.command] = await _run(goal.command, progress)
        found = runs[goal.command]
        figure = goal.figure(found) if isinstance(found, dict) else None
        unfit = found.get("unfit", []) if isinstance(found, dict) else [found]
        rows.append(
            {
                "name": goal.name,
                "text": goal.text,
                "figure": figure,
                "aim": goal.aim,
                "at_most": goal.at_most,
                "unit": goal.unit,
                "reached": figure is not None and goal.reached(figure),
                "unfit": unfit,
            }
        )
    commands = {" ".join(command): found for command, found in runs.items()}
    return {"goals": rows, "runs": commands, "failures": []}


async def _run(command: tuple[str, ...], progress: Progress) -> Found | str:
    module, options = cli.parse(command)
    runner: Coroutine[Any, Any, Found] = module.run(options, progress)
    try:
        found = await runner
    except TargetError as error:
        return f"could not be measured: {error}"
    progress.end()
    print(module.table(found), end="\n\n")
    return found


def table(found: Found) -> str:
    rows = []
    for goal in found["goals"]:
        figure, aim = goal["figure"], f"{'≤' if goal['at_most'] else '≥'} {goal['aim']:g}{goal['unit']}"
        said = f"{figure:.3g}{goal['unit']}" if figure is not None else "not measured"
        missed = "" if figure is None or not goal["aim"] else f", {figure / goal['aim'] - 1:+.0%}"
        verdict = "reached" if goal["reached"] else f"MISSED{missed}"
        doubt = f"  (unfit: {'; '.join(goal['unfit'])})" if goal["unfit"] else ""
        rows.append((goal["name"], f"{goal['text']:<52}{said:>14}  {aim:<10} {verdict}{doubt}"))
    return lines(rows)
