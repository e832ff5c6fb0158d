"""What waits to be sent to one WebSocket. Bounded: a client that does not read is noticed, and costs nobody else anything."""

import asyncio
import time
from collections import deque

from aiohttp import web

PATIENCE_S = 0.5
"""How long sending may wait for the socket before a full queue counts against the reader."""
BURST_FACTOR = 10
"""So many times the limit is the end in any case: memory is bounded."""


class Outbox:
    """`limit`: messages that may wait for a slow reader."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._texts: deque[str] = deque()
        self._wake = asyncio.Event()
        self._sealed = False
        self._sending_since_s: float | None = None

    def put(self, text: str) -> bool:
        """Queue a text. `False`: the reader is too slow, the text is dropped. Never blocks."""
        if len(self._texts) >= self._limit and self._is_slow():
            return False
        self._texts.append(text)
        self._wake.set()
        return True

    def seal(self, last: str | None = None) -> None:
        """Nothing more comes but `last`, which always finds place."""
        if last is not None:
            self._texts.append(last)
        self._sealed = True
        self._wake.set()

    def clear(self) -> None:
        """Forget what waits."""
        self._texts.clear()

    async def send_to(self, socket: web.WebSocketResponse) -> None:
        """Send until sealed and empty, or until the socket is lost."""
        while True:
            while self._texts:
                self._sending_since_s = time.monotonic()
                try:
                    await socket.send_str(self._texts.popleft())
                except ConnectionError:
                    return
                self._sending_since_s = None
            if self._sealed:
                return
            self._wake.clear()
            await self._wake.wait()

    def _is_slow(self) -> bool:
        """A full queue is the reader's fault only if sending waits for it: a room may also have much to say at once."""
        if len(self._texts) >= BURST_FACTOR * self._limit:
            return True
        since_s = self._sending_since_s
        return since_s is not None and time.monotonic() - since_s > PATIENCE_S
