"""The ICE-lite agent in virtual time: what it answers, whom it believes, whom it follows, and when it gives up."""

import random
from typing import Any

import aioice.stun as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.ids import Ufrag
from sfu.protocol import ice, stun
from sfu.protocol.ice import (
    AddressDropped,
    AddressSelected,
    AddressValidated,
    Credentials,
    CredentialsRetired,
    Expired,
    IceAgent,
    IceEvent,
    Resumed,
    Silent,
)

OURS = Credentials(Ufrag("ours"), "password-password-pass")
NEWER = Credentials(Ufrag("newer"), "another-password-yes-yes")
HOME = ("192.0.2.1", 5_000)
CAFE = ("198.51.100.9", 6_000)


def check(
    credentials: Credentials = OURS, *, use: bool = False, drop: tuple[str, ...] = (), controlled: int | None = None
) -> stun.StunMessage:
    attributes: dict[str, Any] = {
        "USERNAME": f"{credentials.ufrag}:theirs",
        "PRIORITY": 1_853_824_767,
        "ICE-CONTROLLING": 1,
        **({"USE-CANDIDATE": None} if use else {}),
        **({"ICE-CONTROLLED": controlled} if controlled is not None else {}),
    }
    message = oracle.Message(
        oracle.Method.BINDING,
        oracle.Class.REQUEST,
        attributes={name: value for name, value in attributes.items() if name not in drop},
    )
    message.add_message_integrity(credentials.password.encode())
    return stun.parse(bytes(message))


def events(agent: IceAgent) -> list[IceEvent]:
    found = []
    while (event := agent.next_event()) is not None:
        found.append(event)
    return found


def agent_at(now: float = 0.0, first_check_s: float = ice.CONSENT_S) -> IceAgent:
    return IceAgent(OURS, now, first_check_s=first_check_s)


def connected() -> IceAgent:
    agent = agent_at()
    agent.receive(check(), HOME, 0.0)
    events(agent)
    return agent


def refused(agent: IceAgent, request: stun.StunMessage, source: stun.Address = HOME) -> tuple[int | None, str | None]:
    """(error code of the answer, name of the refusal); nothing else may have happened."""
    answer, refusal = agent.receive(request, source, 1.0)
    assert events(agent) == []
    return (stun.parse(answer).error_code if answer is not None else None), refusal


def test_the_first_valid_check_validates_and_selects() -> None:
    agent = agent_at()
    request = check()
    answer, refusal = agent.receive(request, HOME, 1.0)
    assert refusal is None
    assert answer is not None
    read = oracle.parse_message(answer)
    assert read.message_class is oracle.Class.RESPONSE
    assert read.attributes["XOR-MAPPED-ADDRESS"] == HOME
    assert read.check_message_integrity(OURS.password.encode())
    assert events(agent) == [AddressValidated(HOME), AddressSelected(HOME)]
    assert agent.selected == HOME


def test_another_address_is_validated_but_only_use_candidate_selects_it() -> None:
    agent = connected()
    agent.receive(check(), CAFE, 1.0)
    assert events(agent) == [AddressValidated(CAFE)]
    assert agent.selected == HOME
    agent.receive(check(use=True), CAFE, 2.0)
    assert events(agent) == [AddressSelected(CAFE)]
    agent.receive(check(use=True), CAFE, 3.0)
    assert events(agent) == []
    agent.receive(check(use=True), HOME, 4.0)
    assert events(agent) == [AddressSelected(HOME)]


def test_a_client_that_checks_from_elsewhere_only_is_followed_without_a_nomination() -> None:
    agent = connected()
    agent.receive(check(), HOME, 5.0)
    agent.receive(check(), CAFE, 5.0 + ice.FOLLOW_S - 0.1)
    assert events(agent) == [AddressValidated(CAFE)], "the selected address has missed no check yet"
    agent.receive(check(), CAFE, 5.0 + ice.FOLLOW_S)
    assert events(agent) == [AddressSelected(CAFE)]
    assert agent.selected == CAFE


