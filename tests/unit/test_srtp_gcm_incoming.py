"""Our AES-GCM for what arrives and for RTCP: libsrtp byte by byte, and its judgement of everything that was sent before."""

import struct

import pylibsrtp
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from sfu.dataplane.gcm import GcmKey
from sfu.dataplane.replay import Replay
from sfu.dataplane.srtp_keys import LABEL_RTCP_ENCRYPTION, LABEL_RTCP_SALT, derive, rtcp_session_key, session_key

pytestmark = pytest.mark.asan

MASTER = bytes(range(28))
SSRC = 0x4D617273
WINDOW, RTCP_WINDOW = 1024, 128
ENCRYPTED = 0x80000000
RECEIVER_REPORT = bytes.fromhex("81c8000d4d6172734e545031")


def session(ssrc_type: int, master: bytes = MASTER) -> Session:
    policy = Policy(key=master, ssrc_type=ssrc_type, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    policy.window_size = WINDOW
    return Session(policy)


def ours(master: bytes = MASTER) -> tuple[GcmKey, GcmKey]:
    """For RTP and for RTCP."""
    return GcmKey(*session_key(master[:16], master[16:])), GcmKey(*rtcp_session_key(master[:16], master[16:]))


def nonce(salt: bytes, *parts: tuple[int, int]) -> bytes:
    counted = b"".join(value.to_bytes(size, "big") for value, size in parts)
    return bytes(a ^ b for a, b in zip(salt, counted, strict=True))


def srtp(index: int, payload: bytes = b"sound") -> bytes:
    """By another AES-GCM than the one under test, at any index."""
    key, salt = session_key(MASTER[:16], MASTER[16:])
    header = struct.pack("!BBHII", 0x80, 96, index & 0xFFFF, 0, SSRC)
    return header + AESGCM(key).encrypt(nonce(salt, (0, 2), (SSRC, 4), (index, 6)), payload, header)


def srtcp(index: int, compound: bytes, *, encrypted: bool = True) -> bytes:
    key, salt = rtcp_session_key(MASTER[:16], MASTER[16:])
    iv = nonce(salt, (0, 2), (int.from_bytes(compound[4:8], "big"), 4), (0, 2), (index, 4))
    trailer = (index | (ENCRYPTED if encrypted else 0)).to_bytes(4, "big")
    if encrypted:
        return compound[:8] + AESGCM(key).encrypt(iv, compound[8:], compound[:8] + trailer) + trailer
    return compound + AESGCM(key).encrypt(iv, b"", compound + trailer) + trailer


def judged(unprotect: Session, packet: bytes, *, rtcp: bool = False) -> bytes | None:
    try:
        return unprotect.unprotect_rtcp(packet) if rtcp else unprotect.unprotect(packet)
    except pylibsrtp.Error:
        return None


def test_rfc_7714_rtcp() -> None:
    """Section 17.1."""
    key = GcmKey(bytes(range(16)), b"Quid pro quo")
    plain = bytes.fromhex(
        "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
    )
    protected = bytes.fromhex(
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded"
        "0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4"
    )
    assert key.protect_rtcp(plain, 0x5D4) == protected
    assert key.unprotect_rtcp(protected) == (plain, 0x5D4)


def test_rtcp_keys_are_others_than_those_of_rtp() -> None:
    key, salt = rtcp_session_key(MASTER[:16], MASTER[16:])
    assert (key, salt) == (
        derive(MASTER[:16], MASTER[16:], LABEL_RTCP_ENCRYPTION, 16),
        derive(MASTER[:16], MASTER[16:], LABEL_RTCP_SALT, 12),
    )
    assert (key, salt) != session_key(MASTER[:16], MASTER[16:])


compounds = st.integers(0, 0xFFFFFFFF).flatmap(
    lambda ssrc: st.binary(max_size=1_200).map(lambda rest: struct.pack("!BBHI", 0x80, 201, 1, ssrc) + rest)
)


@given(st.binary(min_size=28, max_size=28), st.lists(compounds, min_size=1, max_size=8))
def test_rtcp_is_that_of_libsrtp(master: bytes, sent: list[bytes]) -> None:
    sender, receiver, (_, key) = (
        session(Policy.SSRC_ANY_OUTBOUND, master),
        session(Policy.SSRC_ANY_INBOUND, master),
        ours(master),
    )
    counts: dict[bytes, int] = {}
    for compound in sent:
        ssrc = compound[4:8]
        counts[ssrc] = counts.get(ssrc, 0) + 1
        protected = sender.protect_rtcp(compound)
        assert key.protect_rtcp(compound, counts[ssrc]) == protected
        assert key.unprotect_rtcp(protected) == (compound, counts[ssrc])
        assert receiver.unprotect_rtcp(protected) == compound


@given(st.integers(0, 0x7FFFFFFF), st.binary(max_size=300), st.booleans())
def test_rtcp_in_the_clear_is_authenticated(index: int, rest: bytes, encrypted: bool) -> None:
    packet = srtcp(index, RECEIVER_REPORT + rest, encrypted=encrypted)
    assert ours()[1].unprotect_rtcp(packet) == (RECEIVER_REPORT + rest, index)
    assert judged(session(Policy.SSRC_ANY_INBOUND), packet, rtcp=True) == RECEIVER_REPORT + rest


@given(st.data(), st.binary(max_size=300), st.integers(0, 15), st.booleans())
def test_a_turned_bit_is_found_wherever_it_is(data: st.DataObject, payload: bytes, csrcs: int, rtcp: bool) -> None:
    rtp_key, rtcp_key = ours()
    if rtcp:
        packet = bytearray(srtcp(7, RECEIVER_REPORT + payload, encrypted=data.draw(st.booleans())))
    else:
        packet = bytearray(
            rtp_key.protect(struct.pack("!BBHII", 0x80 | csrcs, 96, 7, 0, SSRC) + bytes(4 * csrcs) + payload, 7) or b""
        )
    at = data.draw(st.integers(0, 8 * len(packet) - 1))
    packet[at // 8] ^= 1 << at % 8
    assert (rtcp_key.unprotect_rtcp(bytes(packet)) if rtcp else rtp_key.unprotect(bytes(packet), 7)) is None
    assert judged(session(Policy.SSRC_ANY_INBOUND), bytes(packet), rtcp=rtcp) is None


@given(st.binary(max_size=80), st.integers(0, 0xFFFFFFFFFFFF))
def test_noise_is_refused_and_nothing_read_beyond_it(data: bytes, index: int) -> None:
    rtp_key, rtcp_key = ours()
    assert rtp_key.unprotect(data, index) is None
    assert rtcp_key.unprotect_rtcp(data) is None


@pytest.mark.parametrize("cut", [0, 7, 8, 12, 27])
def test_rtcp_too_short_is_refused(cut: int) -> None:
    _, key = ours()
    assert key.unprotect_rtcp(srtcp(1, RECEIVER_REPORT)[:cut]) is None
    assert key.protect_rtcp(RECEIVER_REPORT[: min(cut, 7)], 1) is None


def test_rtcp_ends_with_its_last_index() -> None:
    _, key = ours()
    assert key.protect_rtcp(RECEIVER_REPORT, 0x7FFFFFFF) is not None
    assert key.protect_rtcp(RECEIVER_REPORT, 0x80000000) is None


steps = st.lists(
    st.tuples(
        st.sampled_from(["ahead", "behind", "again"]),
        st.sampled_from([0, 1, 2, 63, 64, 65, 126, 127, 128, 129, 1_022, 1_023, 1_024, 1_025, 2_000, 20_000, 32_000]),
    ),
    max_size=40,
)


def indices(first: int, moves: list[tuple[str, int]]) -> list[int]:
    found, highest = [first], first
    for kind, by in moves:
        index = {"ahead": highest + by, "behind": highest - by, "again": found[by % len(found)]}[kind]
        if index >= 0:
            found.append(index)
            highest = max(highest, index)
    return found


@given(st.integers(0, 3 << 16), steps)
def test_rtp_is_judged_as_libsrtp_judges_it(first: int, moves: list[tuple[str, int]]) -> None:
    """Every packet is authentic at its index; the receivers guess that from the sequence number."""
    theirs, (key, _), replay = session(Policy.SSRC_ANY_INBOUND), ours(), Replay()
    for index in indices(first, moves):
        packet = srtp(index)
        guessed = replay.estimate(index & 0xFFFF)
        plain = key.unprotect(packet, guessed)
        if plain is not None and not replay.rtp(guessed):
            plain = None
        assert plain == judged(theirs, packet)


@given(st.integers(0, 300), steps)
def test_rtcp_is_judged_as_libsrtp_judges_it(first: int, moves: list[tuple[str, int]]) -> None:
    theirs, replay = session(Policy.SSRC_ANY_INBOUND), Replay()
    for index in indices(first, moves):
        assert replay.rtcp(index) == (judged(theirs, srtcp(index, RECEIVER_REPORT), rtcp=True) is not None)


@pytest.mark.parametrize("window", [WINDOW, RTCP_WINDOW])
def test_what_the_window_holds_is_taken_once_and_what_it_has_left_never(window: int) -> None:
    replay = Replay()
    take = replay.rtp if window == WINDOW else replay.rtcp
    assert take(5_000)
    assert [take(5_000 - back) for back in (1, window - 1, window, window + 1)] == [True, True, False, False]
    assert not take(5_000)
    assert not take(5_001 - window)
    assert take(5_001)
    assert not take(5_001 - window), "it has left the window"
    assert take(9_000)
    assert not take(5_001)
    assert take(9_001 - window)
