"""A room's door: who comes in, who waits, who is turned away. The room says how one enters and tells administrators.

Knows neither room nor participants, only what it is given. What it holds is bounded: those who wait, and those who were removed.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from sfu.config import Settings
from sfu.errors import LimitError, PermissionDeniedError
from sfu.events import Admitted, Closed, Listener, TurnedAway, WaitingListChanged
from sfu.ids import ParticipantId, WaitingId
from sfu.permissions import JoinRequest
from sfu.room_state import RoomState
from sfu.waiting_room import Waiting, WaitingRoom

TELL_INTERVAL_S = 0.25
"""Between two lists of those who wait: a crowd at the door costs administrators four messages a second, not one each."""
MAX_REMOVED = 10_000
"""Identities that were removed and may not come back by themselves; beyond it the oldest is forgotten."""

Enter = Callable[[JoinRequest, Listener | None, str], ParticipantId]
"""Let somebody in whose resume token is this. `LimitError` (`room_full`)."""


class Reception:
    """Of one room. `tell` sends a list to the administrators, if there are any; `now` is a monotonic clock, in seconds."""

    def __init__(
        self,
        settings: Settings,
        *,
        enter: Enter,
        tell: Callable[[WaitingListChanged], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.waiting = WaitingRoom(
            settings.max_waiting,
            of_one=settings.max_waiting_per_address,
            wait_s=settings.waiting_seconds,
            resume_s=settings.resume_seconds,
        )
        self._enter, self._tell = enter, tell
        self._removed: dict[str, None] = {}
        self._changed = False
        self._told_s = float("-inf")
        self._now = now

    def must_wait(self, request: JoinRequest, state: RoomState) -> bool:
        """Whether an administrator has to let them in. `PermissionDeniedError` (`room_locked`)."""
        if request.permissions.admin:
            return False
        if state.locked:
            raise PermissionDeniedError("the room is locked: nobody new gets in", code="room_locked")
        return state.waiting_room or request.identity in self._removed

    def wait(self, request: JoinRequest, listener: Listener) -> Waiting:
        """Somebody waits from now on. `LimitError` (`waiting_room_full`)."""
        now_s = self._now()
        removed = request.identity in self._removed
        waiting = self.waiting.add(request, listener, removed=removed, now_s=now_s, at_ms=int(time.time() * 1000))
        self._list_changed(now_s)
        return waiting

    def remember_removed(self, identity: str | None) -> None:
        """Who has an identity does not come back without being let in; without one there is nobody to know again."""
        if identity is not None:
            self._removed.pop(identity, None)
            self._removed[identity] = None
            if len(self._removed) > MAX_REMOVED:
                del self._removed[next(iter(self._removed))]

    def admit(self, ids: Iterable[WaitingId] | None) -> int:
        """Let these in, or all; how many came in. `LimitError` if the room is full; who did not get in goes on waiting."""
        taken = self.waiting.take(ids)
        for number, waiting in enumerate(taken):
            try:
                participant = self._enter(waiting.request, waiting.listener, waiting.resume_token)
            except LimitError:
                self.waiting.put_back(taken[number:])
                self._list_changed(self._now())
                raise
            self._removed.pop(waiting.request.identity or "", None)
            if waiting.listener is not None:
                waiting.listener(Admitted(participant))
        if taken:
            self._list_changed(self._now())
        return len(taken)

    def admit_unless_removed(self) -> None:
        """The waiting room was turned off. As many as there is room for."""
        ids = [waiting.id for waiting in self.waiting if not waiting.view.removed]
        with suppress(LimitError):
            self.admit(ids)

    def admit_first_host(self) -> None:
        """Of those who wait, the first who may become the host."""
        first = [waiting.id for waiting in self.waiting if waiting.request.may_host][:1]
        with suppress(LimitError):
            self.admit(first)

    def refuse(self, ids: Iterable[WaitingId] | None) -> int:
        """These, or all, do not get in; how many there were."""
        return self._turn_away(self.waiting.take(ids), TurnedAway("refused", "you were not let in"))

    def withdraw(self, waiting: Waiting) -> None:
        """Somebody does not want to wait any longer."""
        if self.waiting.take([waiting.id]):
            self._list_changed(self._now())

    def close(self) -> None:
        """The room ends."""
        for waiting in self.waiting.take(None):
            if waiting.listener is not None:
                waiting.listener(Closed("closed"))

    def tick(self, now_s: float) -> None:
        """Called a few times a second, monotonic."""
        over = self.waiting.take_expired(now_s)
        self._turn_away(over, TurnedAway("waiting_timeout", "nobody let you in; try again later"))
        if self._changed:
            self._list_changed(now_s)

    def _turn_away(self, waiting: list[Waiting], why: TurnedAway) -> int:
        for one in waiting:
            if one.listener is not None:
                one.listener(why)
        if waiting:
            self._list_changed(self._now())
        return len(waiting)

    def _list_changed(self, now_s: float) -> None:
        self._changed = now_s - self._told_s < TELL_INTERVAL_S
        if not self._changed:
            self._told_s = now_s
            self._tell(WaitingListChanged(self.waiting.view))
