"""Loggers with bound values (`log.bind(room=…).info("joined", name=…)`) on top of standard logging.

It configures nothing: a program that embeds Ciranda gets ordinary log records (values in `record.__dict__`) and
decides what becomes of them; `ciranda.logging` makes lines of them for the command. Tokens, SDP and passwords are
never values.
"""

import logging
from typing import cast

import structlog
from structlog.stdlib import BoundLogger, filter_by_level, render_to_log_kwargs
from structlog.typing import EventDict, WrappedLogger

RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""Attributes of a log record, which a value must not overwrite (`KeyError` in standard logging)."""


def _rename_reserved(_logger: WrappedLogger, _method: str, values: EventDict) -> EventDict:
    keep = ("event", "exc_info", "stack_info", "stacklevel")
    return {f"{key}_" if key in RESERVED and key not in keep else key: value for key, value in values.items()}


def get_logger(name: str) -> BoundLogger:
    """A logger that writes to `logging.getLogger(name)`."""
    logger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            filter_by_level,
            structlog.contextvars.merge_contextvars,
            _rename_reserved,
            render_to_log_kwargs,
        ],
        wrapper_class=BoundLogger,
        context_class=dict,
        cache_logger_on_first_use=False,
    )
    return cast(BoundLogger, logger)
