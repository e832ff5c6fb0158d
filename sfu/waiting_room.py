"""Those who wait to be let into a room, in the order in which they came. Pure; the caller says what time it is.

It decides nothing: the room asks who waits, and tells them what an administrator decided. Bounded in number and in time.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sfu.errors import LimitError
from sfu.events import Closed, Listener
from sfu.ids import WaitingId, new_waiting_id
from sfu.permissions import JoinRequest
from sfu.views import WaitingView


@dataclass(slots=True, eq=False)
class Waiting:
    """One who waits. `listener` is `None` while the socket is lost."""

    id: WaitingId
    request: JoinRequest
    resume_token: str
    since_s: float
    """Monotonic."""
    view: WaitingView
    listener: Listener | None
    lost_s: float | None = None
    """Monotonic: since when there is no listener."""


class WaitingRoom:
    """`limit`: how many may wait, `of_one`: from one address; `wait_s`: how long; `resume_s`: how long without a listener."""

    def __init__(self, limit: int, *, of_one: int, wait_s: float, resume_s: float) -> None:
        self._limit, self._of_one = limit, of_one
        self._wait_s, self._resume_s = wait_s, resume_s
        self._waiting: dict[WaitingId, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Waiting]:
        """In the order in which they came; it may change meanwhile."""
        return iter(tuple(self._waiting.values()))

    @property
    def view(self) -> tuple[WaitingView, ...]:
        return tuple(waiting.view for waiting in self._waiting.values())

    def add(self, request: JoinRequest, listener: Listener, *, removed: bool, now_s: float, at_ms: int) -> Waiting:
        """Somebody comes. `LimitError` (`waiting_room_full`)."""
        if len(self._waiting) >= self._limit:
            raise LimitError(f"{self._limit} wait to be let in already", code="waiting_room_full")
        neighbours = sum(w.request.address == request.address for w in self._waiting.values())
        if request.address is not None and neighbours >= self._of_one:
            raise LimitError(f"{neighbours} of your address wait to be let in already", code="waiting_room_full")
        name = new_waiting_id()
        view = WaitingView(name, request.name, at_ms, removed)
        waiting = Waiting(name, request, secrets.token_urlsafe(24), now_s, view, listener)
        self._waiting[name] = waiting
        return waiting

    def find(self, token: str) -> Waiting | None:
        """Whose secret this is."""
        given = token.encode()
        return next((w for w in self._waiting.values() if secrets.compare_digest(given, w.resume_token.encode())), None)

    def attach(self, waiting: Waiting, listener: Listener) -> None:
        """The socket is back, or another takes over; the old one hears `Closed("replaced")`."""
        previous, waiting.listener, waiting.lost_s = waiting.listener, listener, None
        if previous is not None:
            previous(Closed("replaced"))

    def detach(self, waiting: Waiting, now_s: float) -> None:
        """The socket was lost."""
        waiting.listener, waiting.lost_s = None, now_s

    def take(self, ids: Iterable[WaitingId] | None) -> list[Waiting]:
        """Those of these who still wait, or all, no longer wait."""
        wanted = list(self._waiting) if ids is None else ids
        return [waiting for name in wanted if (waiting := self._waiting.pop(name, None)) is not None]

    def put_back(self, waiting: Iterable[Waiting]) -> None:
        """They were taken, but there was no place: in front of those who came since."""
        self._waiting = {w.id: w for w in waiting} | self._waiting

    def take_expired(self, now_s: float) -> list[Waiting]:
        """Those who have waited long enough, or were away too long, no longer wait."""
        over = [w.id for w in self._waiting.values() if self._is_over(w, now_s)]
        return self.take(over) if over else []

    def _is_over(self, waiting: Waiting, now_s: float) -> bool:
        away = waiting.lost_s is not None and now_s - waiting.lost_s >= self._resume_s
        return away or now_s - waiting.since_s >= self._wait_s
