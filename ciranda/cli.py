"""The command line: flags → settings → server → run until told to stop."""

import argparse
import asyncio
import contextlib
import http.client
import json
import resource
import signal
import sys
import urllib.parse
from collections.abc import Sequence
from typing import Any

import uvloop
from pydantic import ValidationError

from ciranda import token
from ciranda.logging import configure_logging
from ciranda.server import Server
from sfu.config import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """`ciranda serve …`, `… health`, `… token` or `… bench`. Exit code: 0, 1 (cannot listen, not healthy), 2 (settings)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["bench"]:
        return _bench(given[1:])
    if given[:1] == ["token"]:
        return token.main(given[1:])
    chosen = vars(_parser().parse_args(given))
    if chosen.pop("command") == "health":
        return _health(chosen["url"])
    try:
        settings = Settings(**{name: value for name, value in chosen.items() if value is not None})
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            flag = "--" + ".".join(map(str, problem["loc"])).replace("_", "-") if problem["loc"] else "settings"
            print(f"ciranda: {flag}: {problem['msg'].removeprefix('Value error, ')}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"ciranda: {error}", file=sys.stderr)
        return 2
    configure_logging(settings)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ciranda", description="A Selective Forwarding Unit for WebRTC: one process, one media port."
    )
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
    return parser


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
