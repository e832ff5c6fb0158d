"""The ICE agent whose routine checks are answered elsewhere: consent, silence and selection are the same."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.protocol import stun
from sfu.protocol.ice import AddressDropped, Expired, Resumed, Silent
from tests.unit.test_ice_agent import CAFE, HOME, NEWER, OURS, agent_at, check, connected, events


def test_checks_answered_elsewhere_renew_consent_and_are_life() -> None:
    agent = connected()
    agent.receive(check(), CAFE, 1.0)
    events(agent)
    agent.note_checks({HOME: 7.0, CAFE: 0.5, ("203.0.113.1", 1): 7.5}, 7.9)
    assert agent.addresses == (CAFE, HOME)
    assert agent.next_timer() == 15.0
    agent.handle_timer(14.9)
    assert events(agent) == []
    assert not agent.yield_address(HOME, 14.9)
    assert agent.yield_address(CAFE, 14.9)
    assert events(agent) == [AddressDropped(CAFE)]
    agent.note_checks({HOME: 7.0}, 36.9)
    agent.handle_timer(36.9)
    assert events(agent) == [Silent()]
    agent.note_checks({HOME: 20.0}, 36.9)
    agent.handle_timer(36.9)
    assert events(agent) == [], "it is as silent as before"
    agent.note_checks({HOME: 30.0}, 37.0)
    assert events(agent) == [Resumed()]
    agent.note_checks({HOME: 30.0}, 60.0)
    agent.handle_timer(60.0)
    assert events(agent) == [AddressDropped(HOME), Expired()]


@given(st.integers(0, 2**32), st.integers(1, 100))
@settings(deadline=None)
def test_it_does_not_matter_who_answers_routine_checks(seed: int, steps: int) -> None:
    """Two agents of one client: one sees every check, the other learns of the routine ones when it next has to decide."""
    choose = random.Random(seed)
    direct, told, now = agent_at(), agent_at(), 0.0
    times: dict[stun.Address, float] = {}
    silent = False
    for _ in range(steps):
        now += choose.choice((0.5, 2.5, 7.0, 12.0))
        source = ("203.0.113.5", choose.randrange(3))
        told.note_checks(times, now)
        direct.handle_timer(now)
        told.handle_timer(now)
        found = events(direct)
        assert events(told) == found
        silent = silent or Silent() in found
        if source == told.selected and not silent and choose.random() < 0.8:
            direct.receive(check(), source, now)
            assert events(direct) == []
            times[source] = now
        else:
            use = choose.random() < 0.3
            direct.receive(check(use=use), source, now)
            told.receive(check(use=use), source, now)
            found = events(direct)
            assert events(told) == found
            silent = silent and Resumed() not in found
        told.note_checks(times, now)
        assert (told.selected, told.addresses, told.expired) == (direct.selected, direct.addresses, direct.expired)
        assert told.next_timer() == direct.next_timer()


def test_the_credentials_in_use_are_the_clients() -> None:
    agent = connected()
    assert agent.in_use == OURS
    agent.restart(NEWER)
    assert agent.in_use == OURS
    agent.receive(check(NEWER), HOME, 1.0)
    assert agent.in_use == NEWER
