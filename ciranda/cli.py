"""The command line: flags → settings → server → run until told to stop."""

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import resource
import signal
import sys
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

import uvloop
from pydantic import ValidationError

from ciranda import token
from ciranda.logging import configure_logging
from ciranda.server import Server
from sfu.config import Settings
from sfu.log import get_logger
from sfu.version import version

log = get_logger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """`ciranda serve …`, `… health`, `… token` or `… bench`. Exit code: 0, 1 (cannot listen, not healthy), 2 (settings)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["bench"]:
        return _bench(given[1:])
    if given[:1] == ["token"]:
        return token.main(given[1:])
    chosen = vars(_parse(given))
    if chosen.pop("command") == "health":
        return _health(chosen["url"])
    try:
        settings = Settings(**{name: value for name, value in chosen.items() if value is not None})
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            print(f"ciranda: {_explained(problem)}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"ciranda: {error}", file=sys.stderr)
        return 2
    configure_logging(settings)
    if unknown := _unknown_variables():
        log.warning("unknown_environment", variables=unknown)
    _allow_many_sockets()
    try:
        uvloop.run(_serve(settings))
    except OSError as error:
        print(f"ciranda: cannot listen: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Server(settings) as server:
        print(json.dumps({"event": "ready", "http": server.url, "media": server.media}), flush=True)
        with contextlib.suppress(asyncio.CancelledError):
            await stop.wait()


def _explained(problem: Mapping[str, Any]) -> str:
    """A problem of pydantic's in the words of flags."""
    name = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        return f"config: there is no setting {name}"
    flag = "--" + name.replace("_", "-") if name else "settings"
    return f"{flag}: {problem['msg'].removeprefix('Value error, ')}"


def _unknown_variables() -> list[str]:
    """Misspelt, perhaps. No more than a warning: Kubernetes makes such variables of every service's name."""
    known = {f"CIRANDA_{name.upper()}" for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.upper().startswith("CIRANDA_") and name.upper() not in known)


def _allow_many_sockets() -> None:
    """Every waiting HTTP connection is a file; the soft limit is often 1,024 where the hard one is far higher."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _bench(given: list[str]) -> int:
    """The benchmarks have flags, and modules, of their own: a server loads none of them."""
    from benchmarks.cli import main as bench

    _allow_many_sockets()
    return bench(given)


def _health(url: str) -> int:
    """Ask a running server whether it is alive: the health check of the image."""
    try:
        address = urllib.parse.urlsplit(url)
        connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = connect(address.netloc, timeout=2)
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
        print(f"ciranda: {url} answers {status}")
        return 0 if status == http.HTTPStatus.OK else 1
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"ciranda: {url} does not answer: {error}", file=sys.stderr)
        return 1


def _parse(given: Sequence[str]) -> argparse.Namespace:
    """A flag that nobody knows is reported with the flags of its command, not with the list of commands."""
    parser, commands = _parser()
    chosen, unknown = parser.parse_known_args(given)
    if unknown:
        commands[chosen.command].error(f"unrecognized arguments: {' '.join(unknown)}")
    return chosen


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The whole, and the parser of each command."""
    parser = argparse.ArgumentParser(
        prog="ciranda", description="A Selective Forwarding Unit for WebRTC: one process, one media port."
    )
    parser.add_argument("--version", action="version", version=f"ciranda {version()}")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="run the server",
        description="Run the server. Every flag can also be set by the environment (CIRANDA_HTTP_PORT=…) "
        "or in a TOML file (http_port = …) named by --config.",
    )
    for name, field in Settings.model_fields.items():
        serve.add_argument("--" + name.replace("_", "-"), dest=name, **_flag(field))
    health = commands.add_parser("health", help="ask a running server whether it is alive")
    commands.add_parser("token", help="make a token for somebody (`ciranda token --help`)", add_help=False)
    commands.add_parser("bench", help="measure a server (`ciranda bench --help`)", add_help=False)
    health.add_argument("--url", default="http://127.0.0.1:8080", help="where it is (default: %(default)s)")
    return parser, {"serve": serve, "health": health}


def _flag(field: Any) -> dict[str, Any]:
    """Arguments of `add_argument` for a setting. Values stay text: the settings class checks and converts them."""
    text = field.description
    if field.default not in (None, (), False):
        text = f"{text} (default: {','.join(field.default) if isinstance(field.default, tuple) else field.default})"
    common: dict[str, Any] = {"help": text, "default": argparse.SUPPRESS}
    if field.default is False:
        return common | {"action": "store_true"}
    if field.default is True:
        return common | {"action": argparse.BooleanOptionalAction}
    if isinstance(field.default, tuple):
        return common | {"action": "append", "metavar": "VALUE"}
    return common | {"metavar": "VALUE"}
