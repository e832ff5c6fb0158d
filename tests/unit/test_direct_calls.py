"""The server's table of direct calls, in virtual time: when two go directly, when the server takes over, and every race between."""

from collections.abc import Sequence
from typing import Any

import pytest

from sfu.direct import (
    MAX_CANDIDATE,
    MAX_SDP,
    MOST,
    TRANSITIONS,
    Action,
    Committed,
    DirectCall,
    Dropped,
    Ended,
    Event,
    Gap,
    Member,
    State,
    Tell,
)
from sfu.direct_signal import DirectSignal, Reason, Signal, SignalRefusedError, Step
from sfu.ids import ParticipantId

A, B, C = (ParticipantId(f"p_{letter}") for letter in "abc")
RETURN_S, REST_S, TIMEOUT_S, MARGIN_S = 5.0, 60.0, 10.0, 0.02


class Room:
    """The table with a clock, and who is there."""

    def __init__(self, *present: ParticipantId) -> None:
        self.call = DirectCall(return_s=RETURN_S, rest_s=REST_S, timeout_s=TIMEOUT_S, margin_s=MARGIN_S)
        self.now = 1_000.0
        self.members: dict[ParticipantId, Member] = {}
        self.said: list[Action] = []
        self.be(*present)

    def be(self, *present: ParticipantId, **changed: Member) -> list[Action]:
        """These, and no others, are there."""
        self.members = {who: self.members.get(who, Member(who)) for who in present}
        return self.update()

    def mark(self, who: ParticipantId, *, hindrance: Reason | None = None, connected: bool = True) -> list[Action]:
        self.members[who] = Member(who, hindrance, connected)
        return self.update()

    def update(self) -> list[Action]:
        return self.keep(self.call.update(self.now, list(self.members.values())))

    def pass_time(self, seconds: float) -> list[Action]:
        """Timers run when they are due."""
        end, done = self.now + seconds, []
        while (when := self.call.next_time()) is not None and when <= end:
            self.now = max(self.now, when)
            done += self.keep(self.call.timeout(self.now))
        self.now = end
        return done

    def say(self, who: ParticipantId, step: Step, *, epoch: int | None = None, **fields: Any) -> list[Action]:
        signal = Signal(self.call.epoch if epoch is None else epoch, step, **fields)
        return self.keep(self.call.receive(self.now, who, signal))

    def keep(self, actions: Sequence[Action]) -> list[Action]:
        self.said += actions
        return list(actions)


def direct() -> Room:
    room = Room(A, B)
    room.pass_time(0)
    room.say(A, Step.READY)
    room.say(B, Step.READY)
    assert room.call.state is State.DIRECT
    return room


def takeover(epoch: int, reason: Reason, *to: ParticipantId) -> set[Tell]:
    return {Tell(who, DirectSignal(epoch, Step.TAKEOVER, reason=reason)) for who in to}


def test_two_start_at_once_and_the_lower_id_offers() -> None:
    room = Room(A)
    assert room.pass_time(10) == []
    assert room.be(A, B) == []
    assert room.pass_time(0) == [
        Tell(A, DirectSignal(1, Step.START, peer=B, offers=True)),
        Tell(B, DirectSignal(1, Step.START, peer=A, offers=False)),
    ]


def test_nobody_goes_without_the_net() -> None:
    room = Room(A, B)
    room.mark(B, connected=False)
    assert room.pass_time(100) == []
    room.mark(B, connected=True)
    assert len(room.pass_time(0)) == 2
    assert room.mark(B, connected=False) == [], "a path that is there does not need the server"


def test_both_ready_commits() -> None:
    room = Room(A, B)
    room.pass_time(0)
    assert room.say(B, Step.READY) == []
    assert room.say(B, Step.READY) == [], "one is not both"
    assert room.say(A, Step.READY) == [Committed(), *(Tell(who, DirectSignal(1, Step.COMMIT)) for who in (A, B))]
    assert room.say(A, Step.READY) == [Dropped("repeated")]


