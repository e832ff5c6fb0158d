"""The heap of deadlines: what is due comes up once, in order, and what was put off does not come up early for nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.timer_queue import TimerQueue


def test_owners_come_up_in_the_order_of_their_deadlines() -> None:
    queue: TimerQueue[str] = TimerQueue()
    for owner, when in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
        queue.call_by(owner, when)
    assert queue.next_time() == 1.0
    assert queue.pop_due(2.0, limit=10) == ["a", "b"]
    assert queue.pop_due(2.0, limit=10) == []
    assert queue.next_time() == 3.0


def test_an_earlier_deadline_replaces_a_later_one_and_not_the_other_way_round() -> None:
    queue: TimerQueue[str] = TimerQueue()
    queue.call_by("a", 5.0)
    queue.call_by("a", 9.0)
    assert len(queue) == 1
    assert queue.next_time() == 5.0
    queue.call_by("a", 2.0)
    assert queue.pop_due(10.0, limit=10) == ["a"]
    assert queue.next_time() is None
    assert len(queue) == 0


def test_who_is_forgotten_comes_up_no_more() -> None:
    queue: TimerQueue[str] = TimerQueue()
    queue.call_by("a", 1.0)
    queue.forget("a")
    queue.forget("never there")
    assert queue.pop_due(10.0, limit=10) == []
    queue.call_by("a", 4.0)
    assert queue.next_time() == 4.0


def test_the_forgotten_take_up_bounded_room() -> None:
    queue: TimerQueue[int] = TimerQueue()
    queue.call_by(-1, 7.0)
    for owner in range(10_000):
        queue.call_by(owner, 5.0)
        queue.forget(owner)
    assert len(queue) < 100
    assert queue.pop_due(10.0, limit=10) == [-1]


def test_no_more_than_the_limit_at_once() -> None:
    queue: TimerQueue[int] = TimerQueue()
    for owner in range(10):
        queue.call_by(owner, 1.0)
    assert queue.pop_due(1.0, limit=4) == [0, 1, 2, 3]
    assert len(queue.pop_due(1.0, limit=100)) == 6


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 100)), max_size=60))
@settings(deadline=None)
def test_every_owner_comes_up_at_its_earliest_deadline(calls: list[tuple[int, float]]) -> None:
    queue: TimerQueue[int] = TimerQueue()
    for owner, when in calls:
        queue.call_by(owner, when)
    earliest = {owner: min(when for other, when in calls if other == owner) for owner, _ in calls}
    order = [queue.pop_due(1_000.0, limit=1)[0] for _ in earliest]
    assert sorted(order) == sorted(earliest)
    assert [earliest[owner] for owner in order] == sorted(earliest.values())
