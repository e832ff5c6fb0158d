"""Host candidates: what is advertised, in what order, and never an address that nobody can reach."""

from dataclasses import replace
from itertools import pairwise

from sfu.candidates import FIRST_PREFERENCE, LAST_PREFERENCE, host_candidates, interface_addresses, raised
from sfu.protocol.ice import Candidate
from sfu.protocol.sdp import candidate_line, parse, serialize
from tests.unit.negotiation_help import load


def test_candidates_are_what_clients_can_reach() -> None:
    (one,) = host_candidates(("192.0.2.1", 3478), ())
    assert one.address == ("192.0.2.1", 3478)
    assert one.priority == (126 << 24) + (FIRST_PREFERENCE << 8) + 255
    two = host_candidates(("0.0.0.0", 3478), ("198.51.100.1", "2001:db8::1"))
    assert [candidate.address for candidate in two] == [("198.51.100.1", 3478), ("2001:db8::1", 3478)]
    assert two[0].priority > two[1].priority
    assert len({candidate.foundation for candidate in two}) == 2
    everywhere = host_candidates(("0.0.0.0", 3478), ())
    assert everywhere
    assert all(candidate.address[0] != "0.0.0.0" for candidate in everywhere)
    assert [candidate.address[0] for candidate in everywhere] == interface_addresses((4,))


def test_tcp_comes_after_udp_and_says_that_clients_connect() -> None:
    """RFC 6544, section 4.2 and 4.5."""
    udp, other, tcp, other_tcp = host_candidates(("0.0.0.0", 3478), ("198.51.100.1", "2001:db8::1"), tcp=True)
    assert [each.address for each in (tcp, other_tcp)] == [each.address for each in (udp, other)]
    assert udp.priority > other.priority > tcp.priority > other_tcp.priority
    assert tcp.priority == (90 << 24) + (FIRST_PREFERENCE << 8) + 255
    assert len({each.foundation for each in (udp, other, tcp, other_tcp)}) == 4
    line = candidate_line(tcp)
    offer = parse(load("chromium-data-only-1"))
    written = serialize(replace(offer, media=(replace(offer.media[0], candidates=(line,)),)))
    assert f" 1 tcp {tcp.priority} 198.51.100.1 3478 typ host tcptype passive\r\n" in written
    assert parse(written).media[0].candidates == (line,)


def test_each_restart_makes_paths_that_win_over_those_before() -> None:
    """Whatever they go over; yet UDP wins over TCP."""
    both = host_candidates(("0.0.0.0", 3478), ("198.51.100.1", "2001:db8::1"), tcp=True)
    assert min(c.priority for c in both if not c.tcp) > max(c.priority for c in raised(both, 10**9) if c.tcp)
    for tcp in (False, True):
        check_restarts(tuple(c for c in both if c.tcp is tcp), 90 if tcp else 126)


def check_restarts(first: tuple[Candidate, ...], type_preference: int) -> None:
    answers = [raised(first, restarts) for restarts in range(90)]
    assert answers[0] == first
    assert all(min(c.priority for c in new) > max(c.priority for c in old) for old, new in pairwise(answers))
    assert [c.address for c in answers[-1]] == [c.address for c in first]
    endless = raised(first, 10**9)
    assert {c.priority >> 24 for c in endless} == {type_preference}
    assert max(c.priority for c in endless) >> 8 & 0xFFFF == LAST_PREFERENCE