def test_descriptions_go_to_the_other_one() -> None:
    room = Room(A, B)
    room.pass_time(0)
    assert room.say(A, Step.OFFER, sdp="v=0") == [Tell(B, DirectSignal(1, Step.OFFER, sdp="v=0"))]
    assert room.say(B, Step.ANSWER, sdp="v=1") == [Tell(A, DirectSignal(1, Step.ANSWER, sdp="v=1"))]
    assert room.say(B, Step.CANDIDATE, candidate="c") == [Tell(A, DirectSignal(1, Step.CANDIDATE, candidate="c"))]
    assert room.say(A, Step.VIDEO, wanted=False) == [Tell(B, DirectSignal(1, Step.VIDEO, wanted=False))]


def test_a_third_is_a_takeover_and_back_to_two_waits() -> None:
    room = direct()
    assert set(room.be(A, B, C)) == {Ended(State.DIRECT, Reason.JOINED), *takeover(1, Reason.JOINED, A, B)}
    room.pass_time(100)
    room.be(A, B)
    assert room.pass_time(RETURN_S - 0.001) == []
    assert [a.signal.epoch for a in room.pass_time(0.002) if isinstance(a, Tell)] == [2, 2]


def test_another_two_need_not_wait() -> None:
    room = direct()
    room.be(B)
    room.be(B, C)
    assert len(room.pass_time(0)) == 2


def test_leaving_tells_the_one_who_stays() -> None:
    room = direct()
    actions = room.be(B)
    assert Ended(State.DIRECT, Reason.LEFT) in actions
    assert takeover(1, Reason.LEFT, B) <= set(actions)


@pytest.mark.parametrize("reason", [Reason.SIGNALLING, Reason.SETTINGS, Reason.JOINED])
def test_what_hinders_one_of_the_two_is_a_takeover(reason: Reason) -> None:
    room = direct()
    assert room.mark(A, hindrance=reason)[0] == Ended(State.DIRECT, reason)
    assert room.pass_time(1_000) == []


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ("failed", Reason.FAILED),
        ("silence", Reason.SILENCE),
        ("loss", Reason.LOSS),
        ("left", Reason.FAILED),
        (None, Reason.FAILED),
    ],
)
def test_a_client_that_lost_the_path_takes_both_back(said: str | None, counted: Reason) -> None:
    room = direct()
    assert set(room.say(B, Step.LOST, reason=said)) == {Ended(State.DIRECT, counted), *takeover(1, counted, A, B)}
    assert room.say(A, Step.LOST, reason="failed") == [Dropped("stale")], "both saw it"
    wait = REST_S if counted is Reason.LOSS else RETURN_S
    assert room.pass_time(wait - 0.001) == []
    assert len(room.pass_time(0.002)) == 2


def test_an_attempt_that_failed_rests() -> None:
    room = Room(A, B)
    room.pass_time(0)
    room.say(A, Step.LOST, reason="relay")
    assert room.pass_time(REST_S - 0.001) == []
    assert len(room.pass_time(0.002)) == 2


def test_the_rest_ends_with_the_page_whose_path_it_was() -> None:
    """One reloads within the negotiation, and the other one sees its path fail before the server sees its socket go."""
    room = Room(A, B)
    room.pass_time(0)
    room.say(A, Step.LOST, reason="failed")
    room.mark(B, hindrance=Reason.SIGNALLING)
    room.mark(B)
    assert room.pass_time(RETURN_S - 0.001) == []
    assert len(room.pass_time(0.002)) == 2


def test_an_attempt_that_takes_too_long_is_given_up() -> None:
    room = Room(A, B)
    room.pass_time(0)
    room.say(A, Step.READY)
    assert room.pass_time(TIMEOUT_S)[0] == Ended(State.TRYING, Reason.TIMEOUT)
    assert room.say(B, Step.READY) == [Dropped("stale")], "ready after the takeover"
    assert room.call.state is State.SERVER


@pytest.mark.parametrize(
    ("direct_ms", "legs_ms", "slow"),
    [(61.0, (20.0, 20.0), True), (59.0, (20.0, 20.0), False), (500.0, (20.0, None), False), (None, (0.0, 0.0), False)],
)
def test_a_longer_way_than_over_the_server_is_not_taken(
    direct_ms: float | None, legs_ms: tuple[float, float | None], slow: bool
) -> None:
    room = Room(A, B)
    room.pass_time(0)
    for who, leg_ms in zip((A, B), legs_ms, strict=True):
        room.say(who, Step.READY, direct_rtt_ms=direct_ms, server_rtt_ms=leg_ms)
    assert (Ended(State.TRYING, Reason.SLOW) in room.said) is slow
    assert (room.call.state is State.DIRECT) is not slow


