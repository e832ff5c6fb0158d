"""Raised hands in the order in which they went up. Pure; the caller says what time it is."""

from sfu.ids import ParticipantId


class Hands:
    """Of one room."""

    def __init__(self) -> None:
        self._raised_ms: dict[ParticipantId, int] = {}
        self._last_ms = 0

    def raised_ms(self, who: ParticipantId) -> int | None:
        """Since when it is up, milliseconds since 1970; `None`: it is not."""
        return self._raised_ms.get(who)

    def set(self, who: ParticipantId, raised: bool, now_ms: int) -> bool:
        """Raise or lower; whether that is new. No two went up at the same time, so that the times alone give the order."""
        if raised == (who in self._raised_ms):
            return False
        if raised:
            self._last_ms = max(now_ms, self._last_ms + 1)
            self._raised_ms[who] = self._last_ms
        else:
            del self._raised_ms[who]
        return True
