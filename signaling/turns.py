"""Whose message is handled next: in each round of the event loop one message of all sockets begins.

A message of a crowded room costs milliseconds, and thousands may come at once. Handled as they come they would all run before the
loop looks at anything else again: the handshakes, checks and data channels of everybody would wait for seconds. One a round, the
loop comes by everything in between. Those go first whose messages have cost least lately: a busy crowd holds up no quiet one.
"""

import asyncio
import heapq
import itertools


class Turns:
    """Of one server."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._free = True

    async def take(self, spent_s: float) -> None:
        """Wait for a turn. `spent_s`: what the caller has cost lately; the less, the sooner."""
        loop = asyncio.get_running_loop()
        if self._free:
            self._free = False
            loop.call_soon(self._next)
            return
        turn = loop.create_future()
        heapq.heappush(self._waiting, (spent_s, next(self._numbers), turn))
        await turn

    def _next(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():  # else its socket was lost meanwhile
                turn.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._free = True
