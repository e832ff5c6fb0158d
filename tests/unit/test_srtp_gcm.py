"""Our AES-GCM for outgoing RTP and the key derivation before it: published vectors, and libsrtp byte by byte."""

import struct

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from sfu.dataplane.gcm import GcmKey
from sfu.dataplane.packet_index import Index
from sfu.dataplane.srtp_keys import LABEL_ENCRYPTION, LABEL_SALT, derive, session_key

pytestmark = pytest.mark.asan

TAG = 16
# RFC 7714, section 16
PLAIN = bytes.fromhex("8040f17b8041f8d35501a0b2") + b"Gallia est omnis divisa in partes tres"
PROTECTED = bytes.fromhex(
    "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
    "899d7f27beb16a9152cf765ee4390cce"
)
SALT = b"Quid pro quo"


def test_rfc_7714() -> None:
    assert GcmKey(bytes(range(16)), SALT).protect(PLAIN, 0xF17B) == PROTECTED


def test_rfc_3711_key_derivation() -> None:
    key, salt = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139"), bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
    assert derive(key, salt, LABEL_ENCRYPTION, 16).hex().upper() == "C61E7A93744F39EE10734AFE3FF7A087"
    assert derive(key, salt, LABEL_SALT, 14).hex().upper() == "30CBBC08863D8C85D49DB34A9AE1"


def test_every_bit_of_an_index_is_in_the_nonce() -> None:
    key = GcmKey(bytes(range(16)), SALT)
    for bit in range(48):
        index = 1 << bit
        header = PLAIN[:2] + (index & 0xFFFF).to_bytes(2, "big") + PLAIN[4:12]
        counted = bytes(2) + header[8:12] + (index >> 16).to_bytes(4, "big") + header[2:4]
        nonce = bytes(a ^ b for a, b in zip(SALT, counted, strict=True))
        expected = AESGCM(bytes(range(16))).encrypt(nonce, PLAIN[12:], header)
        assert key.protect(header + PLAIN[12:], index) == header + expected


def sessions(master: bytes) -> tuple[Session, Session]:
    profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    return (
        Session(Policy(key=master, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)),
        Session(Policy(key=master, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile)),
    )


@st.composite
def bodies(draw: st.DrawFn) -> tuple[int, bytes, bytes]:
    """(first byte, CSRCs and extension block, payload) of an RTP packet."""
    csrcs = draw(st.integers(0, 15))
    block = draw(st.none() | st.binary(max_size=400).map(lambda data: data[: len(data) // 4 * 4]))
    after = draw(st.binary(min_size=4 * csrcs, max_size=4 * csrcs))
    if block is not None:
        after += struct.pack("!HH", draw(st.sampled_from([0xBEDE, 0x1000])), len(block) // 4) + block
    return 0x80 | (0x10 if block is not None else 0) | csrcs, after, draw(st.binary(max_size=1_000))


@given(
    st.binary(min_size=28, max_size=28),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0x7FFF),
    st.lists(st.tuples(st.sampled_from([1, 1, 2, 500, 20_000, 32_000]), bodies()), min_size=1, max_size=12),
)
def test_bytes_are_those_of_libsrtp_over_rollovers(
    master: bytes, ssrc: int, first: int, sent: list[tuple[int, tuple[int, bytes, bytes]]]
) -> None:
    sender, receiver = sessions(master)
    key, index, number = GcmKey(*session_key(master[:16], master[16:])), Index(), first
    for step, (start, after, payload) in sent:
        number += step
        plain = struct.pack("!BBHII", start, 96, number & 0xFFFF, number * 90, ssrc) + after + payload
        taken = index.take(number & 0xFFFF)
        assert taken is not None
        protected = key.protect(plain, taken)
        assert protected == sender.protect(plain)
        assert receiver.unprotect(protected) == plain


def test_every_length_that_pylibsrtp_takes() -> None:
    master = bytes(range(28))
    sender, _ = sessions(master)
    key = GcmKey(*session_key(master[:16], master[16:]))
    for length in range(1_344):
        plain = struct.pack("!BBHII", 0x80, 96, length, 0, 7) + bytes(place & 0xFF for place in range(length))
        assert key.protect(plain, length) == sender.protect(plain)


@given(st.binary(max_size=120), st.integers(0, 0xFFFFFFFFFFFF))
def test_what_is_no_packet_is_refused_and_nothing_read_beyond_it(data: bytes, index: int) -> None:
    key = GcmKey(bytes(16), bytes(12))
    found = key.protect(data, index)
    if found is not None:
        assert len(found) == len(data) + TAG
        assert data[2:4] == (index & 0xFFFF).to_bytes(2, "big")


@pytest.mark.parametrize("cut", [0, 11, 12, 15, 16, 23])
def test_a_header_that_ends_early_is_refused(cut: int) -> None:
    whole = struct.pack("!BBHIIHH", 0x90, 96, 5, 0, 7, 0xBEDE, 2) + bytes(8)
    assert GcmKey(bytes(16), bytes(12)).protect(whole[:cut], 5) is None
    assert GcmKey(bytes(16), bytes(12)).protect(whole, 5) is not None


def test_another_index_than_the_packets_own_is_refused() -> None:
    key = GcmKey(bytes(16), bytes(12))
    assert key.protect(PLAIN, 0xF17C) is None
    assert key.protect(PLAIN, 1 << 16 | 0xF17B) not in (None, key.protect(PLAIN, 0xF17B))


@pytest.mark.parametrize(("key", "salt"), [(15, 12), (16, 11), (32, 12), (16, 14)])
def test_keys_of_another_length_are_refused(key: int, salt: int) -> None:
    with pytest.raises(ValueError, match="16 bytes and its salt 12"):
        GcmKey(bytes(key), bytes(salt))
