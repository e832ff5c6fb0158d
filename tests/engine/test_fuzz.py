"""Arbitrary and mutated datagrams: never a crash, never growth, and every one is accounted for."""

import os
import random

import pylibsrtp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfu.dataplane import Extension
from tests.engine.bed import (
    EXTENSIONS,
    H264,
    OPUS,
    UNIX_US,
    VP8,
    VP8_RTX,
    Bed,
    Client,
    audio_slot,
    audio_track,
    nack,
    pli,
    rtp,
    sender_report,
    video_slot,
    video_track,
    vp8,
)

pytestmark = pytest.mark.asan

CHEAP = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
EXTENSION_IDS = list(EXTENSIONS.values())


def stage(seed: int = 1) -> tuple[Bed, Client, Client]:
    bed = Bed()
    bed.now_us = 1_000_000 + seed
    sender, receiver = bed.publisher(), bed.publisher()
    for place, params in enumerate((audio_track("0"), video_track("1", rids=("q", "f")), video_track("2"))):
        track = bed.engine.add_track(sender.transport, params)
        slot = audio_slot() if place == 0 else video_slot(0x2222 + 16 * place, f"v{place}")
        bed.engine.route(bed.engine.add_slot(receiver.transport, slot), track)
    return bed, sender, receiver


@CHEAP
@given(st.lists(st.binary(max_size=200), max_size=30))
def test_arbitrary_datagrams(datagrams: list[bytes]) -> None:
    bed, sender, _ = stage()
    for datagram in datagrams:
        bed.deliver(datagram, sender.address)
        bed.deliver(b"\x80" + datagram, sender.address)
    bed.run(100_000)
    dropped = sum(bed.dropped().values())
    assert dropped + len(bed.events) >= len(datagrams) * 2


extension_values = st.dictionaries(
    st.sampled_from(EXTENSION_IDS), st.sampled_from([b"0", b"1", b"2", b"q", b"f", b"\xff\xff", b"abc"])
)
packets = st.builds(
    rtp,
    st.sampled_from([OPUS, VP8, VP8_RTX, H264, 0, 127]),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(1, 12),
    st.one_of(
        st.binary(max_size=60), st.builds(vp8, st.integers(0, 0x7FFF), keyframe=st.booleans(), size=st.integers(0, 80))
    ),
    marker=st.booleans(),
    extensions=extension_values,
    padding=st.sampled_from([0, 0, 1, 200]),
)
media = st.sampled_from([0x1111, 0x2232, 0x2242, 0x2233, 1])
pairs = st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)), max_size=20)


def any_rtcp(kind: int, body: bytes) -> bytes:
    return bytes([0x80 | len(body) & 31, kind, 0, len(body) // 4]) + body[: len(body) // 4 * 4]


controls = st.one_of(
    st.builds(pli, st.integers(1, 12), media),
    st.builds(lambda sender, target, entries: nack(sender, target, *entries), st.integers(1, 12), media, pairs),
    st.builds(sender_report, st.integers(1, 12), st.integers(0, 2 * UNIX_US), st.integers(0, 0xFFFFFFFF)),
    st.builds(any_rtcp, st.integers(192, 223), st.binary(min_size=4, max_size=120)),
)


@CHEAP
@given(st.lists(st.tuples(st.booleans(), st.one_of(packets, controls), st.integers(0, 50_000)), max_size=40))
def test_authentic_rubbish(steps: list[tuple[bool, bytes, int]]) -> None:
    bed, sender, receiver = stage()
    for publishes, plain, pause in steps:
        client = sender if publishes else receiver
        # libsrtp refuses to protect what is too far behind; a real client could not send it either.
        protect = client.protect_rtcp if 192 <= plain[1] <= 223 else client.protect
        try:
            datagram = protect(plain)
        except pylibsrtp.Error:
            continue
        bed.deliver(datagram, client.address)
        bed.run(pause)
    bed.run(3_000_000)
    numbers: dict[int, list[int]] = {packet.ssrc: [] for packet in receiver.rtp}
    for packet in receiver.rtp:
        numbers[packet.ssrc].append(packet.sequence_number)
    counters = bed.engine.counters()
    # No number is ever sent twice, but by a retransmission that says so.
    repeated = sum(len(sent) - len(set(sent)) for sent in numbers.values())
    assert repeated <= counters.retransmissions


def test_mutated_datagrams_for_a_while() -> None:
    dice = random.Random(7)
    bed, sender, receiver = stage()
    kinds = [OPUS, VP8, VP8_RTX]
    for number in range(4000):
        kind = dice.choice(kinds)
        mid = b"0" if kind == OPUS else b"1"
        extensions = {EXTENSIONS[Extension.MID]: mid, EXTENSIONS[Extension.RID]: b"q"}
        plain = bytearray(
            rtp(kind, number, number * 960, kind, vp8(number, keyframe=number % 50 == 0), extensions=extensions)
        )
        for _ in range(dice.randrange(4)):
            plain[dice.randrange(12, len(plain))] = dice.randrange(256)
        if dice.random() < 0.2:
            del plain[dice.randrange(12, len(plain)) :]
        try:
            datagram = bytearray(sender.protect(bytes(plain)))
        except pylibsrtp.Error:
            continue  # no RTP packet any more
        if dice.random() < 0.2:
            datagram[dice.randrange(len(datagram))] ^= 1 << dice.randrange(8)
        bed.deliver(bytes(datagram), sender.address)
        if number % 10 == 0:
            rest = bytearray(nack(9, 0x2232, (number, dice.randrange(0xFFFF))) + os.urandom(dice.randrange(3) * 4))
            rest[dice.randrange(8, len(rest))] ^= dice.randrange(256)
            receiver.send_rtcp(bytes(rest))
            bed.run(dice.randrange(40_000))
    assert len(receiver.rtp) > 500
