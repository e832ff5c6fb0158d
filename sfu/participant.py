"""One person in a room: who they are, what they may do, their peer connection and their life cycle.

A participant outlives its peer connection (a page reloads) and its signalling (a network is lost): for `resume_seconds`
without a listener it is kept, then it leaves. What others see of it is announced by its room.
"""

import asyncio
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from sfu.config import Settings
from sfu.connection import Connection
from sfu.dtls import Certificate
from sfu.errors import LocalError, PermissionDeniedError, ProtocolError, RemoteError
from sfu.events import Asked, Closed, ConnectionChanged, Listener, Muted, PermissionsChanged, RoomEvent
from sfu.hands import Hands
from sfu.ids import Mid, ParticipantId, RoomName, TrackId, new_participant_id
from sfu.log import get_logger
from sfu.media_port import MediaPort
from sfu.observation import Person
from sfu.permissions import JoinRequest
from sfu.room_state import RoomState, allowed_sources, may_turn_on
from sfu.slot import Slot
from sfu.tasks import TaskSet
from sfu.timings import JoinTimings
from sfu.track import Track
from sfu.transport import ChannelOpened, Connected, Message, Moved, TransportEvent
from sfu.transport import Closed as TransportClosed
from sfu.views import ParticipantView, PermissionsView, Source


class RoomSide(Protocol):
    """What a participant needs of its room."""

    @property
    def name(self) -> RoomName: ...
    @property
    def port(self) -> MediaPort: ...
    @property
    def state(self) -> RoomState: ...
    @property
    def hands(self) -> Hands: ...

    def participant_changed(self, participant: "Participant") -> None: ...
    def tracks_changed(self, participant: "Participant", added: Sequence[Track], removed: Sequence[Track]) -> None: ...
    def slots_changed(self, participant: "Participant") -> None: ...
    def track_changed(self, participant: "Participant", track: Track) -> None: ...
    def relay(self, participant: "Participant", label: str, text: str) -> None: ...
    def channel_opened(self, participant: "Participant", label: str) -> None: ...
    def remove(self, participant: "Participant", reason: str) -> None: ...
    def presence_changed(self, participant: "Participant", *, interrupted: bool = False) -> None: ...


