"""The packet index of a stream that is sent: which one a number stands for, and that none is taken twice.

The oracle is libsrtp's own sender with repeats forbidden: it refuses what we refuse, and its bytes say which index it took.
"""

import struct

import pylibsrtp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from sfu.dataplane.gcm import GcmKey
from sfu.dataplane.packet_index import Index
from sfu.dataplane.srtp_keys import session_key

pytestmark = pytest.mark.asan

KEY = bytes(range(28))
WINDOW = 512


def libsrtp() -> Session:
    policy = Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    policy.window_size = WINDOW
    policy.allow_repeat_tx = False
    return Session(policy)


def packet(sequence_number: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, sequence_number & 0xFFFF, 0, 0x11223344) + b"payload"


steps = st.one_of(
    st.integers(-3, 4),
    st.integers(-WINDOW - 2, WINDOW + 2),
    st.integers(-0xFFFF, 0xFFFF),
    st.sampled_from([0x8000, -0x8000]),
)


@given(st.integers(0, 0xFFFF), st.lists(steps, max_size=150))
def test_it_takes_and_refuses_what_libsrtp_does(first: int, moves: list[int]) -> None:
    index, key, oracle = Index(), GcmKey(*session_key(KEY[:16], KEY[16:])), libsrtp()
    number = first
    for move in [0, *moves]:
        number = (number + move) & 0xFFFF
        taken = index.take(number)
        try:
            expected = oracle.protect(packet(number))
        except pylibsrtp.Error:
            assert taken is None
        else:
            assert taken is not None
            assert key.protect(packet(number), taken) == expected


@given(st.integers(0, 0x7FFF), st.lists(st.integers(-600, 1000), max_size=300))
def test_no_index_is_ever_taken_twice(first: int, moves: list[int]) -> None:
    index = Index()
    taken = [index.take(first)]
    place = first
    for move in moves:
        place = max(place + move, 0)
        taken.append(index.take(place & 0xFFFF))
    found = [number for number in taken if number is not None]
    assert len(found) == len(set(found))


def test_the_rollover_counter_goes_on_for_many_rounds() -> None:
    index = Index()
    for number in range(1, 5 * 65536, 200):
        assert index.take(number & 0xFFFF) == number


def test_again_is_only_for_what_was_sent_and_is_still_remembered() -> None:
    index = Index()
    assert index.take(70, again=True) is None
    for number in (*range(100, 200), 201):
        assert index.take(number) == number
    assert [index.take(number, again=True) for number in (150, 150, 200, 202, 99)] == [150, 150, None, None, None]
    assert [index.take(number) for number in (150, 200, 200)] == [None, 200, None]
    assert index.take(200 + WINDOW) == 200 + WINDOW
    assert [index.take(number, again=True) for number in (200, 201)] == [None, 201], "the window has moved"


@pytest.mark.parametrize("step", [2, 64, 511, 512, 513, 1000])
def test_numbers_left_out_were_not_sent(step: int) -> None:
    index = Index()
    for number in range(WINDOW):
        assert index.take(number) == number
    assert index.take(WINDOW - 1 + step) == WINDOW - 1 + step
    for number in range(max(WINDOW, step), WINDOW - 1 + step):
        assert index.take(number, again=True) is None
        assert index.take(number) == number


def test_a_stream_that_goes_on_uses_nothing_of_before() -> None:
    index = Index()
    index.resume(3 << 16 | 0xFFFA)
    assert [index.take(number) for number in (0xFFFA, 0xFFF0, 0xFF00, 0xFA00)] == [None] * 4
    assert index.take(10) == 4 << 16 | 10
    assert index.take(0xFFFB) == 3 << 16 | 0xFFFB


def test_a_key_ends_with_its_last_index() -> None:
    index = Index()
    index.resume((1 << 48) - 2)
    assert index.take(0xFFFF) == (1 << 48) - 1
    assert index.take(0) is None
    assert index.take(1) is None
