"""One small periodic task for what cannot be read at a moment: the lag of the event loop, the load of the workers.

It remembers a few seconds, so that scrapers do not take each other's values away.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from sfu.dataplane.types import EngineCounters

INTERVAL_S = 0.25
WINDOW_S = 15.0
"""What values are about: the usual distance of scrapes."""
SAMPLES = int(WINDOW_S / INTERVAL_S)


class Sampler:
    """`counters` gives those of every engine."""

    def __init__(self, counters: Callable[[], Sequence[EngineCounters]]) -> None:
        self._counters = counters
        self._lags: deque[float] = deque(maxlen=SAMPLES)
        self._loads: deque[tuple[tuple[int, int], ...]] = deque(maxlen=SAMPLES + 1)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    @property
    def alive(self) -> bool:
        return self._task is not None and not self._task.done()

    def worst_lag_s(self) -> float:
        """The latest wake-up of the window."""
        return max(self._lags, default=0.0)

    def busy_ratios(self) -> list[float]:
        """0 to 1 a worker, over the window."""
        if len(self._loads) < 2:
            return []
        ratios = []
        for (busy_then, then), (busy_now, now) in zip(self._loads[0], self._loads[-1], strict=False):
            elapsed = now - then
            ratios.append(min(1.0, max(0.0, (busy_now - busy_then) / elapsed)) if elapsed > 0 else 0.0)
        return ratios

    def sample(self, lag_s: float) -> None:
        """Remember one moment."""
        self._lags.append(max(0.0, lag_s))
        self._loads.append(tuple((counters.busy_us, counters.elapsed_us) for counters in self._counters()))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            self.sample(loop.time() - due)
