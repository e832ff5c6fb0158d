"""HTTP connections: how many may be open, how many from one address, and until when each must have sent a request.

Owns the table and the decisions, no socket and no clock. Who sends nothing, or a request's head byte by byte, is cut after
`silent_s`; who has sent a whole head is left to the limits of what was asked for. Where all places are taken, the connection
that has been silent for longest makes place: silence alone keeps nobody out.
"""

import resource
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from signaling.client_address import Network, address_of, key_of

Cut = Callable[[], None]
"""Close the connection at once."""

REASONS = ("no_request", "made_place", "too_many", "too_many_from_address", "no_files", "tls")
"""Why connections were not taken, or cut."""

SHARE_OF_FILES = 0.75
"""Of the process's file descriptors, what HTTP connections may take: media over TCP and files that are shared need some too."""


def most_connections(wanted: int) -> int:
    """As many as the process may open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if files == resource.RLIM_INFINITY else max(1, min(wanted, int(SHARE_OF_FILES * files)))


@dataclass(frozen=True, slots=True)
class _Silent:
    """One that has not sent a whole request yet."""

    until_s: float
    cut: Cut


class Connections:
    """`most`: open at once; `most_of_one`: of one address, which a trusted proxy's is not. Times are monotonic."""

    def __init__(self, most: int, most_of_one: int, silent_s: float, proxies: Sequence[Network] = ()) -> None:
        self.most = most
        self.closed: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
        """Reason → connections."""
        self.silent_s = silent_s
        self._most_of_one = most_of_one
        self._proxies = proxies
        self._open: dict[Hashable, str | None] = {}
        self._silent: OrderedDict[Hashable, _Silent] = OrderedDict()
        self._of_one: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, who: Hashable, peer: str, cut: Cut, now_s: float) -> bool:
        """Whether a new connection from this IP address may stay. `who`: by what it is known from now on."""
        address = address_of(peer)
        proxied = address is not None and any(address in network for network in self._proxies)
        key = None if proxied else key_of(address)
        if key is not None and self._of_one[key] >= self._most_of_one:
            self.closed["too_many_from_address"] += 1
            return False
        if len(self._open) >= self.most and not self._make_place():
            self.closed["too_many"] += 1
            return False
        self._open[who] = key
        self._silent[who] = _Silent(now_s + self.silent_s, cut)
        if key is not None:
            self._of_one[key] += 1
        return True

    def heard(self, who: Hashable) -> None:
        """A whole request has come."""
        self._silent.pop(who, None)

    def leave(self, who: Hashable) -> None:
        """It has ended, whoever ended it."""
        self._silent.pop(who, None)
        key = self._open.pop(who, None)
        if key is not None:
            self._of_one[key] -= 1
            if not self._of_one[key]:
                del self._of_one[key]

    def next_time(self) -> float | None:
        """When `expire` has something to do."""
        return next(iter(self._silent.values())).until_s if self._silent else None

    def expire(self, now_s: float) -> None:
        """Cut those who have been silent for too long."""
        while (until_s := self.next_time()) is not None and until_s <= now_s:
            self._end_oldest("no_request")

    def _make_place(self) -> bool:
        if not self._silent:
            return False
        self._end_oldest("made_place")
        return True

    def _end_oldest(self, reason: str) -> None:
        who = next(iter(self._silent))
        cut = self._silent[who].cut
        self.closed[reason] += 1
        self.leave(who)
        cut()
