"""When to call whom: a heap of deadlines, one live entry an owner. It reads no clock and calls nobody itself.

Deadlines mostly move later (every connectivity check puts consent off), so an entry is left where it is and the owner is
asked for its real deadline when the entry comes up: a check costs the heap nothing.
"""

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

SPARE_ENTRIES = 64
"""Dead entries beyond as many as there are live ones, before the heap is made anew."""

Owner = TypeVar("Owner", bound=Hashable)


class TimerQueue(Generic[Owner]):
    """Times are seconds of any one monotonic clock."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Owner]] = []
        self._live: dict[Owner, tuple[float, int]] = {}
        self._number = 0

    def __len__(self) -> int:
        """Entries, dead ones included."""
        return len(self._heap)

    def call_by(self, owner: Owner, when: float) -> None:
        """Have `owner` come up at `when` or before; a no-op if it does already."""
        live = self._live.get(owner)
        if live is not None and live[0] <= when:
            return
        self._number += 1
        self._live[owner] = (when, self._number)
        heapq.heappush(self._heap, (when, self._number, owner))

    def forget(self, owner: Owner) -> None:
        """`owner` comes up no more."""
        self._live.pop(owner, None)
        if len(self._heap) > SPARE_ENTRIES + 2 * len(self._live):
            self._heap = [(when, number, owner) for owner, (when, number) in self._live.items()]
            heapq.heapify(self._heap)

    def next_time(self) -> float | None:
        """The earliest live deadline."""
        while self._heap:
            when, number, owner = self._heap[0]
            if self._live.get(owner) == (when, number):
                return when
            heapq.heappop(self._heap)
        return None

    def pop_due(self, now: float, limit: int) -> list[Owner]:
        """At most `limit` owners whose time has come, the earliest first. They have no entry any more."""
        due: list[Owner] = []
        while len(due) < limit and (when := self.next_time()) is not None and when <= now:
            owner = heapq.heappop(self._heap)[2]
            del self._live[owner]
            due.append(owner)
        return due
