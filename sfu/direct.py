"""Direct calls of one room as a state table: when two go directly, and when the server takes over.

Sans-IO: who is there, what they say and `now` (seconds of any steady clock) go in, actions come out. It owns the epochs. Media is
none of its business: the server's leg is up all the time, so that every way out of a direct call is only a message.

Strategy: exactly two who can and may → `TRYING` at once with a new epoch; both ready → `DIRECT`; anything that speaks against it →
`SERVER`, said to both. The same two come back after `return_s`; what a path itself did wrong rests (`sfu.direct_rest`), until one
of the two has another page or another address.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sfu.direct_rest import Rest
from sfu.direct_signal import FROM_CLIENTS, RELAYED, DirectSignal, Reason, Signal, SignalRefusedError, Step
from sfu.ids import ParticipantId
from sfu.rate import TokenBucket

MAX_SDP = 32_768
"""Characters of a description: two m-lines of a browser take 8,000."""
MAX_CANDIDATE = 512
"""Characters of a candidate attribute (RFC 8839, section 5.1): browsers' have 100 to 200."""
MOST = {Step.OFFER: 1, Step.ANSWER: 1, Step.CANDIDATE: 64}
"""Of each step, from one of the two in one epoch. A machine with many interfaces has some 30 candidates."""
VIDEO_PER_SECOND = 2.0
VIDEO_BURST = 20
"""Of `VIDEO`, from one of the two: the page says it at most twice a second, and an epoch may last for hours."""


class State(StrEnum):
    SERVER = "server"
    TRYING = "trying"
    """An epoch runs; media is on the server's leg."""
    DIRECT = "direct"


class Event(StrEnum):
    DUE = "due"
    """Two have been alone for long enough."""
    AGREED = "agreed"
    """Both are ready."""
    STOPPED = "stopped"
    """There is a reason against it."""


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.SERVER, Event.DUE): State.TRYING,
    (State.TRYING, Event.AGREED): State.DIRECT,
    (State.TRYING, Event.STOPPED): State.SERVER,
    (State.DIRECT, Event.STOPPED): State.SERVER,
}

RESTING = frozenset(
    {Reason.SETTINGS, Reason.FAILED, Reason.SILENCE, Reason.LOSS, Reason.RELAY, Reason.SLOW, Reason.TIMEOUT}
)
"""An attempt that ended so is not repeated soon: the path would be the same."""
BROKEN = frozenset({Reason.FAILED, Reason.SILENCE})
"""What a path that did may die of at any time."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in the room, as far as it matters here."""

    id: ParticipantId
    hindrance: Reason | None = None
    """Why this one cannot be in a direct call."""
    connected: bool = True
    """Their media connection to the server is up: without a net nobody goes on the rope."""
    host: str | None = None
    """The IP address that this connection comes from, once there is one: another one is another network."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Say this to one of the two."""

    to: ParticipantId
    signal: DirectSignal


@dataclass(frozen=True, slots=True)
class Committed:
    """The call is direct from now on."""


@dataclass(frozen=True, slots=True)
class Ended:
    """`was`: an attempt (`TRYING`), or a direct call (`DIRECT`) that the server took over."""

    was: State
    reason: Reason


@dataclass(frozen=True, slots=True)
class Gap:
    """One client's measurement of a takeover."""

    kind: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """A message that came too late, which is nobody's fault."""

    kind: str


Action = Tell | Committed | Ended | Gap | Dropped
Pair = tuple[ParticipantId, ParticipantId]


@dataclass(slots=True)
class _Side:
    """What one of the two has said in this epoch."""

    left: dict[Step, int] = field(default_factory=MOST.copy)
    video: TokenBucket = field(default_factory=lambda: TokenBucket(VIDEO_PER_SECOND, VIDEO_BURST))
    ready: Signal | None = None
    taken: bool = False