def test_an_address_that_ends_gives_way_to_another_and_leaves_consent_as_it_was() -> None:
    """A TCP connection was closed: the client may come back by another until consent runs out."""
    tcp = (*HOME, 1)
    agent = connected()
    agent.receive(check(use=True), tcp, 1.0)
    assert events(agent) == [AddressValidated(tcp), AddressSelected(tcp)]
    agent.lose_address(CAFE)
    assert events(agent) == []
    agent.lose_address(tcp)
    assert events(agent) == [AddressDropped(tcp), AddressSelected(HOME)]
    agent.lose_address(HOME)
    assert events(agent) == [AddressDropped(HOME)]
    assert agent.selected is None
    assert agent.next_timer() == 1.0 + ice.CONSENT_S
    agent.handle_timer(1.0 + ice.CONSENT_S - 0.1)
    assert not agent.expired
    again = (*HOME, 2)
    agent.receive(check(use=True), again, 30.0)
    assert events(agent) == [AddressValidated(again), AddressSelected(again)]
    agent.lose_address(again)
    agent.handle_timer(30.0 + ice.CONSENT_S)
    assert agent.expired


def test_a_client_that_checks_both_of_its_addresses_stays() -> None:
    agent = connected()
    for number in range(1, 10):
        agent.receive(check(use=True), HOME, 2.5 * number)
        agent.receive(check(), CAFE, 2.5 * number + 2.4)
    assert events(agent) == [AddressValidated(CAFE)]
    assert agent.selected == HOME


def test_a_forged_check_changes_nothing() -> None:
    agent = connected()
    forged = check(Credentials(OURS.ufrag, "not-the-password-at-all!"), use=True)
    assert refused(agent, forged, CAFE) == (stun.UNAUTHENTICATED, "stun_bad_integrity")
    assert refused(agent, check(NEWER, use=True), CAFE) == (stun.UNAUTHENTICATED, "stun_unknown_ufrag")
    assert agent.selected == HOME


def test_role_conflict_is_the_clients_to_resolve() -> None:
    agent = agent_at()
    request = check(drop=("ICE-CONTROLLING",), controlled=2**64 - 1)
    answer, refusal = agent.receive(request, HOME, 0.0)
    assert refusal == "ice_role_conflict"
    assert answer is not None
    read = oracle.parse_message(answer)
    assert read.error_code == stun.ROLE_CONFLICT
    assert read.check_message_integrity(OURS.password.encode()), "an unauthenticated 487 would be ignored"
    assert events(agent) == []


def test_a_check_without_a_role_is_answered() -> None:
    answer, refusal = agent_at().receive(check(drop=("ICE-CONTROLLING",)), HOME, 0.0)
    assert refusal is None
    assert answer is not None


def test_half_a_credential_is_a_bad_request() -> None:
    assert refused(agent_at(), check(drop=("USERNAME",))) == (stun.BAD_REQUEST, "stun_bad_request")


def test_no_integrity_no_fingerprint_no_request() -> None:
    unsigned = oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST, attributes={"USERNAME": "ours:theirs"})
    unsigned.add_fingerprint()
    assert refused(agent_at(), stun.parse(bytes(unsigned))) == (stun.BAD_REQUEST, "stun_bad_request")
    bare = stun.build(
        stun.Kind.REQUEST,
        bytes(12),
        [(stun.Attribute.USERNAME, b"ours:theirs")],
        key=OURS.password.encode(),
        fingerprint=False,
    )
    assert refused(agent_at(), stun.parse(bare)) == (None, "stun_no_fingerprint")
    for kind in (stun.Kind.INDICATION, stun.Kind.SUCCESS, stun.Kind.ERROR):
        data = stun.build(kind, bytes(12), [(stun.Attribute.USERNAME, b"ours:x")], key=OURS.password.encode())
        assert refused(agent_at(), stun.parse(data)) == (None, "stun_not_a_request")


