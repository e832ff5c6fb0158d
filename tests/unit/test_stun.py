"""STUN as bytes: against aioice as an independent oracle, over the vectors of RFC 5769, and over hostile input."""

import struct
from typing import Any

import aioice.stun as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.protocol import stun
from sfu.protocol.stun import Attribute, Kind, StunError

KEY = b"the-password-of-this-session"
TRANSACTION = bytes(range(12))

# RFC 5769, section 2.1: sample request (short-term password below).
SAMPLE_REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
)
# RFC 5769, sections 2.2 and 2.3: sample responses.
SAMPLE_RESPONSE_IPV4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
SAMPLE_RESPONSE_IPV6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9fa"
    "a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)
SAMPLE_KEY = b"VOkJxbRl1RmTxUk/WvJxBt"


def check(**extra: Any) -> oracle.Message:
    """A connectivity check as aioice makes it, not yet signed."""
    attributes = {"USERNAME": "ours:theirs", "PRIORITY": 0x7E0000FF, "ICE-CONTROLLING": 7, **extra}
    return oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST, TRANSACTION, attributes)


def signed(message: oracle.Message, key: bytes = KEY) -> bytes:
    message.add_message_integrity(key)
    return bytes(message)


def attribute(kind: int, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("!HH", kind, len(value) if length is None else length) + value + bytes(-len(value) % 4)


def message(*attributes: bytes, kind: int = 1, length: int | None = None) -> bytes:
    body = b"".join(attributes)
    return struct.pack("!HHI", kind, len(body) if length is None else length, stun.MAGIC_COOKIE) + TRANSACTION + body


def test_a_check_made_by_aioice_is_read() -> None:
    request = stun.parse(signed(check(**{"USE-CANDIDATE": None})))
    assert (request.kind, request.method, request.transaction_id) == (Kind.REQUEST, stun.BINDING, TRANSACTION)
    assert request.username == "ours:theirs"
    assert request.priority == 0x7E0000FF
    assert (request.controlling, request.controlled, request.use_candidate) == (7, None, True)
    assert request.has_fingerprint
    assert request.authenticates(KEY)
    assert not request.authenticates(KEY + b"x")


def test_the_sample_request_of_rfc_5769() -> None:
    request = stun.parse(SAMPLE_REQUEST)
    assert request.username == "evtj:h6vY"
    assert request.controlled == 0x932FF9B151263B36
    assert request.authenticates(SAMPLE_KEY)
    assert request.unknown_required == ()


@pytest.mark.parametrize(
    ("data", "mapped"),
    [
        (SAMPLE_RESPONSE_IPV4, ("192.0.2.1", 32853)),
        (SAMPLE_RESPONSE_IPV6, ("2001:db8:1234:5678:11:2233:4455:6677", 32853)),
    ],
)
def test_the_sample_responses_of_rfc_5769(data: bytes, mapped: tuple[str, int]) -> None:
    response = stun.parse(data)
    assert response.kind is Kind.SUCCESS
    assert response.mapped == mapped
    assert response.authenticates(SAMPLE_KEY)


@pytest.mark.parametrize("source", [("192.0.2.7", 1), ("2001:db8::9", 65535), ("127.0.0.1", 3478)])
def test_aioice_reads_our_success(source: tuple[str, int]) -> None:
    answer = stun.success(stun.parse(signed(check())), source, key=KEY)
    read = oracle.parse_message(answer)
    assert read.message_class is oracle.Class.RESPONSE
    assert read.transaction_id == TRANSACTION
    assert read.attributes["XOR-MAPPED-ADDRESS"] == source
    assert read.check_message_integrity(KEY)
    assert "FINGERPRINT" in read.attributes
    assert stun.parse(answer).mapped == source


def test_an_ipv4_address_mapped_into_ipv6_is_answered_as_ipv4() -> None:
    answer = stun.success(stun.parse(signed(check())), ("::ffff:192.0.2.7", 9), key=KEY)
    assert oracle.parse_message(answer).attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.7", 9)


def test_a_scope_is_no_part_of_the_address() -> None:
    answer = stun.success(stun.parse(signed(check())), ("fe80::1%eth0", 9))
    assert stun.parse(answer).mapped == ("fe80::1", 9)


@pytest.mark.parametrize("code", sorted(stun.REASONS))
def test_aioice_reads_our_errors(code: int) -> None:
    request = stun.parse(message(attribute(0x7001, b""), attribute(0x0003, b"\0\0\0\0")))
    answer = stun.error(request, code, key=KEY)
    read = oracle.parse_message(answer)
    assert read.error_code == code
    assert read.check_message_integrity(KEY)
    assert stun.parse(answer).error_code == code
    assert (b"\x00\x0a\x00\x04\x70\x01\x00\x03" in answer) == (code == stun.UNKNOWN_ATTRIBUTE)


def test_fingerprint_is_answered_only_where_it_was_asked_with() -> None:
    plain = stun.parse(message())
    answer = stun.success(plain, ("192.0.2.1", 4))
    assert len(answer) == 32, "a plain request of 20 bytes is answered with 32"
    assert not stun.parse(answer).has_fingerprint


def test_what_follows_message_integrity_is_not_believed() -> None:
    request = check()
    data = signed(request)[:-8]  # without FINGERPRINT
    data += attribute(Attribute.USE_CANDIDATE, b"") + attribute(0x7001, b"")
    data = data[:2] + struct.pack("!H", len(data) - 20) + data[4:]
    parsed = stun.parse(data)
    assert parsed.authenticates(KEY)
    assert not parsed.use_candidate
    assert parsed.unknown_required == ()


def test_of_two_attributes_the_first_counts() -> None:
    parsed = stun.parse(message(attribute(Attribute.USERNAME, b"a:b"), attribute(Attribute.USERNAME, b"c:d")))
    assert parsed.username == "a:b"


def test_unknown_attributes_are_told_apart_by_whether_they_must_be_understood() -> None:
    data = message(
        attribute(0x7001, b"x"), attribute(0xC001, b"y"), attribute(0x7001, b""), attribute(0x001C, b"z" * 32)
    )
    assert stun.parse(data).unknown_required == (0x7001,)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "short"),
        (message()[:19], "short"),
        (message(attribute(0x8022, bytes(1_500))), "long"),
        (b"\x80" + message()[1:], "not_stun"),
        (message()[:4] + bytes(4) + TRANSACTION, "not_stun"),
        (message(length=4), "length"),
        (message() + b"\0", "length"),
        (message(b"\0\0\0", length=3), "length"),
        (message(attribute(0x8022, b"", length=8)), "attribute_length"),
        (message(attribute(Attribute.USERNAME, b"a:b", length=0xFFFF)), "attribute_length"),
        (message(*[attribute(0x8022, b"")] * 33), "attributes"),
        (message(attribute(Attribute.USERNAME, b"\xff\xfe")), "username"),
        (message(attribute(Attribute.USERNAME, b"a" * 514)), "username"),
        (message(attribute(Attribute.PRIORITY, b"\0" * 8)), "priority"),
        (message(attribute(Attribute.PRIORITY, b"")), "priority"),
        (message(attribute(Attribute.ICE_CONTROLLING, b"\0" * 4)), "tie_breaker"),
        (message(attribute(Attribute.USE_CANDIDATE, b"\0")), "use_candidate"),
        (message(attribute(Attribute.MESSAGE_INTEGRITY, b"\0" * 19)), "integrity_length"),
        (message(attribute(Attribute.MESSAGE_INTEGRITY, b"\0" * 32)), "integrity_length"),
        (message(attribute(Attribute.FINGERPRINT, b"\0" * 4)), "fingerprint"),
        (message(attribute(Attribute.FINGERPRINT, b"")), "fingerprint"),
        (message(attribute(Attribute.ERROR_CODE, b"\0\0")), "error_code"),
        (message(attribute(Attribute.ERROR_CODE, b"\0\0\7\0")), "error_code"),
        (message(attribute(Attribute.XOR_MAPPED_ADDRESS, b"\0\1\0\0")), "address"),
        (message(attribute(Attribute.XOR_MAPPED_ADDRESS, b"\0\2\0\0" + bytes(4))), "address"),
    ],
)
def test_hostile_input_is_refused_by_name(data: bytes, reason: str) -> None:
    with pytest.raises(StunError) as caught:
        stun.parse(data)
    assert caught.value.reason == reason


