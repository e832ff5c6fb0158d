"""What a benchmark is doing now: one line that rewrites itself on a terminal, a line a step elsewhere."""

from typing import TextIO

WIDTH = 30


class Progress:
    """`say` announces a step, `show` moves its bar, `end` leaves the terminal clean."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()

    def say(self, what: str) -> None:
        """One sentence that stays."""
        self.end()
        self._out.write(what + "\n")
        self._out.flush()

    def show(self, what: str, share: float, detail: str = "") -> None:
        """`share` is 0 to 1. Nothing is written where the line could not be rewritten."""
        if self._live:
            bar = "#" * round(min(max(share, 0.0), 1.0) * WIDTH)
            self._out.write(f"\r\x1b[K{what:<12} [{bar:<{WIDTH}}] {detail}")
            self._out.flush()

    def end(self) -> None:
        """Clears the bar."""
        if self._live:
            self._out.write("\r\x1b[K")
            self._out.flush()
