"""Routine connectivity checks end in the data plane: the agent's own answer, and nothing that the agent should have seen."""

import hmac
import struct
import zlib
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.dataplane import Address, Engine, StunReceived
from sfu.ids import Ufrag
from sfu.protocol import stun
from sfu.protocol.ice import Credentials, IceAgent
from sfu.protocol.stun import Attribute, Kind
from tests.engine.bed import Bed

pytestmark = pytest.mark.asan

OURS = Credentials(Ufrag("abcdEFGH"), "password-of-24-bytes-abc")
KEY = OURS.password.encode()
HOME: Address = ("192.0.2.1", 5_000)
CAFE: Address = ("2001:db8::7", 65_535)
TRANSACTION = bytes(range(12))
NAME = (Attribute.USERNAME, b"abcdEFGH:them")
PRIORITY = (Attribute.PRIORITY, b"\x6e\x7f\x1e\xff")
CONTROLLING = (Attribute.ICE_CONTROLLING, b"tiebreak")
NOMINATION = (Attribute.USE_CANDIDATE, b"")
NETWORK_COST = (0xC057, b"\x00\x01\x00\x0a")
PLAIN = (NAME, NETWORK_COST, CONTROLLING, NOMINATION, PRIORITY)
"""As Chromium sends them."""

Attributes = tuple[tuple[int, bytes], ...]


def check(attributes: Attributes = PLAIN, transaction: bytes = TRANSACTION, key: bytes = KEY) -> bytes:
    return stun.build(Kind.REQUEST, transaction, attributes, key=key)


def raw(attributes: bytes, *, kind: int = 1, length: int | None = None, cookie: int = stun.MAGIC_COOKIE) -> bytes:
    """Signed like a check, whatever is in it."""
    size = len(attributes) + 32 if length is None else length
    head = struct.pack("!HHI", kind, size - 8, cookie) + TRANSACTION
    body = attributes + b"\x00\x08\x00\x14" + hmac.digest(KEY, head + attributes, "sha1")
    head = struct.pack("!HHI", kind, size, cookie) + TRANSACTION
    return head + body + b"\x80\x28\x00\x04" + struct.pack("!I", zlib.crc32(head + body) ^ 0x5354554E)


class Side:
    """An engine with one transport, and an agent that follows the same client."""

    def __init__(self, *addresses: Address) -> None:
        self.now_us = 5_000_000
        self.engine = Engine(seed=1)
        self.transport = self.engine.add_transport()
        self.agent = IceAgent(OURS, 0.0)
        for address in addresses or (HOME,):
            self.engine.add_address(self.transport, address)
            self.agent.receive(stun.parse(check((NAME, CONTROLLING))), address, 1.0)
        self.engine.set_consent(self.transport, b"abcdEFGH:", KEY)

    def send(self, datagram: bytes, source: Address = HOME) -> bytes | None:
        """The data plane's answer, None if it handed the datagram up (unchanged)."""
        self.engine.receive(self.now_us, datagram, source)
        sent = self.engine.poll_transmit()
        event = self.engine.poll_event()
        assert self.engine.poll_transmit() is None
        assert self.engine.poll_event() is None
        if sent is None:
            assert event == StunReceived(datagram, source)
            return None
        assert event is None
        assert sent[1] == source
        return sent[0]

    def agent_says(self, datagram: bytes, source: Address = HOME) -> bytes | None:
        """The agent's answer to a check that changes nothing."""
        while self.agent.next_event() is not None:
            pass
        answer, refusal = self.agent.receive(stun.parse(datagram), source, 2.0)
        assert refusal is None
        assert self.agent.next_event() is None
        return answer


@pytest.mark.parametrize("source", [HOME, CAFE, ("fe80::1%7", 1), ("0.0.0.0", 0), ("255.255.255.255", 65_535)])
def test_a_routine_check_gets_the_agents_own_answer(source: Address) -> None:
    side = Side(source)
    answer = side.send(check(), source)
    assert answer is not None
    assert answer == side.agent_says(check(), source)
    assert side.engine.check_times_us(side.transport) == {source: 5_000_000}
    counters = side.engine.counters()
    assert counters.packets["in", "stun"] == counters.packets["out", "stun"] == 1
    assert counters.bytes["out"] == len(answer)
    assert side.engine.transport_stats(side.transport).packets_sent == 0


OPTIONAL = st.integers(0x8000, 0xFFFF).filter(lambda kind: kind not in (0x8028, 0x8029, 0x802A))


