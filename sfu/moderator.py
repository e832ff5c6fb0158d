"""What administrators do in a room: everything is authorised, done and counted here, whichever front door it came by.

Nothing relies on a client's goodwill: what is muted is not forwarded, who is removed is out.
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sfu.dataplane.types import Kind
from sfu.errors import LocalError, PermissionDeniedError, RemoteError
from sfu.events import Asked, Declined, PermissionsChanged, RoomChanged
from sfu.ids import MessageId, ParticipantId, TrackId, WaitingId
from sfu.log import get_logger
from sfu.participant import Participant
from sfu.room import Room
from sfu.room_state import NAMED
from sfu.track import Track
from sfu.views import Source

log = get_logger(__name__)

SHARED = frozenset({Source.SCREEN, Source.SCREEN_AUDIO})

MAX_QUESTIONS = 16
"""That one person can still answer."""

Counts = Counter[tuple[str, str]]
"""(action, `done` or `denied`) → how often."""


class Moderator:
    """Somebody who acts in a room; `who` is `None` for the API, which has checked its caller. Made for one action."""

    def __init__(self, room: Room, who: Participant | None, action: str, counts: Counts) -> None:
        """`PermissionDeniedError` unless they administer the room."""
        if who is not None and not who.permissions.admin:
            counts[action, "denied"] += 1
            # Not louder: anybody may try, as often as they may say anything.
            log.debug("moderation_denied", room=room.name, participant=who.id, action=action)
            raise PermissionDeniedError("only an administrator of the room may do this")
        self._room = room
        self._who = who
        self._by = who.id if who is not None else None
        self._action = action
        self._counts = counts

    def ask(self, target: str, source: Source, muted: bool) -> None:
        """Somebody shall mute or unmute by themselves."""
        person = self._find(target)
        if self._by is None:
            raise LocalError("somebody has to ask")
        self._done(target)
        question = Asked(source, muted, self._by)
        person.questions[question] = None
        if len(person.questions) > MAX_QUESTIONS:
            del person.questions[next(iter(person.questions))]
        person.notify(question)

    def mute_track(self, track_id: str) -> None:
        """One track is forwarded no longer."""
        for person in self._room.participants.values():
            track = person.tracks.get(TrackId(track_id))
            if track is not None:
                self._done(person.id)
                self._silence([(person, [track])])
                return
        raise RemoteError("there is no such track", code="bad_request")

    def mute(self, target: str, source: Source | None) -> None:
        """All that somebody publishes of this source, or, without one, all sound."""
        person = self._find(target)
        self._done(target)
        self._silence([(person, _of(person, source))])

    def mute_all(self, source: Source) -> None:
        """Everybody who is no administrator."""
        self._done(None)
        people = [p for p in self._room.participants.values() if not p.permissions.admin and p is not self._who]
        self._silence([(person, _of(person, source)) for person in people])

    def allow(self, target: str, source: Source, allowed: bool) -> None:
        """Whether one person may turn on this source, whatever the room's state says. Who has no signalling to unmute with
        (WHIP) is unmuted by this.
        """
        person = self._find(target)
        self._done(target)
        before = person.sources
        for named in SHARED if source in SHARED else {source}:
            person.exceptions[named] = allowed
        self._rules_changed({person: before})
        if allowed and not person.may_signal:
            for track in _of(person, source):
                track.blocked = False
                self._room.track_changed(person, track)

    def promote(self, target: str) -> None:
        """Somebody else administers the room too. Where tokens say who does, nothing else may."""
        person = self._find(target)
        if not person.may_host:
            self._counts[self._action, "denied"] += 1
            raise PermissionDeniedError("who administers this room is said by their token")
        self._done(target)
        if not person.permissions.admin:
            self._room.make_admin(person)

    async def remove(self, target: str) -> None:
        """Somebody has to go. An identity does not come back by itself."""
        person = self._find(target)
        self._done(target)
        self._room.reception.remember_removed(person.identity)
        await person.leave("removed")

    def retract(self, message: MessageId) -> None:
        """Somebody's message is gone for everybody. `RemoteError`."""
        if self._who is None:
            raise LocalError("somebody has to take it back")
        said = self._room.texts.authorship.find(message)
        self._room.retract(message, self._who)
        if said is not None:
            self._done(said.sender)

    def lower_hand(self, target: str) -> None:
        person = self._find(target)
        self._done(target)
        set_hand(person, False)

    def change(self, **fields: Any) -> None:
        """Fields of `RoomState`. Whoever waits comes in when the waiting room is turned off."""
        room = self._room
        state = replace(room.state, **fields)
        if state == room.state:
            return
        self._done(None)
        before = {person: person.sources for person in room.participants.values()}
        room.state = state
        room.tell(RoomChanged(state))
        self._rules_changed(before)
        if fields.get("waiting_room") is False and room.reception.waiting:
            room.reception.admit_unless_removed()

    def admit(self, ids: Iterable[str] | None) -> int:
        """Let these in, or all. `LimitError` if the room is full."""
        self._done(None)
        return self._room.reception.admit(_ids(ids))

    def refuse(self, ids: Iterable[str] | None) -> int:
        """These, or all, do not get in."""
        self._done(None)
        return self._room.reception.refuse(_ids(ids))

    async def end(self) -> None:
        """Everybody leaves."""
        self._done(None)
        await self._room.close("closed")

    def _rules_changed(self, before: dict[Participant, frozenset[Source]]) -> None:
        """Whoever may turn on something else than before is told, and muted if need be."""
        affected = [person for person, sources in before.items() if person.sources != sources]
        for person in affected:
            person.notify(PermissionsChanged(person.permissions_view))
        self._room.tracks_silenced([(person, person.silence_forbidden(self._by)) for person in affected])

    def _silence(self, tracks: list[tuple[Participant, list[Track]]]) -> None:
        self._room.tracks_silenced([(person, person.silence(of, self._by)) for person, of in tracks])

    def _find(self, target: str) -> Participant:
        person = self._room.participants.get(ParticipantId(target))
        if person is None:
            raise RemoteError("there is no such participant", code="bad_request")
        return person

    def _done(self, target: str | None) -> None:
        self._counts[self._action, "done"] += 1
        log.info("moderation", room=self._room.name, action=self._action, by=self._by, target=target)


def decline(room: Room, person: Participant, question: Asked) -> None:
    """They will not do what they were asked; whoever asked is told, once a question. `RemoteError`."""
    if question not in person.questions:
        raise RemoteError("nobody has asked you this", code="bad_request")
    del person.questions[question]
    asker = room.participants.get(question.by)
    if asker is not None:
        asker.notify(Declined(question.source, question.muted, person.id))


def set_hand(person: Participant, raised: bool) -> None:
    """Up or down; everybody sees it."""
    room = person.room
    if room.hands.set(person.id, raised, int(time.time() * 1000)):
        room.participant_changed(person)


def _of(person: Participant, source: Source | None) -> list[Track]:
    """What somebody publishes of a source; a shared screen's sound belongs to it. What nobody named belongs to all of its kind."""
    if source is None:
        return [track for track in person.tracks.values() if track.kind is Kind.AUDIO]
    wanted = SHARED if source in SHARED else {source}
    kinds = {named.kind for named in wanted}
    return [t for t in person.tracks.values() if t.source in wanted or (t.source not in NAMED and t.kind in kinds)]


def _ids(ids: Iterable[str] | None) -> list[WaitingId] | None:
    return None if ids is None else [WaitingId(name) for name in ids]
