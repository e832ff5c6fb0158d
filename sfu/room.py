"""A room: who is in it, and who hears and sees whom.

It announces what participants do to the others, keeps every receiver's slots filled with the tracks that matter most to
them, and relays text. Who comes in is its reception's business, what administrators do is a moderator's. A room's packets all
run through one media port. It makes no transports and touches no packets.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from sfu.config import Settings
from sfu.dataplane.types import Kind
from sfu.direct_overlay import DirectOverlay
from sfu.direct_tallies import DirectTallies
from sfu.dtls import Certificate
from sfu.errors import LimitError, PermissionDeniedError
from sfu.events import (
    Listener,
    ParticipantChanged,
    ParticipantJoined,
    ParticipantLeft,
    RoomEvent,
    SlotsChanged,
    SlotsNeeded,
    SpeakersChanged,
    TrackAdded,
    TrackChanged,
    TrackRemoved,
    WaitingListChanged,
)
from sfu.hands import Hands
from sfu.ids import ParticipantId, RoomName
from sfu.log import get_logger
from sfu.media_port import MediaPort
from sfu.participant import Participant
from sfu.permissions import JoinRequest
from sfu.reception import Reception
from sfu.room_state import RoomState
from sfu.selection import Candidate, OpenSlot, assign, missing
from sfu.speakers import SpeakerDetector
from sfu.tasks import TaskSet
from sfu.texts import CHAT, Refused, Talker, Texts
from sfu.timings import JoinTimings
from sfu.track import Track
from sfu.views import FileView, ParticipantView, Source
from sfu.waiting_room import Waiting

MAX_SLOTS_A_KIND = 16
"""Slots of one kind that a client is asked for: the tiles of a full page, and as many voices."""


class Room:
    """Made by its node; see `sfu.node.Node.join`."""

    def __init__(
        self,
        name: RoomName,
        port: MediaPort,
        *,
        certificate: Certificate,
        settings: Settings,
        timings: JoinTimings,
        on_empty: Callable[["Room"], None],
        direct: DirectTallies | None = None,
        texts_refused: Counter[str] | None = None,
    ) -> None:
        self._name = name
        self._port = port
        self.created_s = time.time()
        self.participants: dict[ParticipantId, Participant] = {}
        self.max_participants = settings.max_participants
        self.state = RoomState()
        self.hands = Hands()
        self.texts = Texts(settings, texts_refused)
        self.files: dict[str, FileView] = {}
        self.reception = Reception(settings, enter=self._admit, tell=self._tell_administrators)
        self.keep_empty_s = 0.0
        """How long it stays with nobody in it."""
        self.empty_since_s = time.monotonic()
        self._certificate = certificate
        self._settings = settings
        self._timings = timings
        self._on_empty = on_empty
        self._closing = False
        self._tasks = TaskSet()
        self._detector = SpeakerDetector()
        self.direct = DirectOverlay(name, self.participants, settings, direct or DirectTallies())
        self._log = get_logger(__name__).bind(room=name)

    @property
    def name(self) -> RoomName:
        return self._name

    @property
    def port(self) -> MediaPort:
        """Whose engine all packets of the room run through."""
        return self._port

    def join(self, request: JoinRequest, listener: Listener) -> Participant:
        """Let somebody in and announce them. `LimitError` (`room_full`), `PermissionDeniedError` (`room_locked`,
        `waiting_room`).
        """
        if self.reception.must_wait(request, self.state):
            raise PermissionDeniedError("somebody has to let you in, which needs a WebSocket", code="waiting_room")
        return self._enter(request, listener)

    def knock(self, request: JoinRequest, listener: Listener) -> Participant | Waiting:
        """As `join`, for those who can wait: `Admitted` or `TurnedAway` follows."""
        will_be_host = request.may_host and not any(p.may_host for p in self.participants.values())
        if self.reception.must_wait(request, self.state) and not will_be_host:
            return self.reception.wait(request, listener)
        return self._enter(request, listener)

    def _admit(self, request: JoinRequest, listener: Listener | None, resume_token: str) -> ParticipantId:
        participant = self._enter(request, listener, resume_token)
        if listener is None:
            participant.detach()
        return participant.id

    def _enter(self, request: JoinRequest, listener: Listener | None, resume_token: str | None = None) -> Participant:
        if self._closing:
            raise LimitError("the room is just being closed; try again")
        if len(self.participants) >= self.max_participants:
            raise LimitError(f"the room has its {self.max_participants} participants", code="room_full")
        participant = Participant(
            self,
            request,
            listener,
            resume_token=resume_token,
            certificate=self._certificate,
            settings=self._settings,
            timings=self._timings,
            tasks=self._tasks,
        )
        self.participants[participant.id] = participant
        self.texts.enter(participant.id)
        self._find_host(newcomer=participant)
        if not participant.hidden:
            self._announce(participant, ParticipantJoined(participant.view))
        self._log.info("joined", participant=participant.id, hidden=participant.hidden)
        self.direct.refresh()
        return participant

    def remove(self, participant: Participant, reason: str) -> None:
        """Take somebody out: their tracks leave all slots, the others are told. Called by `Participant.leave`."""
        if self.participants.pop(participant.id, None) is None:
            return
        self.texts.leave(participant.id)
        self.hands.set(participant.id, False, 0)
        self._detector.forget(participant.id)
        if participant.tracks and not self._closing:
            self._refill(self.participants.values())
        if not participant.hidden and not self._closing:
            self._announce(participant, ParticipantLeft(participant.id, reason))
        self._log.info("left", participant=participant.id, reason=reason)
        if not self._closing:
            self._find_host()
        self.direct.refresh()
        if not self.participants:
            self.empty_since_s = time.monotonic()
            self._on_empty(self)

    def others(self, participant: Participant) -> tuple[ParticipantView, ...]:
        """Everybody else who is not hidden, in the order in which they came."""
        return tuple(p.view for p in self.participants.values() if p is not participant and not p.hidden)

    @property
    def speakers(self) -> tuple[ParticipantId, ...]:
        return self._detector.speakers

    def tracks_changed(self, participant: Participant, added: Sequence[Track], removed: Sequence[Track]) -> None:
        """An offer of `participant` took effect."""
        for track in removed:
            self._announce(participant, TrackRemoved(participant.id, track.id))
        for track in added:
            self._announce(participant, TrackAdded(participant.id, track.view))
        if added or removed:
            self._refill(p for p in self.participants.values() if p is not participant)

    def track_changed(self, participant: Participant, track: Track) -> None:
        """It was muted or unmuted."""
        self._announce(participant, TrackChanged(participant.id, track.view))
        self._refill(p for p in self.participants.values() if p is not participant)
        self.direct.refresh()

    def presence_changed(self, participant: Participant, *, interrupted: bool = False) -> None:
        """Their signalling or their media connection came or went; `interrupted`: it moves to another socket."""
        if interrupted:
            self.direct.interrupt(participant)
        else:
            self.direct.refresh()

    def tracks_silenced(self, silenced: Sequence[tuple[Participant, Sequence[Track]]]) -> None:
        """These are forwarded no longer."""
        for participant, tracks in silenced:
            for track in tracks:
                self._announce(participant, TrackChanged(participant.id, track.view))
        if any(tracks for _, tracks in silenced):
            self._refill(self.participants.values())
        self.direct.refresh()

    def participant_changed(self, participant: Participant) -> None:
        """Their part or their hand, which they see like the others."""
        if not participant.hidden:
            self._announce(None, ParticipantChanged(participant.view))

    def tell(self, event: RoomEvent) -> None:
        """Everybody."""
        self._announce(None, event)

    def slots_changed(self, participant: Participant) -> None:
        """The slots of `participant`, or what they want to see, changed."""
        self._refill((participant,), always_tell=True)

    def relay(self, participant: Participant, label: str, text: str) -> None:
        """Text from a data channel, to everybody else's channel of that label."""
        may = participant.permissions
        talker = Talker(participant.id, participant.name, may.publish_data, self.state.chat or may.admin)
        now_s, at_ms = time.monotonic(), int(time.time() * 1000)
        accepted = self.texts.accept(
            talker, label, text, now_s=now_s, at_ms=at_ms, present=self.participants, files=self.files
        )
        if isinstance(accepted, Refused):
            if accepted.answer is not None:
                _send(participant, label, accepted.answer)
            return
        message, ref = accepted
        receivers = self.participants.values() if message.to is None else (self.participants[message.to],)
        written = message.to_json()
        delivered = sum(_send(p, label, written) for p in receivers if p is not participant)
        if ref is not None:
            _send(participant, label, message.to_json(ref=ref))
        self.texts.delivered(participant.id, delivered, now_s)

    def channel_opened(self, participant: Participant, label: str) -> None:
        """Who opens the chat gets what was said before, once a peer connection."""
        connection = participant.connection
        if label == CHAT and connection is not None and not connection.has_history:
            connection.has_history = True
            for message in self.texts.history:
                _send(participant, label, message.to_json(history=True))

    def tick(self, now_s: float) -> None:
        """Called every 100 ms, monotonic."""
        self.reception.tick(now_s)
        if not self.participants and now_s - self.empty_since_s >= self.keep_empty_s and not self.reception.waiting:
            self.keep_empty_s = 0.0
            self._on_empty(self)

    def hear(self, now_ms: int, levels: Mapping[int, int]) -> None:
        """Newest audio levels by track handle (dBov, positive); called every 100 ms."""
        if not levels and self._detector.silent:
            return
        loudest: dict[ParticipantId, int] = {}
        for participant in self.participants.values():
            heard = [levels[t.handle] for t in participant.tracks.values() if t.handle in levels and not t.silent]
            if heard:
                loudest[participant.id] = min(heard)
        speakers = self._detector.update(now_ms, loudest)
        if speakers is not None:
            for participant in self.participants.values():
                participant.notify(SpeakersChanged(speakers))
            self._refill(p for p in self.participants.values() if any(p.slots_requested))

    async def close(self, reason: str) -> None:
        """Everybody leaves. They are not told of each other: with many that would be most of the work."""
        self._closing = True
        self.keep_empty_s = 0.0
        try:
            for participant in list(self.participants.values()):
                await participant.leave(reason)
        finally:
            self._closing = False
        self._on_empty(self)
        await self._tasks.drain(self._settings.shutdown_seconds)

    def _find_host(self, newcomer: Participant | None = None) -> None:
        """Where nobody has tokens: the first to come administers the room, and after the last one who did, the longest there."""
        people = self.participants.values()
        heir = next((p for p in people if p.may_host), None)
        if heir is not None and not any(p.permissions.admin for p in people):
            self.make_admin(heir, tell=heir is not newcomer)
        elif heir is None and newcomer is None and (people or self.keep_empty_s):
            self.reception.admit_first_host()  # nobody is left who could let them in

    def make_admin(self, participant: Participant, *, tell: bool = True) -> None:
        """They administer the room from now on; `tell` them and the others, and them who waits."""
        participant.make_admin(tell=tell)
        self.direct.refresh()  # they may turn on what the room forbids
        if tell:
            self.participant_changed(participant)
            if self.reception.waiting:
                participant.notify(WaitingListChanged(self.reception.waiting.view))

    def _tell_administrators(self, event: WaitingListChanged) -> None:
        for participant in self.participants.values():
            if participant.permissions.admin:
                participant.notify(event)

    def _announce(self, about: Participant | None, event: RoomEvent) -> None:
        for participant in self.participants.values():
            if participant is not about:
                participant.notify(event)

    def _refill(self, receivers: Iterable[Participant], *, always_tell: bool = False) -> None:
        ranking = self._ranking()
        for receiver in receivers:
            self._fill(receiver, ranking, always_tell)

    def _fill(self, receiver: Participant, ranking: Mapping[Kind, Sequence[Track]], always_tell: bool) -> None:
        connection = receiver.connection
        if connection is None or receiver.left or not connection.role.subscribe:
            return
        slots = [
            OpenSlot(slot.mid, slot.kind, slot.track.id if slot.track else None, slot.number) for slot in receiver.slots
        ]
        most = max(MAX_SLOTS_A_KIND, len(slots))
        tracks = [track for ranked in ranking.values() for track in islice(self._wanted(receiver, ranked), most)]
        by_id = {track.id: track for track in tracks}
        candidates = [Candidate(track.id, track.owner, track.kind, (place,)) for place, track in enumerate(tracks)]
        filling = assign(slots, candidates)
        if connection.fill({mid: by_id[t] if t is not None else None for mid, t in filling.items()}) or always_tell:
            receiver.notify(SlotsChanged(tuple(slot.view for slot in receiver.slots)))
        needed = missing(slots, candidates, MAX_SLOTS_A_KIND)
        if needed != receiver.slots_requested:
            receiver.slots_requested = needed
            if any(needed):
                receiver.notify(SlotsNeeded(*needed))

    def _ranking(self) -> dict[Kind, list[Track]]:
        """All tracks, those first that matter most to everybody. Made once for all receivers: both are many."""

        def rank(track: Track) -> tuple[bool, bool, int]:
            screen = track.source in (Source.SCREEN, Source.SCREEN_AUDIO)
            return not screen, track.silent, -self._detector.spoke_ms(track.owner)

        published = (track for p in self.participants.values() for track in p.tracks.values() if not track.blocked)
        tracks = sorted(published, key=rank)
        return {kind: [track for track in tracks if track.kind is kind] for kind in Kind}

    def _wanted(self, receiver: Participant, ranked: Sequence[Track]) -> Iterator[Track]:
        """Of one kind, those that this receiver may get, in its own order: whom it has pinned comes first."""
        if receiver.pins:
            places = {owner: place for place, owner in reversed(list(enumerate(receiver.pins)))}
            ranked = sorted(ranked, key=lambda track: places.get(track.owner, len(receiver.pins)))
        return (track for track in ranked if track.owner != receiver.id and self._may_get(receiver, track))

    def _may_get(self, receiver: Participant, track: Track) -> bool:
        if receiver.only is None:
            return True
        owner = self.participants.get(track.owner)
        return owner is not None and receiver.only in (owner.id, owner.identity)


def _send(participant: Participant, label: str, text: str) -> bool:
    """Whether a channel of that label took it."""
    connection = participant.connection
    return connection is not None and connection.transport.send_message(label, text)


def kind_counts(rooms: Iterable[Room]) -> dict[Kind, int]:
    """Published tracks by kind, for metrics."""
    counts = dict.fromkeys(Kind, 0)
    for room in rooms:
        for participant in room.participants.values():
            for track in participant.tracks.values():
                counts[track.kind] += 1
    return counts
