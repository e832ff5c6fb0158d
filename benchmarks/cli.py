"""`ciranda bench …` and `python -m benchmarks …`: one command a file, one line here for each.

A command is a module with `add_arguments(parser)`, `async run(options, progress)`, which gives values for JSON, `table(found)`,
which gives their text for people, and, where there is something to draw, `plot(found)`, which gives a matplotlib figure. What is
found under `failures` makes the exit code 1; what is under `unfit` says why the figures should not be quoted.
"""

import argparse
import asyncio
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import uvloop

from benchmarks.endpoint import ConnectError
from benchmarks.progress import Progress
from benchmarks.target import TargetError

COMMANDS = {
    "load": ("benchmarks.load", "publishers and receivers, their loss, latency and what they cost the server"),
    "ramp": ("benchmarks.ramp", "more and more of them, until something breaks"),
    "joins": ("benchmarks.joins", "people join while others receive"),
    "idle": ("benchmarks.idle", "many are connected and nothing is published"),
    "growth": ("benchmarks.growth", "the cost of a packet with ever more receivers"),
    "workers": ("benchmarks.workers", "two workers beside one"),
    "overload": ("benchmarks.overload", "twice what it carries: drops, answers, recovery"),
    "peers": ("benchmarks.peers", "the same load on Janus, or another server, in turn"),
    "page": ("benchmarks.page", "what a person waits for in Chromium: first paint, connected, first picture"),
    "goals": ("benchmarks.goals", "every figure that was aimed at, and whether it is reached (minutes)"),
    "micro": ("benchmarks.micro", "stages of the data plane in instructions a packet (valgrind)"),
    "limit": ("benchmarks.limit", "what this machine can do at best: libsrtp and sendmmsg, no server"),
}
"""Name → (module, help)."""

DEFAULT = "load"


class Command(Protocol):
    """What a command's module has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    async def run(self, options: argparse.Namespace, progress: Progress) -> dict[str, Any]: ...
    def table(self, found: dict[str, Any]) -> str: ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, 1 (measured, but something failed), 2 (could not be measured)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given.insert(0, DEFAULT)
    command, options = parse(given)
    if options.plot is not None and not hasattr(command, "plot"):
        print(f"ciranda bench: {options.command} has nothing to plot", file=sys.stderr)
        return 2
    progress = Progress(sys.stderr)
    try:
        found = uvloop.run(command.run(options, progress))
    except (ConnectError, TargetError, OSError) as error:
        progress.end()
        print(f"ciranda bench: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        progress.end()
        return 130
    progress.end()
    print(command.table(found))
    for failure in found.get("failures", ()):
        print(f"FAILED         {failure}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if options.plot:
        return _plot(command, found, options.plot)
    return 1 if found.get("failures") else 0


def parse(given: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    """The command's module and its flags."""
    options = _parser(given[0]).parse_args(given)
    return _command(options.command), options


def _plot(command: Command, found: dict[str, Any], path: Path) -> int:
    try:
        import matplotlib as mpl
    except ImportError:
        print("ciranda bench: --plot needs matplotlib: pip install 'ciranda[bench]'", file=sys.stderr)
        return 2
    mpl.use("svg")
    command.plot(found).savefig(path)  # type: ignore[attr-defined]  # optional in a command; asked for before the run
    return 1 if found.get("failures") else 0


def _command(name: str) -> Command:
    return cast(Command, importlib.import_module(COMMANDS[name][0]))


def _parser(chosen: str) -> argparse.ArgumentParser:
    """Only the chosen command's module is loaded: the others' flags are not needed to list them."""
    parser = argparse.ArgumentParser(
        prog="ciranda bench",
        description="Measure a server that is started for it, or a running one (--server). "
        f"Without a command: {DEFAULT}.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        command.add_argument("--json", type=Path, metavar="FILE", help="write what was found here")
        command.add_argument("--plot", type=Path, metavar="FILE", help="draw it here, .svg or .png (needs matplotlib)")
        if name == chosen:
            _command(name).add_arguments(command)
    return parser
