"""Ties the state table of direct calls to a room: its participants, the clock, the messages and the counters. Decides nothing."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from sfu.config import Settings
from sfu.direct import Action, Committed, DirectCall, Dropped, Ended, Gap, Member, State, Tell
from sfu.direct_signal import Reason, Signal, SignalRefusedError
from sfu.direct_tallies import DirectTallies
from sfu.ids import ParticipantId, RoomName
from sfu.log import get_logger
from sfu.participant import Participant
from sfu.permissions import Permissions
from sfu.views import Source

CARRIED = frozenset({Source.MICROPHONE, Source.CAMERA})
"""What goes directly; screens stay on the server's leg."""


class DirectOverlay:
    """One a room. `participants` is the room's own mapping."""

    def __init__(
        self,
        room: RoomName,
        participants: Mapping[ParticipantId, Participant],
        settings: Settings,
        tallies: DirectTallies,
    ) -> None:
        self._participants = participants
        self._allowed = settings.direct_calls
        self._tallies = tallies
        self._call = DirectCall(
            return_s=settings.direct_return_seconds,
            rest_s=settings.direct_rest_seconds,
            rest_most_s=settings.direct_rest_most_seconds,
            timeout_s=settings.direct_timeout_seconds,
            margin_s=settings.direct_margin_seconds,
        )
        self._timer: asyncio.TimerHandle | None = None
        self._log = get_logger(__name__).bind(room=room)

    @property
    def direct(self) -> bool:
        """Whether camera and microphone go directly now."""
        return self._call.state is State.DIRECT

    def refresh(self) -> None:
        """Somebody came, went, or may or can now what they could not before."""
        if len(self._participants) > 2 and self._call.state is State.SERVER and self._timer is None:
            return  # nothing that a third can change; most rooms are larger than two
        self._do(self._call.update(time.monotonic(), [self._member(p) for p in self._participants.values()]))

    def interrupt(self, participant: Participant) -> None:
        """Their signalling was lost, or is about to move to another socket, whose page knows nothing of a direct path."""
        if len(self._participants) <= 2:
            lost = [Member(p.id, Reason.SIGNALLING if p is participant else None) for p in self._participants.values()]
            self._do(self._call.update(time.monotonic(), lost))

    def receive(self, participant: Participant, signal: Signal) -> None:
        """`SignalRefusedError`, which has been counted."""
        try:
            actions = self._call.receive(time.monotonic(), participant.id, signal)
        except SignalRefusedError as error:
            self._tallies.refused[error.kind] += 1
            raise
        self._do(actions)

    def close(self) -> None:
        """The room is empty or closes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _member(self, participant: Participant) -> Member:
        connection = participant.connection
        address = connection.transport.selected_address if connection is not None else None
        return Member(
            participant.id,
            self._hindrance(participant),
            connected=connection is not None and connection.connected,
            host=address[0] if address is not None else None,
        )

    def _hindrance(self, participant: Participant) -> Reason | None:
        if participant.hidden:
            return Reason.JOINED
        if not participant.attached:
            return Reason.SIGNALLING
        allowed = self._allowed and participant.room.state.direct
        if not (allowed and participant.direct and may_be_direct(participant.permissions)):
            return Reason.SETTINGS
        # An administrator's word counts on the server's leg only.
        if not participant.sources >= CARRIED or any(track.blocked for track in participant.tracks.values()):
            return Reason.SETTINGS
        return None

    def _do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Tell(to, signal):
                    if (participant := self._participants.get(to)) is not None:
                        participant.notify(signal)
                case Committed():
                    self._tallies.attempts["direct"] += 1
                    self._log.info("direct", epoch=self._call.epoch)
                case Ended(was, reason):
                    if was is State.DIRECT:
                        self._tallies.takeovers[reason] += 1
                    else:
                        self._tallies.attempts[reason] += 1
                    self._log.info("not_direct", epoch=self._call.epoch, was=was, reason=reason)
                case Gap(kind, seconds):
                    self._tallies.gaps[kind].observe(seconds)
                case Dropped(kind):
                    self._tallies.refused[kind] += 1
        self._set_timer()

    def _set_timer(self) -> None:
        self.close()
        when = self._call.next_time()
        if when is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, when - time.monotonic()), self._expire)

    def _expire(self) -> None:
        self._timer = None
        self.refresh()
        self._do(self._call.timeout(time.monotonic()))


def may_be_direct(permissions: Permissions) -> bool:
    """What the server would not forward must not go past it: only who may send and get all that a direct call carries."""
    sources = permissions.sources
    return (
        permissions.direct and permissions.publish and permissions.subscribe and (sources is None or sources >= CARRIED)
    )
