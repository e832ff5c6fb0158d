"""How what arrives is decrypted: by OpenSSL or by libsrtp, the same is taken and the same refused."""

import os
import random
import struct
from collections import Counter

import pytest

from sfu.dataplane import gcm
from tests.engine.bed import OPUS, Bed, Client, audio_slot, audio_track, rtp

pytestmark = pytest.mark.asan

SSRCS = (0x101, 0x202, 0x303)


def stage() -> tuple[Bed, Client, Client]:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    bed.engine.route(
        bed.engine.add_slot(receiver.transport, audio_slot()),
        bed.engine.add_track(sender.transport, audio_track(ssrcs=(SSRCS[0],))),
    )
    return bed, sender, receiver


def sound(number: int, ssrc: int = SSRCS[0]) -> bytes:
    return rtp(OPUS, number, 960 * number, ssrc, b"sound %d" % number)


def hostile_network(seed: int) -> tuple[dict[str, int], list[bytes], list[int]]:
    """Packets and compounds that are held back, repeated, turned in a bit or cut, over rollovers and a new key."""
    chance = random.Random(seed)
    bed, sender, receiver = stage()
    held: list[bytes] = []
    numbers = {ssrc: chance.choice([1, 40_000]) for ssrc in SSRCS}
    taken = []
    for turn in range(700):
        ssrc = chance.choice(SSRCS)
        numbers[ssrc] += chance.choice([1, 1, 1, 2, 300, 900])
        if turn == 500:
            sender.rekey()
            numbers = dict.fromkeys(SSRCS, 9)
        compound = struct.pack("!BBHI", 0x80, 201, 1, ssrc)
        held.append(
            sender.protect_rtcp(compound)
            if chance.random() < 0.4
            else sender.protect(sound(numbers[ssrc] & 0xFFFF, ssrc))
        )
        for _ in range(chance.choice([0, 1, 1, 1, 3])):
            datagram = bytearray(chance.choice(held[-chance.choice([1, 1, 3, 150, 400]) :]))
            if chance.random() < 0.15:
                datagram[chance.randrange(2, len(datagram))] ^= 1 << chance.randrange(8)
            if chance.random() < 0.05:
                del datagram[chance.randrange(len(datagram)) :]
            bed.deliver(bytes(datagram), sender.address)
            taken.append(sum(bed.dropped().values()))
    return bed.dropped(), receiver.raw, taken


@pytest.mark.parametrize("seed", range(5))
def test_libsrtp_would_have_judged_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gcm.AVAILABLE
    monkeypatch.setattr(os, "urandom", random.Random(seed).randbytes)
    by_openssl = hostile_network(seed)
    monkeypatch.setattr(os, "urandom", random.Random(seed).randbytes)
    monkeypatch.setattr(gcm, "AVAILABLE", False)
    assert hostile_network(seed) == by_openssl
    assert len(by_openssl[1]) > 20
    assert {"srtp_replay", "srtp_auth"} <= set(by_openssl[0])


@pytest.mark.parametrize("rtcp", [True, False])
def test_a_forged_packet_moves_no_window(rtcp: bool) -> None:
    bed, sender, _ = stage()
    compound = struct.pack("!BBHI", 0x80, 201, 1, SSRCS[0])
    sent = [sender.protect_rtcp(compound) if rtcp else sender.protect(sound(number)) for number in range(1, 4_000)]
    bed.deliver(sent[0], sender.address)
    bed.deliver(sent[-1][:-1] + bytes([sent[-1][-1] ^ 1]), sender.address)  # of RTCP it is the index, of RTP the tag
    bed.deliver(sent[-1][:20] + bytes([sent[-1][20] ^ 1]) + sent[-1][21:], sender.address)
    assert bed.dropped() == {"srtp_auth": 2}
    bed.deliver(sent[1], sender.address)
    assert bed.dropped() == {"srtp_auth": 2}
    bed.deliver(sent[1], sender.address)
    assert bed.dropped() == {"srtp_auth": 2, "srtp_replay": 1}


def test_what_was_sent_under_the_old_key_is_not_authentic_under_the_new_one() -> None:
    bed, sender, receiver = stage()
    old = [sender.protect(sound(number)) for number in (1, 2)]
    bed.deliver(old[0], sender.address)
    sender.rekey()
    for datagram in old:
        bed.deliver(datagram, sender.address)
    assert bed.dropped() == {"srtp_auth": 2}
    sender.send(sound(1))
    assert bed.dropped() == {"srtp_auth": 2, "duplicate": 1}, "decrypted: the new key's windows are empty"
    sender.send(sound(2))
    assert Counter(packet.payload for packet in receiver.rtp) == {b"sound 1": 1, b"sound 2": 1}
