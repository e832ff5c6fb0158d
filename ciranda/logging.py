"""Log lines of the command: JSON or for the console, on stderr, from structlog and from the standard logging of libraries.

Only the command calls this; a program that embeds a server keeps its own logging. Values named like secrets are
blacked out here once more, whoever logged them.
"""

import logging
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from sfu.config import Settings

SECRETS = re.compile(r"token|secret|passw|pwd|authorization|cookie|(?:^|_)sdp(?:_|$)|api_key", re.IGNORECASE)
LIBRARIES = ("aiohttp", "aiortc", "aioice", "asyncio", "pyee")
"""Never below a warning: their debug lines hold whole session descriptions."""


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Make the root logger write lines to `stream` (stderr)."""
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(formatter(settings.log_format))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


def formatter(log_format: str) -> logging.Formatter:
    """`json`: one object a line. Anything else: for people."""
    render: list[Processor]
    if log_format == "json":
        render = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        render = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            black_out,
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
    )


def black_out(_logger: WrappedLogger, _method: str, values: EventDict) -> EventDict:
    """No value whose name sounds like a secret gets through."""
    return {key: "***" if key != "event" and SECRETS.search(key) else value for key, value in values.items()}
