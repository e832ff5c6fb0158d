"""The server's table of direct calls, in virtual time: when two go directly, when the server takes over, and every race between."""

from collections.abc import Sequence
from typing import Any

import pytest

from sfu.direct import (
    MAX_CANDIDATE,
    MAX_SDP,
    MOST,
    TRANSITIONS,
    VIDEO_BURST,
    VIDEO_PER_SECOND,
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
RETURN_S, REST_S, REST_MOST_S, TIMEOUT_S, MARGIN_S = 5.0, 60.0, 600.0, 10.0, 0.02


class Room:
    """The table with a clock, and who is there."""

    def __init__(self, *present: ParticipantId) -> None:
        self.call = DirectCall(
            return_s=RETURN_S, rest_s=REST_S, rest_most_s=REST_MOST_S, timeout_s=TIMEOUT_S, margin_s=MARGIN_S
        )
        self.now = 1_000.0
        self.members: dict[ParticipantId, Member] = {}
        self.said: list[Action] = []
        self.be(*present)

    def be(self, *present: ParticipantId, **changed: Member) -> list[Action]:
        """These, and no others, are there."""
        self.members = {who: self.members.get(who, Member(who)) for who in present}
        return self.update()

    def mark(
        self, who: ParticipantId, *, hindrance: Reason | None = None, connected: bool = True, host: str | None = None
    ) -> list[Action]:
        self.members[who] = Member(who, hindrance, connected, host)
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

    def until_start(self) -> float:
        """Seconds until the next attempt begins."""
        began = self.now
        while not any(isinstance(action, Tell) and action.signal.step is Step.START for action in self.pass_time(1)):
            assert self.now < began + 10_000, "nothing is tried again"
        return self.now - began

    def commit(self) -> None:
        self.say(A, Step.READY)
        self.say(B, Step.READY)
        assert self.call.state is State.DIRECT

    def keep(self, actions: Sequence[Action]) -> list[Action]:
        self.said += actions
        return list(actions)


def direct() -> Room:
    room = Room(A, B)
    room.pass_time(0)
    room.commit()
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


def test_a_path_that_cannot_be_is_tried_ever_more_rarely() -> None:
    room = Room(A, B)
    room.pass_time(0)
    rests = []
    for _ in range(7):
        room.say(A, Step.LOST, reason="failed")
        rests.append(room.until_start())
    assert rests == [60, 120, 240, 480, 600, 600, 600]


@pytest.mark.parametrize("change", ["network", "page", "somebody else"])
def test_what_changes_a_path_ends_the_rest_and_its_growth(change: str) -> None:
    room = Room(A, B)
    room.mark(A, host="192.0.2.1")
    room.pass_time(0)
    for _ in range(4):
        room.say(A, Step.LOST, reason="failed")
        room.until_start()
    room.say(A, Step.LOST, reason="failed")
    room.pass_time(30)
    if change == "network":
        room.mark(A, host="192.0.2.1")
        assert room.pass_time(30) == [], "the same address is no other network"
        room.mark(A, host=None)
        room.mark(A, host="198.51.100.7")
    elif change == "page":
        room.mark(A, hindrance=Reason.SIGNALLING)
        room.mark(A)
    else:
        room.be(A, C)
    assert room.until_start() <= RETURN_S + 1
    room.say(A, Step.LOST, reason="failed")
    assert room.until_start() == REST_S


def test_a_network_that_changes_while_a_third_is_there_counts_too() -> None:
    room = Room(A, B)
    room.mark(A, host="192.0.2.1")
    room.pass_time(0)
    room.say(A, Step.LOST, reason="failed")
    room.be(A, B, C)
    room.mark(A, host="198.51.100.7")
    room.be(A, B)
    assert room.until_start() <= RETURN_S + 1


def test_a_path_that_dies_once_is_taken_again_and_one_that_keeps_dying_is_left_alone() -> None:
    room = direct()
    waits = []
    for _ in range(5):
        room.pass_time(3)
        room.say(A, Step.LOST, reason="silence")
        waits.append(room.until_start())
        room.commit()
    assert waits == [RETURN_S, 60, 120, 240, 480]
    room.pass_time(REST_S)
    room.say(A, Step.LOST, reason="silence")
    assert room.until_start() == RETURN_S, "this one lasted"


def test_a_call_that_lasted_ends_the_growth() -> None:
    room = Room(A, B)
    room.pass_time(0)
    for _ in range(3):
        room.say(A, Step.LOST, reason="failed")
        room.until_start()
    room.commit()
    room.pass_time(REST_S)
    room.say(A, Step.LOST, reason="loss")
    assert room.until_start() == REST_S


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


def test_pictures_are_wanted_and_not_for_as_long_as_a_call_lasts_but_not_all_the_time() -> None:
    room = direct()
    for number in range(1_000):
        room.pass_time(1 / VIDEO_PER_SECOND)
        assert room.say(A, Step.VIDEO, wanted=bool(number % 2))
    for _ in range(VIDEO_BURST):
        room.say(B, Step.VIDEO, wanted=True)
    with pytest.raises(SignalRefusedError) as caught:
        room.say(B, Step.VIDEO, wanted=False)
    assert (caught.value.kind, caught.value.code) == ("rate_limited", "rate_limited")
    room.pass_time(1 / VIDEO_PER_SECOND)
    assert room.say(B, Step.VIDEO, wanted=False)
    assert room.call.state is State.DIRECT


def test_the_table_leads_out_of_every_state() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State)
    assert all(TRANSITIONS[state, Event.STOPPED] is State.SERVER for state in (State.TRYING, State.DIRECT))
