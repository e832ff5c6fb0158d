"""Brings a text from one participant's data channel to the others' channels of that label. `Texts` decides what may be said."""

import time
from collections.abc import Mapping

from sfu.ids import MessageId, ParticipantId
from sfu.participant import Participant
from sfu.texts import CHAT, Refused, Talker, Texts
from sfu.views import FileView


class Relay:
    """Of one room; `participants` and `files` are the room's own mappings."""

    def __init__(
        self, participants: Mapping[ParticipantId, Participant], texts: Texts, files: Mapping[str, FileView]
    ) -> None:
        self._participants = participants
        self._texts = texts
        self._files = files

    def relay(self, sender: Participant, label: str, text: str, *, chat_open: bool) -> None:
        """Deliver it, or tell the sender why not. `chat_open`: whether the room lets everybody chat."""
        may = sender.permissions
        talker = Talker(sender.id, sender.name, may.publish_data, chat_open or may.admin)
        now_s, at_ms = time.monotonic(), int(time.time() * 1000)
        accepted = self._texts.accept(
            talker, label, text, now_s=now_s, at_ms=at_ms, present=self._participants, files=self._files
        )
        if isinstance(accepted, Refused):
            if accepted.answer is not None:
                _send(sender, label, accepted.answer)
            return
        message, ref = accepted
        receivers = self._participants.values() if message.to is None else (self._participants[message.to],)
        written = message.to_json()
        delivered = sum(_send(p, label, written) for p in receivers if p is not sender)
        if ref is not None:
            _send(sender, label, message.to_json(ref=ref))
        self._texts.delivered(sender.id, delivered, now_s)

    def channel_opened(self, participant: Participant, label: str) -> None:
        """Who opens the chat gets what was said before, once a peer connection."""
        connection = participant.connection
        if label == CHAT and connection is not None and not connection.has_history:
            connection.has_history = True
            for text in self._texts.past(participant.id):
                _send(participant, label, text)

    def retract(self, message: MessageId, by: Participant) -> None:
        """Whoever got it is told that it is gone, and `by`, who knew of it. `RemoteError`."""
        retracted = self._texts.retract(message, by.id)
        if retracted is None:
            return
        said, written = retracted
        told = [person for person in self._participants.values() if person is by or said.concerns(person.id)]
        delivered = sum(_send(person, CHAT, written) for person in told)
        self._texts.delivered(by.id, delivered, time.monotonic())


def _send(participant: Participant, label: str, text: str) -> bool:
    """Whether a channel of that label took it."""
    connection = participant.connection
    return connection is not None and connection.transport.send_message(label, text)
