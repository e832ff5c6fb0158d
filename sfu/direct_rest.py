"""How long a direct path that did not do is left alone: twice as long each time, until one does or something else is tried.

Sans-IO; times are seconds of any steady clock.
"""


class Rest:
    """One for the direct calls of a room."""

    def __init__(self, first_s: float, most_s: float) -> None:
        self.until = 0.0
        """Nothing is tried before."""
        self._first_s = first_s
        self._most_s = max(first_s, most_s)
        self._next_s = first_s
        self._broken = False

    def fail(self, now: float) -> None:
        """An attempt came to nothing, or a path that was taken does not do."""
        self.until = now + self._next_s
        self._next_s = min(2 * self._next_s, self._most_s)

    def broke(self, now: float, after_s: float) -> None:
        """A path that did was dead after so long. That happens, and the next one may do; one after the other it does not."""
        if after_s >= self._first_s:
            self.end(now)
        elif self._broken:
            self.fail(now)
        self._broken = True

    def lasted(self, now: float, after_s: float) -> None:
        """A path that did was left for another reason after so long."""
        if after_s >= self._first_s:
            self.end(now)

    def end(self, now: float) -> None:
        """The next path is another one."""
        self.until = now
        self._next_s = self._first_s
        self._broken = False
