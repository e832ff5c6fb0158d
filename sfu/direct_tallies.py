"""What became of direct calls, counted for metrics that are read at scrape time. One for all rooms: they come and go."""

from collections import Counter

from sfu.direct_signal import Reason
from sfu.timings import Histogram


class DirectTallies:
    """Counted since the start of the server."""

    def __init__(self) -> None:
        self.takeovers: Counter[Reason] = Counter()
        """Direct calls that the server took over."""
        self.attempts: Counter[str] = Counter()
        """By outcome: `direct`, or the reason why it did not come to that."""
        self.refused: Counter[str] = Counter()
        """Messages that were not used: `stale` and `repeated` happen, the other kinds are somebody's fault."""
        self.gaps = {"audio": Histogram(), "video": Histogram()}
        """Of takeovers, as the clients measured them."""
