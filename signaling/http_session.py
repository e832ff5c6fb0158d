"""A participant that came by HTTP (WHIP, WHEP): its unguessable address, its entity tag, and its end.

It has no signalling that could be lost: it lives until DELETE, until its transport closes, or until the server does.
"""

import secrets
from collections.abc import Callable

from sfu import events
from sfu.errors import LocalError
from sfu.ids import RoomName
from sfu.log import get_logger
from sfu.participant import Participant
from sfu.tasks import TaskSet
from signaling.auth import Grant

log = get_logger(__name__)


class HttpSession:
    """Made before its participant, whose listener it is."""

    def __init__(self, room: RoomName, grant: Grant, on_end: Callable[["HttpSession"], None]) -> None:
        self.id = secrets.token_urlsafe(24)
        self.room = room
        self.identity = grant.identity
        self.etag = _new_etag()
        self.ended = False
        self._on_end = on_end
        self._participant: Participant | None = None
        self._tasks = TaskSet()

    @property
    def participant(self) -> Participant:
        if self._participant is None:
            raise LocalError("begin() comes first")
        return self._participant

    def begin(self, participant: Participant) -> None:
        self._participant = participant

    def listen(self, event: events.RoomEvent) -> None:
        """Only two things matter here: that the transport is gone, and that the participant is."""
        match event:
            case events.Closed(reason):
                self._end(reason)
            case events.ConnectionChanged("closed", reason) if not self.ended:
                log.info("http_session_lost", room=self.room, participant=self.participant.id, reason=reason)
                self._tasks.spawn(self.participant.leave("left" if reason == "closed_by_peer" else "timeout"))
            case _:
                return

    def restarted(self) -> None:
        """ICE was restarted: the entity tag names the ICE session (RFC 9725, section 4.3.1)."""
        self.etag = _new_etag()

    def _end(self, reason: str) -> None:
        if not self.ended:
            self.ended = True
            self._on_end(self)
            log.info("http_session_ended", room=self.room, participant=self.participant.id, reason=reason)


def _new_etag() -> str:
    return secrets.token_urlsafe(12)


class HttpSessions:
    """All sessions of one front door by their secret id. Bounded by the limits of rooms and participants."""

    def __init__(self) -> None:
        self._sessions: dict[str, HttpSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def make(self, room: RoomName, grant: Grant) -> HttpSession:
        session = HttpSession(room, grant, self._forget)
        self._sessions[session.id] = session
        return session

    def find(self, session_id: str, room: RoomName) -> HttpSession | None:
        session = self._sessions.get(session_id)
        return session if session is not None and session.room == room else None

    def discard(self, session: HttpSession) -> None:
        """It never began."""
        self._sessions.pop(session.id, None)

    def _forget(self, session: HttpSession) -> None:
        self._sessions.pop(session.id, None)