def test_gaps_are_taken_once_from_each_after_the_takeover() -> None:
    room = direct()
    assert room.say(A, Step.TAKEN, audio_gap_ms=1.0) == [Dropped("repeated")], "not yet"
    room.be(A, B, C)
    assert room.say(A, Step.TAKEN, audio_gap_ms=20.0, video_gap_ms=300.0) == [Gap("audio", 0.02), Gap("video", 0.3)]
    assert room.say(A, Step.TAKEN, audio_gap_ms=20.0) == [Dropped("repeated")]
    assert room.say(B, Step.TAKEN, audio_gap_ms=0.0) == [Gap("audio", 0.0)]


def test_the_third_comes_and_goes_within_the_negotiation() -> None:
    room = Room(A, B)
    room.pass_time(0)
    room.say(A, Step.OFFER, sdp="v=0")
    assert Ended(State.TRYING, Reason.JOINED) in room.be(A, B, C)
    room.be(A, B)
    assert room.say(B, Step.ANSWER, sdp="v=0") == [Dropped("stale")]
    assert room.pass_time(RETURN_S - 0.001) == []
    assert len(room.pass_time(0.002)) == 2
    assert room.say(B, Step.ANSWER, epoch=1, sdp="v=0") == [Dropped("stale")]
    assert room.say(B, Step.READY, epoch=1) == [Dropped("stale")]
    assert room.say(B, Step.LOST, epoch=1) == [Dropped("stale")]
    assert room.call.state is State.TRYING


def test_both_leave() -> None:
    room = direct()
    room.be(B)
    room.be()
    assert room.call.next_time() is None
    assert room.pass_time(1_000) == []


def test_both_reload() -> None:
    """Their sockets go, and come back one after the other; the media connections are new ones."""
    room = direct()
    room.mark(A, hindrance=Reason.SIGNALLING)
    room.mark(B, hindrance=Reason.SIGNALLING)
    room.mark(A, connected=False)
    room.mark(B, connected=False)
    room.mark(B)
    room.mark(A)
    assert [a for a in room.said if isinstance(a, Ended)] == [Ended(State.DIRECT, Reason.SIGNALLING)]
    assert room.pass_time(RETURN_S - 0.001) == []
    assert len(room.pass_time(0.002)) == 2


def test_what_was_never_said_by_the_server_is_refused() -> None:
    room = direct()
    before = room.call.state, room.call.epoch
    cases: list[tuple[ParticipantId, Step, dict[str, Any], str]] = [
        (A, Step.READY, {"epoch": 2}, "unknown_epoch"),
        (C, Step.LOST, {}, "not_yours"),
        (B, Step.OFFER, {"sdp": "v=0"}, "not_yours"),
        (A, Step.ANSWER, {"sdp": "v=0"}, "not_yours"),
        (A, Step.COMMIT, {}, "not_yours"),
        (A, Step.TAKEOVER, {}, "not_yours"),
        (A, Step.OFFER, {"sdp": "v" * (MAX_SDP + 1)}, "too_large"),
        (A, Step.CANDIDATE, {"candidate": "c" * (MAX_CANDIDATE + 1)}, "too_large"),
    ]
    for who, step, fields, kind in cases:
        with pytest.raises(SignalRefusedError) as caught:
            room.say(who, step, **fields)
        assert caught.value.kind == kind, step
    assert (room.call.state, room.call.epoch) == before


@pytest.mark.parametrize("step", sorted(MOST))
def test_a_flood_is_cut_off(step: Step) -> None:
    room = Room(A, B)
    room.pass_time(0)
    who = B if step is Step.ANSWER else A
    for _ in range(MOST[step]):
        room.say(who, step, sdp="v=0")
    with pytest.raises(SignalRefusedError) as caught:
        room.say(who, step, sdp="v=0")
    assert caught.value.kind == "flood"
    assert room.call.state is State.TRYING


def test_the_table_leads_out_of_every_state() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State)
    assert all(TRANSITIONS[state, Event.STOPPED] is State.SERVER for state in (State.TRYING, State.DIRECT))