def test_an_attribute_that_must_be_understood_is_refused_after_authentication() -> None:
    attributes = [(stun.Attribute.USERNAME, b"ours:x"), (0x7001, b"")]
    data = stun.build(stun.Kind.REQUEST, bytes(12), attributes, key=OURS.password.encode())
    assert refused(agent_at(), stun.parse(data)) == (stun.UNKNOWN_ATTRIBUTE, "stun_unknown_attribute")
    forged = stun.build(stun.Kind.REQUEST, bytes(12), attributes, key=b"wrong")
    assert refused(agent_at(), stun.parse(forged)) == (stun.UNAUTHENTICATED, "stun_bad_integrity")


def test_silence_is_reported_once_and_ends_with_the_next_check() -> None:
    agent = connected()
    assert agent.next_timer() == ice.SILENCE_S
    agent.handle_timer(ice.SILENCE_S - 0.001)
    assert events(agent) == []
    agent.handle_timer(ice.SILENCE_S)
    agent.handle_timer(ice.SILENCE_S + 1)
    assert events(agent) == [Silent()]
    agent.receive(check(), HOME, 20.0)
    assert events(agent) == [Resumed()]
    assert agent.next_timer() == 20.0 + ice.SILENCE_S


def test_media_is_life_but_no_consent() -> None:
    agent = connected()
    for now in range(1, 30):
        agent.note_life(float(now))
        agent.handle_timer(float(now))
    assert events(agent) == []
    agent.handle_timer(30.0)
    assert events(agent) == [AddressDropped(HOME), Expired()]


def test_consent_expires_for_good() -> None:
    agent = connected()
    agent.handle_timer(29.999)
    assert events(agent) == [Silent()]
    assert agent.next_timer() == 30.0
    agent.handle_timer(30.0)
    assert events(agent) == [AddressDropped(HOME), Expired()]
    assert agent.selected is None
    assert agent.next_timer() is None
    assert refused(agent, check()) == (None, "ice_expired")
    agent.handle_timer(99.0)
    assert events(agent) == []


def test_without_a_first_check_it_expires_too() -> None:
    agent = agent_at(100.0, first_check_s=5.0)
    assert agent.next_timer() == 105.0
    agent.handle_timer(104.9)
    assert events(agent) == []
    agent.handle_timer(105.0)
    assert events(agent) == [Expired()]


def test_an_address_without_consent_is_dropped_and_the_freshest_takes_over() -> None:
    agent = connected()
    agent.receive(check(), CAFE, ice.FOLLOW_S - 0.1)
    agent.note_life(29.0)
    events(agent)
    agent.handle_timer(30.0)
    assert events(agent) == [AddressDropped(HOME), AddressSelected(CAFE)]


def test_an_address_is_yielded_only_after_silence() -> None:
    agent = connected()
    assert agent.yield_address(CAFE, 1.0), "it is not ours"
    assert not agent.yield_address(HOME, ice.SILENCE_S - 0.1)
    assert events(agent) == []
    assert agent.yield_address(HOME, ice.SILENCE_S)
    assert events(agent) == [AddressDropped(HOME)]
    assert agent.selected is None
    assert agent.next_timer() == 30.0, "without an address it lives on until consent expires"
    agent.receive(check(), CAFE, 20.0)
    assert events(agent) == [AddressValidated(CAFE), AddressSelected(CAFE)]


def test_an_address_of_another_client_is_not_taken() -> None:
    asked: list[tuple[stun.Address, float]] = []

    def ask(address: stun.Address, now: float) -> bool:
        asked.append((address, now))
        return address != CAFE

    agent = IceAgent(OURS, 0.0, may_have=ask)
    forged = check(Credentials(OURS.ufrag, "not-the-password-at-all!"))
    refused(agent, forged, CAFE)
    assert asked == [], "only who has authenticated is asked for"
    assert refused(agent, check(use=True), CAFE) == (None, "ice_address_taken")
    agent.receive(check(), HOME, 2.0)
    agent.receive(check(), HOME, 3.0)
    assert asked == [(CAFE, 1.0), (HOME, 2.0)]
    assert agent.addresses == (HOME,)


