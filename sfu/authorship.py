"""Who said what lately in a room, so that it can be taken back: ids, never texts. Pure.

What was taken back is remembered as well: whoever was cut off at that moment hears of it with the history.
"""

from dataclasses import dataclass

from sfu.ids import MessageId, ParticipantId

MAX_KNOWN = 500
"""Newest messages of a room that can be taken back: as many as a page keeps."""

MAX_RETRACTED = 100
"""Newest retractions that those hear of who come back."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message, without what it says."""

    id: MessageId
    sender: ParticipantId
    to: ParticipantId | None = None
    """The only one who got it."""
    file: str | None = None
    """Id of the file that it announced."""
    ref: str | None = None
    """By which its sender knows it."""

    def concerns(self, who: ParticipantId) -> bool:
        """Whether they may know that it was there."""
        return self.to is None or who in (self.sender, self.to)


class Authorship:
    """Of one room."""

    def __init__(self, max_known: int = MAX_KNOWN) -> None:
        self._max_known = max_known
        self._said: dict[MessageId, Said] = {}
        self._retracted: dict[MessageId, tuple[Said, ParticipantId]] = {}

    def add(self, said: Said) -> None:
        """It was sent; the oldest can be taken back no longer."""
        self._said[said.id] = said
        if len(self._said) > self._max_known:
            del self._said[next(iter(self._said))]

    def find(self, message: MessageId) -> Said | None:
        """What can still be taken back."""
        return self._said.get(message)

    def is_retracted(self, message: MessageId) -> bool:
        return message in self._retracted

    def retract(self, said: Said, by: ParticipantId) -> None:
        """It shall be as if it had not been said."""
        del self._said[said.id]
        self._retracted[said.id] = said, by
        if len(self._retracted) > MAX_RETRACTED:
            del self._retracted[next(iter(self._retracted))]

    def retracted_for(self, who: ParticipantId) -> list[tuple[MessageId, ParticipantId]]:
        """Messages and who took them back, oldest first."""
        return [(said.id, by) for said, by in self._retracted.values() if said.concerns(who)]