@given(
    st.binary(min_size=12, max_size=12),
    st.text(st.characters(max_codepoint=127), max_size=40),
    st.lists(st.tuples(OPTIONAL, st.binary(max_size=30)), max_size=4),
    st.booleans(),
    st.booleans(),
    st.randoms(use_true_random=False),
    st.sampled_from([HOME, CAFE]),
)
def test_the_same_bytes_as_the_agent(
    transaction: bytes,
    theirs: str,
    extra: list[tuple[int, bytes]],
    nominates: bool,
    ranked: bool,
    order: Random,
    source: Address,
) -> None:
    side = Side(source)
    attributes = [(Attribute.USERNAME, b"abcdEFGH:" + theirs.encode()), CONTROLLING, *extra]
    attributes += [NOMINATION] * nominates + [PRIORITY] * ranked
    order.shuffle(attributes)
    request = check(tuple(attributes), transaction)
    answer = side.send(request, source)
    assert answer is not None
    assert answer == side.agent_says(request, source)


def without(*kinds: int) -> Attributes:
    return tuple(one for one in PLAIN if one[0] not in kinds)


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


BODY = b"".join(attribute(*one) for one in PLAIN)
DEVIATIONS: dict[str, bytes] = {
    "no USERNAME": check(without(Attribute.USERNAME)),
    "no role": check(without(Attribute.ICE_CONTROLLING)),
    "our role": check((*without(Attribute.ICE_CONTROLLING), (Attribute.ICE_CONTROLLED, b"tiebreak"))),
    "both roles": check((*PLAIN, (Attribute.ICE_CONTROLLED, b"tiebreak"))),
    "another's ufrag": check((*without(Attribute.USERNAME), (Attribute.USERNAME, b"abcdEFGX:them"))),
    "half a ufrag": check((*without(Attribute.USERNAME), (Attribute.USERNAME, b"abcd"))),
    "no colon": check((*without(Attribute.USERNAME), (Attribute.USERNAME, b"abcdEFGH"))),
    "a longer ufrag": check((*without(Attribute.USERNAME), (Attribute.USERNAME, b"abcdEFGHI:them"))),
    "no UTF-8": check((*without(Attribute.USERNAME), (Attribute.USERNAME, b"abcdEFGH:\xff"))),
    "two names": check((*PLAIN, NAME)),
    "two nominations": check((*PLAIN, NOMINATION)),
    "unknown required": check((*PLAIN, (0x0077, b""))),
    "SHA-256": check((*PLAIN, (Attribute.MESSAGE_INTEGRITY_SHA256, bytes(32)))),
    "an address": check((*PLAIN, (Attribute.XOR_MAPPED_ADDRESS, bytes(8)))),
    "short PRIORITY": check((*without(Attribute.PRIORITY), (Attribute.PRIORITY, b"abc"))),
    "long tie-breaker": check((*without(Attribute.ICE_CONTROLLING), (Attribute.ICE_CONTROLLING, bytes(9)))),
    "a nomination with a value": check((*without(Attribute.USE_CANDIDATE), (Attribute.USE_CANDIDATE, b"a"))),
    "two signatures": check((*PLAIN, (Attribute.MESSAGE_INTEGRITY, bytes(20)))),
    "two fingerprints": check((*PLAIN, (Attribute.FINGERPRINT, bytes(4)))),
    "another key": check(key=b"password"),
    "unsigned": stun.build(Kind.REQUEST, TRANSACTION, PLAIN),
    "no fingerprint": stun.build(Kind.REQUEST, TRANSACTION, PLAIN, key=KEY, fingerprint=False),
    "only a fingerprint": stun.build(Kind.REQUEST, TRANSACTION),
    "an indication": raw(BODY, kind=0x0011),
    "a success": raw(BODY, kind=0x0101),
    "another method": raw(BODY, kind=0x0003),
    "another cookie": raw(BODY, cookie=0x2112A443),
    "a length short of the end": raw(BODY, length=len(BODY) + 28),
    "a length beyond the end": raw(BODY, length=len(BODY) + 36),
    "an attribute beyond the signature": raw(BODY + b"\xc0\x01\x00\x05"),
    "thirty-three attributes": raw(BODY + attribute(0xC001, b"") * 26),
    "too long": check((*PLAIN, (0xC001, bytes(500)))),
    "not whole words": raw(BODY + b"\xc0\x01\x00\x00\x00"),
}


@pytest.mark.parametrize("datagram", DEVIATIONS.values(), ids=DEVIATIONS)
def test_every_deviation_goes_up(datagram: bytes) -> None:
    side = Side()
    assert side.send(datagram) is None
    assert side.engine.check_times_us(side.transport) == {}
    assert side.send(check()) is not None


