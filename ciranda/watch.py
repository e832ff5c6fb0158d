"""Everything that happens in the rooms of a server, in order, for one reader in the same program."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from sfu.observation import Observation, Observers


class ReaderTooSlowError(Exception):
    """More happened than the reader may leave unread: what it knows of the rooms is not how they are. Look anew and watch again."""


class Watch:
    """Iterate it with `async for`; it begins when it is made and ends by `close`, or with the server."""

    def __init__(self, observers: Observers, most_waiting: int) -> None:
        self._observers = observers
        self._most_waiting = most_waiting
        self._waiting: deque[Observation] = deque()
        self._changed = asyncio.Event()
        self._closed = False
        self._overrun = False
        observers.add(self._take, self.close)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Observation:
        """`ReaderTooSlowError` once, after what came before it."""
        while not self._waiting:
            if self._overrun:
                self._overrun = False
                raise ReaderTooSlowError(f"{self._most_waiting} events were waiting to be read")
            if self._closed:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is added any more; what waits can still be read. Safe to call twice."""
        self._closed = True
        self._observers.remove(self._take)
        self._changed.set()

    def _take(self, observation: Observation) -> None:
        if len(self._waiting) >= self._most_waiting:
            self._overrun = True
            self.close()
            return
        self._waiting.append(observation)
        self._changed.set()