def test_addresses_are_bounded_and_the_selected_one_stays() -> None:
    agent = connected()
    for port in range(1, 20):
        agent.receive(check(), ("203.0.113.1", port), port / 10)
    dropped = [event.address for event in events(agent) if isinstance(event, AddressDropped)]
    assert dropped == [("203.0.113.1", port) for port in range(1, 13)]
    assert agent.selected == HOME


def test_old_credentials_live_until_the_new_ones_are_used() -> None:
    agent = connected()
    agent.restart(NEWER)
    assert agent.local == NEWER
    assert set(agent.ufrags) == {"ours", "newer"}
    answer, refusal = agent.receive(check(OURS), HOME, 1.0)
    assert refusal is None
    assert oracle.parse_message(answer or b"").check_message_integrity(OURS.password.encode())
    answer, refusal = agent.receive(check(NEWER), CAFE, 2.0)
    assert refusal is None
    assert oracle.parse_message(answer or b"").check_message_integrity(NEWER.password.encode())
    assert events(agent) == [CredentialsRetired(OURS.ufrag), AddressValidated(CAFE)]
    assert agent.selected == HOME, "media stays on the old path until the new one is nominated"
    assert refused(agent, check(OURS)) == (stun.UNAUTHENTICATED, "stun_unknown_ufrag")
    agent.receive(check(NEWER, use=True), CAFE, 3.0)
    assert events(agent) == [AddressSelected(CAFE)]


def test_a_forged_check_with_the_new_ufrag_does_not_retire_the_old_one() -> None:
    agent = connected()
    agent.restart(NEWER)
    refused(agent, check(Credentials(NEWER.ufrag, OURS.password)))
    assert agent.receive(check(OURS), HOME, 1.0)[1] is None


def test_restarting_again_and_again_keeps_two_credentials() -> None:
    agent = connected()
    for number in range(50):
        agent.restart(Credentials(Ufrag(f"restart-{number}"), "x" * 22))
        assert len(agent.ufrags) == 2
    retired = [event.ufrag for event in events(agent) if isinstance(event, CredentialsRetired)]
    assert retired == [f"restart-{number}" for number in range(49)]
    assert agent.receive(check(OURS), HOME, 1.0)[1] is None


def test_credentials_have_the_entropy_that_the_rfc_asks_for() -> None:
    made = {ice.random_credentials() for _ in range(200)}
    assert len({one.ufrag for one in made}) == len({one.password for one in made}) == 200
    assert all(len(one.ufrag) >= 4 and len(one.password) >= 22 for one in made)
    assert all((one.ufrag + one.password).isalnum() for one in made)


@given(st.integers(0, 2**32), st.integers(1, 150))
@settings(deadline=None)
def test_whatever_happens_the_books_agree_with_the_events(seed: int, steps: int) -> None:
    """Addresses reported validated and not dropped are those held; the selected one is among them; expiry ends all."""
    choose = random.Random(seed)
    agent, now = agent_at(), 0.0
    held: list[stun.Address] = []
    selected: stun.Address | None = None
    expired = False
    for _ in range(steps):
        now += choose.choice((0.0, 0.1, 3.0, 12.0))
        action = choose.random()
        source = ("203.0.113.5", choose.randrange(12))
        if action < 0.6:
            agent.receive(check(agent.local, use=choose.random() < 0.3), source, now)
        elif action < 0.7:
            agent.receive(check(Credentials(agent.local.ufrag, "wrong" * 5), use=True), source, now)
        elif action < 0.75:
            agent.restart(ice.random_credentials())
        elif action < 0.8:
            yielded = agent.yield_address(source, now)
            if yielded and source == selected:
                selected = None
        else:
            agent.handle_timer(now)
        for event in events(agent):
            assert not expired
            match event:
                case AddressValidated(address):
                    held.append(address)
                case AddressDropped(address):
                    held.remove(address)
                case AddressSelected(address):
                    assert address in held
                    selected = address
                case Expired():
                    expired, selected = True, None
                    assert held == []
        assert len(held) <= ice.MAX_ADDRESSES
        assert len(agent.ufrags) <= 2
        assert agent.selected == selected
        assert agent.expired is expired
