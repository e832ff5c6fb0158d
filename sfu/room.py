"""A room: who is in it, and who hears and sees whom.

It announces what participants do to the others, and has every receiver's slots filled whenever that may change who sees whom.
Who comes in is its reception's business, what administrators do is a moderator's, texts are the relay's. A room's packets all run
through one media port. It makes no transports and touches no packets.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from sfu.config import Settings
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
    SpeakersChanged,
    TrackAdded,
    TrackChanged,
    TrackRemoved,
    WaitingListChanged,
)
from sfu.hands import Hands
from sfu.ids import MessageId, ParticipantId, RoomName
from sfu.log import get_logger
from sfu.media_port import MediaPort
from sfu.observation import Joined, Left, Observers, TrackEnded, TrackPublished, WaitingChanged
from sfu.observation import TrackChanged as TrackObserved
from sfu.participant import Participant
from sfu.permissions import JoinRequest
from sfu.reception import Reception
from sfu.relay import Relay
from sfu.room_state import RoomState
from sfu.slot_filler import SlotFiller
from sfu.speakers import SpeakerDetector
from sfu.tasks import TaskSet
from sfu.texts import Texts
from sfu.timings import JoinTimings
from sfu.track import Track
from sfu.views import FileView, ParticipantView
from sfu.waiting_room import Waiting


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
        observers: Observers | None = None,
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
        self._relay = Relay(self.participants, self.texts, self.files)
        self.reception = Reception(settings, enter=self._admit, tell=self._tell_administrators)
        self.keep_empty_s = 0.0
        """How long it stays with nobody in it."""
        self.empty_since_s = time.monotonic()
        self._certificate = certificate
        self._settings = settings
        self._timings = timings
        self._on_empty = on_empty
        self._observers = observers or Observers()
        self._closing = False
        self._tasks = TaskSet()
        self._detector = SpeakerDetector()
        self._filler = SlotFiller(self.participants, self._detector)
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
        self._observers.tell(Joined(self._name, participant.person))
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
            self._filler.fill(self.participants.values())
        if not participant.hidden and not self._closing:
            self._announce(participant, ParticipantLeft(participant.id, reason))
        self._observers.tell(Left(self._name, participant.person, reason))
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
            self._observers.tell(TrackEnded(self._name, participant.person, track.view))
        for track in added:
            self._announce(participant, TrackAdded(participant.id, track.view))
            self._observers.tell(TrackPublished(self._name, participant.person, track.view))
        if added or removed:
            self._filler.fill(p for p in self.participants.values() if p is not participant)

    def track_changed(self, participant: Participant, track: Track) -> None:
        """It was muted or unmuted."""
        self._track_changed(participant, track)
        self._filler.fill(p for p in self.participants.values() if p is not participant)
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
                self._track_changed(participant, track)
        if any(tracks for _, tracks in silenced):
            self._filler.fill(self.participants.values())
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
        self._filler.fill((participant,), always_tell=True)

    def relay(self, participant: Participant, label: str, text: str) -> None:
        """Text from a data channel, to everybody else's channel of that label."""
        self._relay.relay(participant, label, text, chat_open=self.state.chat)

    def retract(self, message: MessageId, by: Participant) -> None:
        """A message of the chat is gone for everybody; whether `by` may is the caller's business. `RemoteError`."""
        self._relay.retract(message, by)

    def channel_opened(self, participant: Participant, label: str) -> None:
        """Who opens the chat gets what was said before, once a peer connection."""
        self._relay.channel_opened(participant, label)

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
            self._filler.fill(p for p in self.participants.values() if any(p.slots_requested))

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

    def _track_changed(self, participant: Participant, track: Track) -> None:
        self._announce(participant, TrackChanged(participant.id, track.view))
        self._observers.tell(TrackObserved(self._name, participant.person, track.view))

    def _tell_administrators(self, event: WaitingListChanged) -> None:
        self._observers.tell(WaitingChanged(self._name, event.waiting))
        for participant in self.participants.values():
            if participant.permissions.admin:
                participant.notify(event)

    def _announce(self, about: Participant | None, event: RoomEvent) -> None:
        for participant in self.participants.values():
            if participant is not about:
                participant.notify(event)
