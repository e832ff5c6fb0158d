"""A room: who is in it, and who hears and sees whom.

It announces what participants do to the others, keeps every receiver's slots filled with the tracks that matter most to
them, and relays text. A room's packets all run through one media port. It makes no transports and touches no packets.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from sfu.chat import ChatMessage, parse_text
from sfu.config import Settings
from sfu.dataplane.types import Kind
from sfu.direct_overlay import DirectOverlay
from sfu.direct_tallies import DirectTallies
from sfu.dtls import Certificate
from sfu.errors import LimitError, ProtocolError
from sfu.events import (
    Listener,
    ParticipantJoined,
    ParticipantLeft,
    RoomEvent,
    SlotsChanged,
    SlotsNeeded,
    SpeakersChanged,
    TrackAdded,
    TrackChanged,
    TrackRemoved,
)
from sfu.ids import ParticipantId, RoomName
from sfu.log import get_logger
from sfu.media_port import MediaPort
from sfu.participant import Participant
from sfu.permissions import JoinRequest
from sfu.rate import Share, TokenBucket
from sfu.selection import Candidate, OpenSlot, assign, missing
from sfu.speakers import SpeakerDetector
from sfu.tasks import TaskSet
from sfu.timings import JoinTimings
from sfu.track import Track
from sfu.views import ParticipantView, Source

MAX_SLOTS_A_KIND = 16
"""Slots of one kind that a client is asked for: the tiles of a full page, and as many voices."""

DELIVERIES_PER_SECOND = 1_000.0
DELIVERY_BURST = 5_000.0
"""What one participant's texts may cost, counted in receivers: each takes 0.1 ms of the event loop, so this is a tenth of it."""


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
    ) -> None:
        self._name = name
        self._port = port
        self.created_s = time.time()
        self.participants: dict[ParticipantId, Participant] = {}
        self.relayed = 0
        self.refused_messages: dict[str, int] = {}
        self._certificate = certificate
        self._settings = settings
        self._timings = timings
        self._on_empty = on_empty
        self._closing = False
        self._tasks = TaskSet()
        self._detector = SpeakerDetector()
        self.direct = DirectOverlay(name, self.participants, settings, direct or DirectTallies())
        self._chat_rates: dict[ParticipantId, TokenBucket] = {}
        self._chat_shares: dict[ParticipantId, Share] = {}
        self._log = get_logger(__name__).bind(room=name)

    @property
    def name(self) -> RoomName:
        return self._name

    @property
    def port(self) -> MediaPort:
        """Whose engine all packets of the room run through."""
        return self._port

    def join(self, request: JoinRequest, listener: Listener) -> Participant:
        """Let somebody in and announce them. `LimitError` (`room_full`) if there is no place."""
        if len(self.participants) >= self._settings.max_participants:
            raise LimitError(f"the room has its {self._settings.max_participants} participants", code="room_full")
        participant = Participant(
            self,
            request,
            listener,
            certificate=self._certificate,
            settings=self._settings,
            timings=self._timings,
            tasks=self._tasks,
        )
        self.participants[participant.id] = participant
        self._chat_rates[participant.id] = TokenBucket(self._settings.messages_per_second, self._settings.message_burst)
        self._chat_shares[participant.id] = Share(DELIVERIES_PER_SECOND, DELIVERY_BURST)
        if not participant.hidden:
            self._announce(participant, ParticipantJoined(participant.view))
        self._log.info("joined", participant=participant.id, hidden=participant.hidden)
        self.direct.refresh()
        return participant

    def remove(self, participant: Participant, reason: str) -> None:
        """Take somebody out: their tracks leave all slots, the others are told. Called by `Participant.leave`."""
        if self.participants.pop(participant.id, None) is None:
            return
        self._chat_rates.pop(participant.id, None)
        self._chat_shares.pop(participant.id, None)
        self._detector.forget(participant.id)
        if participant.tracks and not self._closing:
            self._refill(self.participants.values())
        if not participant.hidden and not self._closing:
            self._announce(participant, ParticipantLeft(participant.id, reason))
        self._log.info("left", participant=participant.id, reason=reason)
        self.direct.refresh()
        if not self.participants:
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

    def presence_changed(self, participant: Participant, *, interrupted: bool = False) -> None:
        """Their signalling or their media connection came or went; `interrupted`: it moves to another socket."""
        if interrupted:
            self.direct.interrupt(participant)
        else:
            self.direct.refresh()

    def slots_changed(self, participant: Participant) -> None:
        """The slots of `participant`, or what they want to see, changed."""
        self._refill((participant,), always_tell=True)

    def relay(self, participant: Participant, label: str, text: str) -> None:
        """Text from a data channel, to everybody else's channel of that label."""
        if not participant.permissions.publish_data:
            self._refuse("not_permitted")
            return
        now_s, share = time.monotonic(), self._chat_shares[participant.id]
        if share.spend(0, now_s) > 0 or not self._chat_rates[participant.id].take(now_s):
            self._refuse("rate_limited")
            return
        try:
            parsed = parse_text(text)
        except ProtocolError:
            self._refuse("malformed")
            return
        message = ChatMessage(participant.id, participant.name, parsed, int(time.time() * 1000)).to_json()
        self.relayed += 1
        connections = [
            p.connection for p in self.participants.values() if p is not participant and p.connection is not None
        ]
        share.spend(sum(connection.transport.send_message(label, message) for connection in connections), now_s)

    def hear(self, now_ms: int, levels: Mapping[int, int]) -> None:
        """Newest audio levels by track handle (dBov, positive); called every 100 ms."""
        if not levels and self._detector.silent:
            return
        loudest: dict[ParticipantId, int] = {}
        for participant in self.participants.values():
            heard = [levels[t.handle] for t in participant.tracks.values() if t.handle in levels and not t.muted]
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
        try:
            for participant in list(self.participants.values()):
                await participant.leave(reason)
        finally:
            self._closing = False
        await self._tasks.drain(self._settings.shutdown_seconds)

    def _announce(self, about: Participant, event: RoomEvent) -> None:
        for participant in self.participants.values():
            if participant is not about:
                participant.notify(event)

    def _refuse(self, reason: str) -> None:
        self.refused_messages[reason] = self.refused_messages.get(reason, 0) + 1

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
            return not screen, track.muted, -self._detector.spoke_ms(track.owner)

        tracks = sorted((track for p in self.participants.values() for track in p.tracks.values()), key=rank)
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


def kind_counts(rooms: Iterable[Room]) -> dict[Kind, int]:
    """Published tracks by kind, for metrics."""
    counts = dict.fromkeys(Kind, 0)
    for room in rooms:
        for participant in room.participants.values():
            for track in participant.tracks.values():
                counts[track.kind] += 1
    return counts