def test_a_fingerprint_must_come_last() -> None:
    data = signed(check())
    moved = data[:20] + data[-8:] + data[20:-8]
    with pytest.raises(StunError, match="fingerprint"):
        stun.parse(moved)


@given(position=st.integers(0, 1_000), bit=st.integers(0, 7))
@settings(deadline=None)
def test_a_changed_bit_is_noticed(position: int, bit: int) -> None:
    data = bytearray(signed(check(**{"USE-CANDIDATE": None})))
    data[position % len(data)] ^= 1 << bit
    try:
        parsed = stun.parse(bytes(data))
    except StunError:
        return
    assert not parsed.has_fingerprint, "the bit made another attribute of FINGERPRINT, and ICE refuses the check"


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    for candidate in (data, message(data + bytes(-len(data) % 4))):
        try:
            parsed = stun.parse(candidate)
        except StunError:
            continue
        assert len(parsed.transaction_id) == 12


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*map(int, Attribute), 0x7001, 0x8022, 0xC001]),
            st.binary(max_size=40),
            st.integers(0, 0xFFFF) | st.none(),
        ),
        max_size=12,
    ),
    st.integers(0, 0x3FFF),
)
@settings(max_examples=300, deadline=None)
def test_any_attributes_are_parsed_or_refused(entries: list[tuple[int, bytes, int | None]], kind: int) -> None:
    data = message(*(attribute(number, value, length) for number, value, length in entries), kind=kind)
    try:
        parsed = stun.parse(data)
    except StunError:
        return
    assert 0 <= parsed.method <= 0xFFF
    if parsed.kind is Kind.REQUEST:
        for code in stun.REASONS:
            assert stun.parse(stun.error(parsed, code)).error_code == code


@given(
    username=st.text(max_size=100),
    priority=st.integers(0, 2**32 - 1),
    tie_breaker=st.integers(0, 2**64 - 1),
    use=st.booleans(),
    key=st.binary(min_size=1, max_size=40),
)
@settings(deadline=None)
def test_every_check_of_aioice_is_understood(
    username: str, priority: int, tie_breaker: int, use: bool, key: bytes
) -> None:
    extra: dict[str, Any] = {"USERNAME": username, "PRIORITY": priority, "ICE-CONTROLLING": tie_breaker}
    if use:
        extra["USE-CANDIDATE"] = None
    parsed = stun.parse(signed(check(**extra), key))
    assert (parsed.username, parsed.priority, parsed.controlling) == (username, priority, tie_breaker)
    assert parsed.use_candidate is use
    assert parsed.authenticates(key)
