"""Places for HTTP connections: who is silent loses its own, who is many gets no more than its share, in virtual time."""

import ipaddress
import resource

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from signaling.connections import Connections, most_connections

PROXIES = (ipaddress.ip_network("10.0.0.0/8"),)


class Table:
    """A table of four places, two for one address, and who was cut."""

    def __init__(self) -> None:
        self.table = Connections(4, 2, 10.0, PROXIES)
        self.cut: list[str] = []

    def enter(self, who: str, peer: str, now_s: float = 0.0) -> bool:
        return self.table.enter(who, peer, lambda: self.cut.append(who), now_s)


def test_who_sends_nothing_is_cut_in_time_and_nobody_else() -> None:
    one = Table()
    assert one.enter("silent", "192.0.2.1", 5.0)
    assert one.enter("heard", "192.0.2.1", 6.0)
    one.table.heard("heard")
    assert one.table.next_time() == 15.0
    one.table.expire(14.9)
    assert one.cut == []
    one.table.expire(15.0)
    assert (one.cut, len(one.table), one.table.next_time()) == (["silent"], 1, None)
    one.table.expire(1e9)
    one.table.leave("silent")  # its end is reported after it was cut
    assert len(one.table) == 1
    assert one.table.closed["no_request"] == 1


def test_one_address_has_its_share() -> None:
    one = Table()
    assert one.enter("a", "192.0.2.1")
    assert one.enter("b", "::ffff:192.0.2.1")
    assert not one.enter("c", "192.0.2.1")
    assert one.enter("d", "192.0.2.2")
    one.table.leave("a")
    one.table.leave("a")
    assert one.enter("c", "192.0.2.1")
    assert not one.enter("e", "192.0.2.1")
    assert one.table.closed["too_many_from_address"] == 2


def test_a_network_of_ipv6_is_one_address_and_a_proxy_is_none() -> None:
    one = Table()
    assert [one.enter(str(n), f"2001:db8::{n}") for n in range(3)] == [True, True, False]
    other = Table()
    assert all(other.enter(str(n), "10.1.2.3") for n in range(4))


def test_silence_keeps_nobody_out() -> None:
    one = Table()
    for number in range(4):
        assert one.enter(f"silent {number}", f"192.0.2.{number}", float(number))
    one.table.heard("silent 0")
    assert one.enter("new", "192.0.2.9", 5.0)
    assert one.cut == ["silent 1"]
    for who in ("silent 2", "silent 3", "new"):
        one.table.heard(who)
    assert not one.enter("too late", "192.0.2.10", 6.0)
    assert (one.table.closed["made_place"], one.table.closed["too_many"], len(one.table)) == (1, 1, 4)


def test_a_process_of_few_files_takes_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1_000, 2_000))
    assert most_connections(10_000) == 750
    assert most_connections(100) == 100
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert most_connections(10_000) == 10_000


class Model(RuleBasedStateMachine):
    """Any order of events: the table and a plain list agree about who is in."""

    def __init__(self) -> None:
        super().__init__()
        self.one = Table()
        self.now_s, self.number = 0.0, 0
        self.inside: dict[str, str] = {}

    @rule(host=st.integers(1, 3))
    def come(self, host: int) -> None:
        self.number += 1
        who, peer = f"{self.number}", f"192.0.2.{host}"
        if self.one.enter(who, peer, self.now_s):
            self.inside[who] = peer
        self.forget_cut()

    @rule(data=st.data())
    def one_goes(self, data: st.DataObject) -> None:
        if self.inside:
            who = data.draw(st.sampled_from(sorted(self.inside)))
            self.one.table.leave(who)
            del self.inside[who]

    @rule(data=st.data())
    def one_speaks(self, data: st.DataObject) -> None:
        if self.inside:
            self.one.table.heard(data.draw(st.sampled_from(sorted(self.inside))))

    @rule(seconds=st.floats(0, 6))
    def time_goes_by(self, seconds: float) -> None:
        self.now_s += seconds
        self.one.table.expire(self.now_s)
        self.forget_cut()

    def forget_cut(self) -> None:
        for who in self.one.cut:
            self.inside.pop(who, None)
            self.one.table.leave(who)
        self.one.cut.clear()

    @invariant()
    def both_agree(self) -> None:
        assert len(self.one.table) == len(self.inside) <= 4
        hosts = list(self.inside.values())
        assert all(hosts.count(host) <= 2 for host in hosts)
        until_s = self.one.table.next_time()
        assert until_s is None or until_s > self.now_s


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=30)
