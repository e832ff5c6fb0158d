"""Host candidates: what is advertised, in what order, and never an address that nobody can reach."""

from sfu.candidates import host_candidates, interface_addresses


def test_candidates_are_what_clients_can_reach() -> None:
    (one,) = host_candidates(("192.0.2.1", 3478), ())
    assert one.address == ("192.0.2.1", 3478)
    assert one.priority == (126 << 24) + (65_535 << 8) + 255
    two = host_candidates(("0.0.0.0", 3478), ("198.51.100.1", "2001:db8::1"))
    assert [candidate.address for candidate in two] == [("198.51.100.1", 3478), ("2001:db8::1", 3478)]
    assert two[0].priority > two[1].priority
    assert len({candidate.foundation for candidate in two}) == 2
    everywhere = host_candidates(("0.0.0.0", 3478), ())
    assert everywhere
    assert all(candidate.address[0] != "0.0.0.0" for candidate in everywhere)
    assert [candidate.address[0] for candidate in everywhere] == interface_addresses((4,))
