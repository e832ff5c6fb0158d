"""The waiting room against a model: nobody is lost, nobody is counted twice, and its bounds hold in any order of events."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sfu.config import Settings
from sfu.errors import LimitError
from sfu.events import Admitted, Closed, RoomEvent, TurnedAway, WaitingListChanged
from sfu.ids import ParticipantId, new_participant_id
from sfu.permissions import JoinRequest
from sfu.reception import TELL_INTERVAL_S, Reception
from sfu.room_state import RoomState
from sfu.waiting_room import Waiting

LIMIT, WAIT_S, RESUME_S, PLACES = 4, 60.0, 15.0, 3


class Person:
    """One who waits, and what they were told."""

    def __init__(self) -> None:
        self.told: list[RoomEvent] = []
        self.waiting: Waiting | None = None
        self.connected = True

    def listen(self, event: RoomEvent) -> None:
        self.told.append(event)


class Door(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1_000.0
        self.inside = 0
        self.lists: list[WaitingListChanged] = []
        self.people: list[Person] = []
        limits = Settings(max_waiting=LIMIT, waiting_seconds=WAIT_S, resume_seconds=RESUME_S)
        self.reception = Reception(limits, enter=self.enter, tell=self.lists.append, now=lambda: self.now_s)

    def enter(self, request: JoinRequest, listener: Any, token: str) -> ParticipantId:
        if self.inside >= PLACES:
            raise LimitError("full", code="room_full")
        self.inside += 1
        return new_participant_id()

    @property
    def here(self) -> list[Person]:
        present = set(self.reception.waiting)
        return [person for person in self.people if person.waiting in present]

    @rule()
    def come(self) -> None:
        person = Person()
        if len(self.reception.waiting) == LIMIT:
            with pytest.raises(LimitError) as caught:
                self.reception.wait(JoinRequest("x"), person.listen)
            assert caught.value.code == "waiting_room_full"
            return
        person.waiting = self.reception.wait(JoinRequest("x"), person.listen)
        self.people.append(person)

    @rule(which=st.integers(0, 9))
    def lose(self, which: int) -> None:
        if self.here:
            person = self.here[which % len(self.here)]
            assert person.waiting is not None
            self.reception.waiting.detach(person.waiting, self.now_s)
            person.connected = False

    @rule(which=st.integers(0, 9))
    def come_back(self, which: int) -> None:
        if self.here:
            person = self.here[which % len(self.here)]
            assert person.waiting is not None
            assert self.reception.waiting.find(person.waiting.resume_token) is person.waiting
            connected, before = person.connected, len(person.told)
            self.reception.waiting.attach(person.waiting, person.listen)
            assert person.told[before:] == ([Closed("replaced")] if connected else [])
            person.connected = True

    @rule(which=st.none() | st.sets(st.integers(0, 20), max_size=4))
    def admit(self, which: set[int] | None) -> None:
        ids = None if which is None else [p.waiting.id for n, p in enumerate(self.people) if n in which and p.waiting]
        try:
            self.reception.admit(ids)
        except LimitError:
            assert self.inside == PLACES

    @rule(which=st.sets(st.integers(0, 20), max_size=4))
    def refuse(self, which: set[int]) -> None:
        self.reception.refuse([p.waiting.id for n, p in enumerate(self.people) if n in which and p.waiting])

    @rule()
    def somebody_inside_leaves(self) -> None:
        self.inside = max(0, self.inside - 1)

    @rule(seconds=st.sampled_from([0.1, 1.0, 14.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds
        self.reception.tick(self.now_s)
        for person in self.here:
            assert person.waiting is not None
            assert self.now_s - person.waiting.since_s < WAIT_S
            assert person.connected or self.now_s - (person.waiting.lost_s or 0.0) < RESUME_S

    @invariant()
    def bounds_hold_and_everybody_knows_where_they_are(self) -> None:
        waiting = list(self.reception.waiting)
        assert len(waiting) == len({one.id for one in waiting}) <= LIMIT
        assert waiting == sorted(waiting, key=lambda one: one.since_s)
        for person in self.people:
            ends = [event for event in person.told if isinstance(event, Admitted | TurnedAway)]
            assert len(ends) <= 1
            if person in self.here:
                assert not ends
            elif person.connected:
                assert len(ends) == 1

    def teardown(self) -> None:
        self.now_s += TELL_INTERVAL_S
        self.reception.tick(self.now_s)
        if self.lists:
            assert self.lists[-1].waiting == self.reception.waiting.view


TestDoor = Door.TestCase
TestDoor.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_administrators_are_told_at_once_and_then_at_most_four_times_a_second() -> None:
    lists: list[WaitingListChanged] = []
    now_s = 5.0
    reception = Reception(Settings(), enter=lambda *_: new_participant_id(), tell=lists.append, now=lambda: now_s)
    for _ in range(10):
        reception.wait(JoinRequest("x"), lambda _: None)
    assert [len(told.waiting) for told in lists] == [1]
    now_s += TELL_INTERVAL_S
    reception.tick(now_s)
    reception.tick(now_s + 0.1)
    assert [len(told.waiting) for told in lists] == [1, 10]


def test_a_lock_comes_before_waiting_and_neither_stops_an_administrator() -> None:
    reception = Reception(Settings(), enter=lambda *_: new_participant_id(), tell=lambda _: None)
    guest = JoinRequest("x", identity="guest")
    assert not reception.must_wait(guest, RoomState())
    reception.remember_removed("guest")
    reception.remember_removed(None)
    assert reception.must_wait(guest, RoomState())
    assert not reception.must_wait(JoinRequest("nobody"), RoomState())
    with pytest.raises(Exception, match="locked"):
        reception.must_wait(guest, RoomState(locked=True, waiting_room=True))


def test_one_address_takes_its_share_of_the_places_and_leaves_the_rest_to_others() -> None:
    reception = Reception(
        Settings(max_waiting=5, max_waiting_per_address=2), enter=lambda *_: new_participant_id(), tell=lambda _: None
    )

    def come(address: str | None) -> Waiting:
        return reception.wait(JoinRequest("x", address=address), lambda _: None)

    first = come("192.0.2.1")
    come("192.0.2.1")
    for _ in range(3):
        with pytest.raises(LimitError, match="of your address") as refused:
            come("192.0.2.1")
        assert refused.value.code == "waiting_room_full"
    come("192.0.2.2")
    come(None)
    reception.withdraw(first)
    come("192.0.2.1")
    come(None)
    with pytest.raises(LimitError, match="5 wait"):
        come("192.0.2.3")
