"""Texts of a room's data channels: what may be said, how often, and what of it is kept. It decides; the room sends.

One talker in a full room must not take the event loop from the others, so a text costs as much as it has receivers.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sfu.authorship import MAX_KNOWN, Authorship, Said
from sfu.chat import ChatMessage, Draft, parse_draft, reference
from sfu.chat_history import ChatHistory
from sfu.config import Settings
from sfu.errors import ProtocolError, RemoteError
from sfu.ids import MessageId, ParticipantId, new_message_id
from sfu.rate import Share, TokenBucket
from sfu.views import FileView

CHAT = "chat"
"""The label of the channel that has a history, private messages and files."""

DELIVERIES_PER_SECOND = 1_000.0
DELIVERY_BURST = 5_000.0
"""What one participant's texts may cost, counted in receivers: each takes 0.1 ms of the event loop, so this is a tenth of it."""


ANSWERS_PER_SECOND, ANSWER_BURST = 2.0, 20.0
"""Refusals that somebody is told of who sends more than may be, or nothing that can be read; the rest is silence: an answer
costs as much as a delivery.
"""


@dataclass(frozen=True, slots=True)
class Talker:
    """Who sends a text."""

    id: ParticipantId
    name: str
    may_send: bool
    """Data at all."""
    may_chat: bool
    """On the channel `chat`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A text goes to nobody. `answer`: what the sender is told, if anything."""

    answer: str | None = None


class Texts:
    """Of one room. `total`: where refusals are counted for all rooms."""

    def __init__(self, settings: Settings, total: Counter[str] | None = None) -> None:
        self.history = ChatHistory(settings.chat_history_messages, settings.chat_history_bytes)
        self.authorship = Authorship(max(MAX_KNOWN, settings.chat_history_messages))
        self.relayed = 0
        self.refused: Counter[str] = Counter()
        self._total = Counter() if total is None else total
        self._settings = settings
        self._rates: dict[ParticipantId, TokenBucket] = {}
        self._shares: dict[ParticipantId, Share] = {}
        self._answers: dict[ParticipantId, TokenBucket] = {}

    def enter(self, who: ParticipantId) -> None:
        """They may talk now."""
        self._rates[who] = TokenBucket(self._settings.messages_per_second, self._settings.message_burst)
        self._shares[who] = Share(DELIVERIES_PER_SECOND, DELIVERY_BURST)
        self._answers[who] = TokenBucket(ANSWERS_PER_SECOND, ANSWER_BURST)

    def leave(self, who: ParticipantId) -> None:
        """They have left."""
        self._rates.pop(who, None)
        self._shares.pop(who, None)
        self._answers.pop(who, None)

    def accept(
        self,
        talker: Talker,
        label: str,
        data: str,
        *,
        now_s: float,
        at_ms: int,
        present: Mapping[ParticipantId, object],
        files: Mapping[str, FileView],
    ) -> tuple[ChatMessage, str | None] | Refused:
        """The message to send, and the sender's reference."""
        if not talker.may_send:
            return self._turn_away(talker, "not_permitted", data, now_s)
        if self._shares[talker.id].spend(0, now_s) > 0 or not self._rates[talker.id].take(now_s):
            return self._turn_away(talker, "rate_limited", data, now_s)
        try:
            draft = parse_draft(data)
        except ProtocolError:
            return self._turn_away(talker, "malformed", data, now_s)
        if label != CHAT:
            draft = Draft(draft.text, ref=draft.ref)
        elif not talker.may_chat:
            return self._refuse("not_permitted", draft.ref)
        to = ParticipantId(draft.to) if draft.to is not None else None
        file = files.get(draft.file) if draft.file is not None else None
        if to is not None and to not in present:
            return self._refuse("no_recipient", draft.ref)
        if draft.file is not None and file is None:
            return self._refuse("no_file", draft.ref)
        if not draft.text.strip() and file is None:
            return self._refuse("malformed", draft.ref)
        message = ChatMessage(new_message_id(), talker.id, talker.name, draft.text, at_ms, to, file)
        if label == CHAT:
            self.history.add(message)
            self.authorship.add(Said(message.id, talker.id, to, draft.file, draft.ref))
        self.relayed += 1
        return message, draft.ref

    def retract(self, message: MessageId, by: ParticipantId) -> tuple[Said, str] | None:
        """Take a message of the channel `chat` back: what it was, and what those are told who got it. `None` if it is gone
        already. `RemoteError` (`bad_request`) if nobody knows of it.
        """
        said = self.authorship.find(message)
        if said is None:
            if self.authorship.is_retracted(message):
                return None
            raise RemoteError("there is no such message", code="bad_request")
        self.authorship.retract(said, by)
        self.history.remove(message)
        return said, _retraction(message, by)

    def past(self, who: ParticipantId) -> Iterator[str]:
        """What somebody is told whose chat has just opened: what was said, what was taken back, and which of it is their own."""
        for message in self.history:
            said = self.authorship.find(message.id)
            own = said is not None and said.sender == who and said.ref is not None
            yield message.to_json(history=True, **({"ref": said.ref} if said is not None and own else {}))
        for message_id, by in self.authorship.retracted_for(who):
            yield _retraction(message_id, by, history=True)

    def delivered(self, who: ParticipantId, count: int, now_s: float) -> None:
        """So many got it."""
        if (share := self._shares.get(who)) is not None:
            share.spend(count, now_s)

    def _turn_away(self, talker: Talker, reason: str, data: str, now_s: float) -> Refused:
        """Before anything is known of the text: it is looked into only where there is still an answer to give."""
        if self._answers[talker.id].take(now_s):
            return self._refuse(reason, reference(data))
        self._refuse(reason, None)
        return Refused()

    def _refuse(self, reason: str, ref: str | None) -> Refused:
        self.refused[reason] += 1
        self._total[reason] += 1
        return Refused(json.dumps({"error": reason} | ({"ref": ref} if ref is not None else {})))


def _retraction(message: MessageId, by: ParticipantId, **more: Any) -> str:
    return json.dumps({"retracted": message, "by": by} | more)
