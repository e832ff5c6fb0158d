"""What the web server logs of requests that are none: nothing, but they are counted. All else goes to its logger as it is."""

import logging
from collections.abc import Callable

from aiohttp.http_exceptions import HttpProcessingError


class HttpLog(logging.Logger):
    """For one server; `malformed` is called for each request whose head or framing is not HTTP.

    The framework logs every one with its traceback, as an error: whoever can reach the port could fill the disk with it.
    """

    def __init__(self, malformed: Callable[[], None]) -> None:
        super().__init__("aiohttp.server")
        self.parent = logging.getLogger("aiohttp.server")
        self._malformed = malformed

    def exception(self, msg: object, *args: object, exc_info: object = True, **more: object) -> None:
        """What went wrong; `exc_info` is the error."""
        if isinstance(exc_info, HttpProcessingError):
            self._malformed()
        else:
            self.error(msg, *args, exc_info=exc_info, **more)  # type: ignore[arg-type]

    def debug(self, msg: object, *args: object, exc_info: object = None, **more: object) -> None:
        """As above: bytes that do not even begin like a request come by here."""
        if isinstance(exc_info, HttpProcessingError):
            self._malformed()
        else:
            super().debug(msg, *args, exc_info=exc_info, **more)  # type: ignore[arg-type]