class Participant:
    """Made by its room; see `sfu.room.Room.join`. `listener`: `None` for somebody whose signalling is lost just now."""

    def __init__(
        self,
        room: RoomSide,
        request: JoinRequest,
        listener: Listener | None,
        *,
        resume_token: str | None = None,
        certificate: Certificate,
        settings: Settings,
        timings: JoinTimings,
        tasks: TaskSet,
    ) -> None:
        self.id: ParticipantId = new_participant_id()
        self.room = room
        self.name = request.name
        self.identity = request.identity
        self.permissions = request.permissions
        self.exceptions: dict[Source, bool] = {}
        self.may_host = request.may_host
        self.may_signal = request.may_signal
        self.hidden = request.hidden
        self.only = request.pinned
        self.pins: tuple[ParticipantId, ...] = ()
        self.questions: dict[Asked, None] = {}
        """What administrators have asked and may still be answered, oldest first."""
        self.resume_token = resume_token or secrets.token_urlsafe(24)
        self.connection: Connection | None = None
        self.slots_requested = (0, 0)
        self.direct = request.direct
        self.left = False
        self.greeted = False
        """The client knows that it is in."""
        self._role = request.effective_role
        self._listener = listener
        self._timeout: asyncio.TimerHandle | None = None
        self._certificate = certificate
        self._settings = settings
        self._timings = timings
        self._tasks = tasks
        self._offered_s: float | None = None
        self._log = get_logger(__name__).bind(room=room.name, participant=self.id)

    @property
    def tracks(self) -> Mapping[TrackId, Track]:
        """What they publish."""
        return {track.id: track for track in self.connection.tracks.values()} if self.connection else {}

    @property
    def slots(self) -> Sequence[Slot]:
        """What they receive on, in the order of the m-lines."""
        return tuple(self.connection.slots.values()) if self.connection else ()

    @property
    def view(self) -> ParticipantView:
        tracks = tuple(track.view for track in self.tracks.values())
        return ParticipantView(self.id, self.name, tracks, self.permissions.admin, self.room.hands.raised_ms(self.id))

    @property
    def person(self) -> Person:
        """For observers of all rooms."""
        return Person(self.id, self.name, self.identity, self.hidden)

    @property
    def sources(self) -> frozenset[Source]:
        """What they may turn on now."""
        return allowed_sources(self.permissions, self.room.state, self.exceptions, publish=self._role.publish)

    @property
    def permissions_view(self) -> PermissionsView:
        may = self.permissions
        sources = tuple(sorted(self.sources))
        return PermissionsView(may.publish, may.subscribe, may.publish_data, may.admin, sources)

    @property
    def attached(self) -> bool:
        """Whether somebody listens (signalling is up)."""
        return self._listener is not None

    async def negotiate(
        self, sdp: str, *, connection: str, sources: Mapping[Mid, Source], muted: Mapping[Mid, bool] | None = None
    ) -> str:
        """Answer an offer; `connection` names the peer connection, another name than before replaces it.

        `SdpError` or `LimitError` leave everything as it was.
        """
        if self.left:
            raise RemoteError("this participant has left", code="not_joined")
        started_s = time.monotonic()
        current = self.connection
        if current is not None and current.id == connection:
            change = current.negotiate(sdp, sources, muted or {})
        else:
            change_to = self._new_connection(connection)
            try:
                change = change_to.negotiate(sdp, sources, muted or {})
            except BaseException:
                self._tasks.spawn(change_to.close())
                raise
            self._drop_connection()
            self.connection = change_to
            self._offered_s = started_s
        self.slots_requested = (0, 0)
        self.silence_forbidden()
        self.room.tracks_changed(self, change.added, change.removed)
        for track in change.changed:
            self.room.track_changed(self, track)
        self.room.slots_changed(self)
        self._timings.observe("negotiate", time.monotonic() - started_s)
        return change.answer

    def trickle(self, fragment: str) -> str | None:
        """A trickled fragment (RFC 8840): `None`, or the answer to an ICE restart. `SdpError`, `ProtocolError`."""
        if self.connection is None:
            raise ProtocolError("there is no connection to trickle to", code="not_joined")
        return self.connection.trickle(fragment)

    def set_muted(self, track_id: TrackId, muted: bool) -> None:
        """Tell the others. `RemoteError` for a track that is not theirs, `PermissionDeniedError` for one that must stay muted."""
        track = self.tracks.get(track_id)
        if track is None:
            raise RemoteError("you publish no such track", code="bad_request")
        if not muted and track.blocked and not may_turn_on(track.source, track.kind, self.sources):
            raise PermissionDeniedError("an administrator has to let you turn this on")
        before = track.view
        track.muted = muted
        track.blocked = track.blocked and muted
        if track.view != before:
            self.room.track_changed(self, track)

    def silence(self, tracks: Iterable[Track], by: ParticipantId | None) -> list[Track]:
        """These are forwarded no longer, until their owner may and does unmute them. Gives those that are new to it: the room
        has to tell the others.
        """
        silenced = [track for track in tracks if not track.blocked]
        for track in silenced:
            track.blocked = True
            may = may_turn_on(track.source, track.kind, self.sources)
            self.notify(Muted(track.id, track.source, by, may))
        return silenced

    def silence_forbidden(self, by: ParticipantId | None = None) -> list[Track]:
        """As `silence`, for what they may not turn on."""
        allowed = self.sources
        return self.silence([t for t in self.tracks.values() if not may_turn_on(t.source, t.kind, allowed)], by)

    def make_admin(self, *, tell: bool) -> None:
        """They administer the room from now on."""
        self.permissions = replace(self.permissions, admin=True)
        if tell:
            self.notify(PermissionsChanged(self.permissions_view))

    def pin(self, participants: Sequence[ParticipantId]) -> None:
        """Show these before all others."""
        self.pins = tuple(participants)
        self.room.slots_changed(self)

    def notify(self, event: RoomEvent) -> None:
        """Tell the front door; without one the event is dropped (a resuming client gets the whole state)."""
        if self._listener is not None:
            self._listener(event)

    def resumes_with(self, token: str) -> bool:
        """Whether this is the secret that the participant got when it joined."""
        return not self.left and secrets.compare_digest(token.encode(), self.resume_token.encode())

    def attach(self, listener: Listener) -> None:
        """Signalling is back, or another socket takes over; the old one hears `Closed("replaced")`."""
        if self.left:
            raise LocalError("attach to a participant who has left")
        self.room.presence_changed(self, interrupted=True)
        previous, self._listener = self._listener, listener
        self._cancel_timeout()
        if previous is not None:
            previous(Closed("replaced"))
        self.room.presence_changed(self)

    def detach(self) -> None:
        """Signalling was lost: stay for `resume_seconds`, then leave."""
        self._listener = None
        if not self.left:
            self.room.presence_changed(self)
        if not self.left and self._timeout is None:
            self._timeout = asyncio.get_running_loop().call_later(self._settings.resume_seconds, self._expire)

    async def leave(self, reason: str) -> None:
        """Leave the room and free everything. Safe to call twice."""
        if self.left:
            return
        self.left = True
        self._cancel_timeout()
        self.room.remove(self, reason)
        self.notify(Closed(reason))
        self._listener = None
        connection, self.connection = self.connection, None
        if connection is not None:
            await connection.close()

    def _expire(self) -> None:
        self._timeout = None
        self._tasks.spawn(self._leave_unless_attached())

    async def _leave_unless_attached(self) -> None:
        """Between the timer and this task somebody may have come back."""
        if self._listener is None:
            await self.leave("timeout")

    def _new_connection(self, connection_id: str) -> Connection:
        return Connection(
            connection_id,
            self.id,
            self.room.port,
            self._certificate,
            self._role,
            self.permissions.sources,
            self._settings,
            self._handle,
        )

    def _drop_connection(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            self.room.tracks_changed(self, (), tuple(connection.tracks.values()))
            self._tasks.spawn(connection.close())

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def _handle(self, connection: Connection, event: TransportEvent) -> None:
        if connection is not self.connection:
            return
        match event:
            case Message(label, text):
                self.room.relay(self, label, text)
            case ChannelOpened(label):
                self.room.channel_opened(self, label)
            case TransportClosed(reason):
                self._drop_connection()
                self._tell_state("closed", reason)
            case Moved():
                self.room.presence_changed(self)
            case Connected():
                self._observe_join(event.ice_s, event.dtls_s)
                self._tell_state(connection.transport.state)
            case _:
                self._tell_state(connection.transport.state)

    def _tell_state(self, state: str, reason: str = "") -> None:
        self._log.info("connection", state=state, reason=reason)
        self.room.presence_changed(self)
        self.notify(ConnectionChanged(state, reason))

    def _observe_join(self, ice_s: float, dtls_s: float) -> None:
        self._timings.observe("ice", ice_s)
        self._timings.observe("dtls", dtls_s)
        if self._offered_s is not None:
            self._timings.observe("total", time.monotonic() - self._offered_s)
            self._offered_s = None