class DirectCall:
    """Made by its room's `sfu.direct_overlay`. Times in seconds."""

    def __init__(
        self, *, return_s: float, rest_s: float, rest_most_s: float, timeout_s: float, margin_s: float
    ) -> None:
        """`return_s`: of two alone before another attempt; `rest_s`: after a bad path, doubled each time up to `rest_most_s`;
        `timeout_s`: from start to both ready; `margin_s`: by which the direct round trip may be the longer one."""
        self.state = State.SERVER
        self.epoch = 0
        self._return_s = return_s
        self._rest = Rest(rest_s, rest_most_s)
        self._timeout_s = timeout_s
        self._margin_s = margin_s
        self._pair: Pair | None = None
        """Of the present epoch; stays after its end."""
        self._sides: dict[ParticipantId, _Side] = {}
        self._couple: Pair | None = None
        """Who could be direct now."""
        self._since = 0.0
        self._hosts: dict[ParticipantId, str] = {}
        """Where those who are there were last seen."""
        self._committed_at = 0.0
        self._deadline = 0.0
        self._steps: Mapping[Step, Callable[[float, ParticipantId, Signal], list[Action]]] = {
            Step.READY: self._ready,
            Step.LOST: self._lost,
            **dict.fromkeys(RELAYED, self._relay),
        }

    def update(self, now: float, members: Sequence[Member]) -> list[Action]:
        """Who is in the room now. Never starts anything: only `timeout` does."""
        actions: list[Action] = []
        if self.state is not State.SERVER and (reason := self._objection(members)) is not None:
            actions += self._stop(now, reason)
        if self._another_page(members) or self._another_network(members):
            self._rest.end(now)
        couple = _couple(members)
        if couple != self._couple:
            self._couple, self._since = couple, now
        return actions

    def receive(self, now: float, sender: ParticipantId, signal: Signal) -> list[Action]:
        """What one participant says. `SignalRefusedError`: it is at fault; nothing has changed."""
        if signal.epoch > self.epoch:
            raise SignalRefusedError("unknown_epoch", "there is no such epoch")
        if signal.epoch < self.epoch:
            return [Dropped("stale")]
        side = self._sides.get(sender)
        if side is None:
            raise SignalRefusedError("not_yours", "this direct call is between others")
        if signal.step is Step.TAKEN:
            return self._taken(side, signal)
        if self.state is State.SERVER:
            return [Dropped("stale")]
        act = self._steps.get(signal.step)
        if act is None:
            raise SignalRefusedError("not_yours", f"{signal.step} is for the server to say")
        return act(now, sender, signal)

    def next_time(self) -> float | None:
        """When `timeout` has something to do."""
        return self._deadline if self.state is State.TRYING else self._due()

    def timeout(self, now: float) -> list[Action]:
        """Time has passed."""
        if self.state is State.TRYING and now >= self._deadline:
            return self._stop(now, Reason.TIMEOUT)
        due = self._due()
        return self._start(now, self._couple) if due is not None and now >= due and self._couple is not None else []

    # -- what happens -----------------------------------------------------------------------------------------------

    def _move(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state, event]

    def _due(self) -> float | None:
        if self.state is not State.SERVER or self._couple is None:
            return None
        if self._couple != self._pair:
            return self._since
        return max(self._since + self._return_s, self._rest.until)

    def _start(self, now: float, couple: Pair) -> list[Action]:
        self._move(Event.DUE)
        self.epoch += 1
        self._pair = lower, upper = couple
        self._sides = {lower: _Side(), upper: _Side()}
        self._deadline = now + self._timeout_s
        return [
            Tell(me, DirectSignal(self.epoch, Step.START, peer=other, offers=me == lower))
            for me, other in ((lower, upper), (upper, lower))
        ]

    def _stop(self, now: float, reason: Reason) -> list[Action]:
        was = self.state
        self._move(Event.STOPPED)
        self._since = now
        after_s = now - self._committed_at
        if was is State.TRYING and reason in RESTING:
            self._rest.fail(now)
        elif was is State.DIRECT and reason in BROKEN:
            self._rest.broke(now, after_s)
        elif was is State.DIRECT:
            self._rest.lasted(now, after_s)
            if reason is Reason.LOSS:
                self._rest.fail(now)
        told: list[Action] = [Tell(who, DirectSignal(self.epoch, Step.TAKEOVER, reason=reason)) for who in self._sides]
        return [Ended(was, reason), *told]

    def _objection(self, members: Sequence[Member]) -> Reason | None:
        present = {member.id for member in members}
        if not self._sides.keys() <= present:
            return Reason.LEFT
        if len(members) != 2:
            return Reason.JOINED
        return next((member.hindrance for member in members if member.hindrance is not None), None)

    def _another_page(self, members: Sequence[Member]) -> bool:
        """A page of the two goes, and what was wrong with its path goes with it: often this was what was wrong."""
        gone = not self._sides.keys() <= {member.id for member in members}
        return gone or any(member.hindrance is Reason.SIGNALLING for member in members)

    def _another_network(self, members: Sequence[Member]) -> bool:
        """One of the two has moved: what the path lacked there it may have here."""
        seen = {member.id: member.host for member in members[:2] if member.host is not None}
        moved = any(who in self._sides and self._hosts.get(who, host) != host for who, host in seen.items())
        self._hosts = {member.id: self._hosts[member.id] for member in members if member.id in self._hosts} | seen
        return moved

    def _other(self, sender: ParticipantId) -> ParticipantId:
        return next(who for who in self._sides if who != sender)

    def _relay(self, now: float, sender: ParticipantId, signal: Signal) -> list[Action]:
        step = signal.step
        side = self._sides[sender]
        offers = self._pair is not None and sender == self._pair[0]
        if (step is Step.OFFER and not offers) or (step is Step.ANSWER and offers):
            raise SignalRefusedError("not_yours", f"the other one makes the {step}")
        if len(signal.sdp or "") > MAX_SDP or len(signal.candidate or "") > MAX_CANDIDATE:
            raise SignalRefusedError(
                "too_large", f"descriptions have at most {MAX_SDP} characters, candidates {MAX_CANDIDATE}"
            )
        if step is Step.VIDEO:
            if not side.video.take(now):
                raise SignalRefusedError(
                    "rate_limited", f"{step} comes more than {VIDEO_PER_SECOND:g} times a second", code="rate_limited"
                )
        elif not side.left[step]:
            raise SignalRefusedError("flood", f"this epoch has had its {MOST[step]} of {step}")
        else:
            side.left[step] -= 1
        passed = DirectSignal(self.epoch, step, sdp=signal.sdp, candidate=signal.candidate, wanted=signal.wanted)
        return [Tell(self._other(sender), passed)]

    def _ready(self, now: float, sender: ParticipantId, signal: Signal) -> list[Action]:
        if self.state is State.DIRECT:
            return [Dropped("repeated")]
        self._sides[sender].ready = signal
        said = [side.ready for side in self._sides.values() if side.ready is not None]
        if len(said) < 2:
            return []
        if self._is_slow(said):
            return self._stop(now, Reason.SLOW)
        self._move(Event.AGREED)
        self._committed_at = now
        return [Committed(), *(Tell(who, DirectSignal(self.epoch, Step.COMMIT)) for who in self._sides)]

    def _is_slow(self, said: Sequence[Signal]) -> bool:
        """Over the server the way between the two has both their legs."""
        direct = [signal.direct_rtt_ms for signal in said if signal.direct_rtt_ms is not None]
        legs = [signal.server_rtt_ms for signal in said if signal.server_rtt_ms is not None]
        return len(legs) == 2 and bool(direct) and min(direct) > sum(legs) + 1_000 * self._margin_s

    def _lost(self, now: float, sender: ParticipantId, signal: Signal) -> list[Action]:
        reason = Reason(signal.reason) if signal.reason in FROM_CLIENTS else Reason.FAILED
        return self._stop(now, reason)

    def _taken(self, side: _Side, signal: Signal) -> list[Action]:
        if self.state is not State.SERVER or side.taken:
            return [Dropped("repeated")]
        side.taken = True
        gaps = (("audio", signal.audio_gap_ms), ("video", signal.video_gap_ms))
        return [Gap(kind, gap_ms / 1_000) for kind, gap_ms in gaps if gap_ms is not None]


def _couple(members: Sequence[Member]) -> Pair | None:
    if len(members) != 2 or not all(member.hindrance is None and member.connected for member in members):
        return None
    lower, upper = sorted(member.id for member in members)
    return lower, upper