def test_thirty_two_attributes_are_not_too_many() -> None:
    assert Side().send(raw(BODY + attribute(0xC001, b"") * 25)) is not None
    assert raw(BODY) == check()


def test_every_cut_and_every_changed_bit_goes_up() -> None:
    side, whole = Side(), check()
    for length in range(1, len(whole)):
        assert side.send(whole[:length]) is None
    for place in range(4, len(whole)):
        assert side.send(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]) is None
    assert side.send(whole + bytes(4)) is None
    assert side.send(whole) is not None


@given(st.binary(max_size=300), st.sampled_from([BODY[:20], BODY, b""]))
def test_signed_nonsense_never_gets_what_the_agent_would_refuse(noise: bytes, start: bytes) -> None:
    side = Side()
    datagram = raw(start + noise + bytes(-len(noise) % 4))
    answer = side.send(datagram)
    if answer is not None:
        assert answer == side.agent_says(datagram)


@pytest.mark.parametrize("datagram", [check(), check(without(Attribute.USE_CANDIDATE))])
def test_only_checks_from_the_selected_address_are_routine(datagram: bytes) -> None:
    side = Side(HOME, CAFE)
    assert side.send(datagram, HOME) is not None
    assert side.send(datagram, CAFE) is None
    side.engine.select_address(side.transport, CAFE)
    assert side.send(datagram, CAFE) is not None
    assert side.send(datagram, HOME) is None


def test_an_address_keeps_its_time_while_others_come_and_go() -> None:
    side = Side(HOME, CAFE)
    times = side.engine.check_times_us
    side.send(check(), HOME)
    side.now_us += 1
    side.engine.select_address(side.transport, CAFE)
    side.send(check(), CAFE)
    assert times(side.transport) == {HOME: 5_000_000, CAFE: 5_000_001}
    side.engine.remove_address(side.transport, HOME)
    assert side.send(check(), HOME) is None
    side.engine.add_address(side.transport, HOME)
    assert times(side.transport) == {CAFE: 5_000_001}
    for port in range(20):
        side.engine.add_address(side.transport, ("192.0.2.9", port))
        side.engine.select_address(side.transport, ("192.0.2.9", port))
        side.now_us += 1
        assert side.send(check(), ("192.0.2.9", port)) is not None
    assert sorted(times(side.transport).values()) == [5_000_014 + place for place in range(8)]


@pytest.mark.parametrize(
    "stop",
    [
        lambda engine, transport: engine.remove_transport(transport),
        lambda engine, transport: engine.set_consent(transport, b"", b""),
        lambda engine, transport: engine.set_consent(transport, b"another:", KEY),
        lambda engine, transport: engine.set_consent(transport, b"abcdEFGH:", b"another password"),
        lambda engine, transport: engine.remove_address(transport, HOME),
        lambda engine, _: engine.add_address(engine.add_transport(), HOME),
    ],
)
def test_it_stops_at_once(stop: Callable[[Engine, int], None]) -> None:
    side = Side()
    assert side.send(check()) is not None
    stop(side.engine, side.transport)
    assert side.send(check()) is None


def test_an_exact_name() -> None:
    side = Side()
    side.engine.set_consent(side.transport, b"abcdEFGH:them", KEY)
    assert side.send(check()) is not None
    for name in (b"abcdEFGH:the", b"abcdEFGH:them.", b"abcdEFGH:"):
        assert side.send(check((*without(Attribute.USERNAME), (Attribute.USERNAME, name)))) is None


def test_limits_are_loud() -> None:
    side = Side()
    with pytest.raises(ValueError, match="129 bytes"):
        side.engine.set_consent(side.transport, b"a" * 129, KEY)
    with pytest.raises(KeyError):
        side.engine.set_consent(999_999_999, b"a:", KEY)
    side.engine.set_consent(side.transport, b"a" * 128, b"p" * 256)


def test_answers_are_bounded_by_the_transmit_queue() -> None:
    side = Side()
    for _ in range(3_000):
        side.engine.receive(side.now_us, check(), HOME)
    assert side.engine.counters().packets["out", "stun"] == 2_048
    assert side.engine.counters().dropped["transmit_full"] == 952
    assert side.engine.poll_event() is None


def test_media_and_answers_share_the_queue() -> None:
    bed = Bed()
    client = bed.client()
    bed.engine.set_consent(client.transport, b"abcdEFGH:", KEY)
    bed.engine.receive(bed.now_us, check(), client.address)
    bed.engine.receive(bed.now_us, check(), client.address)
    first, second = bed.engine.poll_transmit(), bed.engine.poll_transmit()
    assert first == second
    assert first is not None
    assert stun.parse(first[0]).mapped == client.address
