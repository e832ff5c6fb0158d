"""What an authenticated participant may send that is all wrong: generators of datagrams, protected where its keys allow it."""

import random
import struct
from collections.abc import Iterator
from typing import Protocol

from tests.engine.bed import rtp, vp8
from tests.harness.rtp_peer import MID, OPUS, VP8, VP8_RTX, RtpPeer


class Victims(Protocol):
    """A call whose two do not want to notice."""

    ana: RtpPeer
    ben: RtpPeer
    random: random.Random


Packets = Iterator[bytes]


def report(kind: int, count: int, *words: int | bytes) -> bytes:
    """One RTCP packet: `words` of 32 bits, or bytes of a multiple of four."""
    body = b"".join(word if isinstance(word, bytes) else struct.pack("!I", word & 0xFFFFFFFF) for word in words)
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def everybody(scene: Victims, eve: RtpPeer) -> list[int]:
    """SSRCs that somebody in the room sends with, whoever it is."""
    slots = [eve.slot_ssrc("2"), eve.slot_ssrc("3"), *scene.ana.heard, *scene.ben.heard]
    return [*slots, *scene.ana.ssrcs.values(), 0, 0xFFFFFFFF]


def replays(scene: Victims, eve: RtpPeer) -> Packets:
    packets = [eve.protect(rtp(OPUS, n, n, 5, b"x" * 20, extensions={MID: b"0"})) for n in range(30)]
    yield from packets * 40


def tags_that_are_wrong(scene: Victims, eve: RtpPeer) -> Packets:
    for number in range(3_000):
        yield rtp(VP8, number, number, number * 7_919, scene.random.randbytes(40), extensions={MID: b"1"})


def thousands_of_ssrcs(scene: Victims, eve: RtpPeer) -> Packets:
    for number in range(2_000):
        yield eve.protect(rtp(OPUS, 1, 1, 10_000 + number, b"x" * 20, extensions={MID: b"0"}))


def header_extensions(scene: Victims, eve: RtpPeer) -> Packets:
    dice = scene.random
    for number in range(1_500):
        block = dice.randbytes(4 * dice.randrange(12))
        profile = dice.choice((0xBEDE, 0x1000, 0x100F, dice.randrange(65_536)))
        claimed = dice.choice((len(block) // 4, len(block) // 4, dice.randrange(65_536)))
        head = struct.pack(
            "!BBHII", 0x90 | dice.choice((0, 0, 15)), dice.choice((OPUS, VP8, 0x80 | VP8)), number, number, 7
        )
        with_block = head + struct.pack("!HH", profile, claimed) + block + vp8(number)
        try:
            yield eve.protect(with_block)
        except Exception:  # noqa: BLE001  # libsrtp does not protect what it cannot read: send it as it is
            yield with_block


def padding(scene: Victims, eve: RtpPeer) -> Packets:
    for number in range(600):
        payload = b"\x10" * (number % 5)
        packet = rtp(VP8, number, number, 8, payload, extensions={MID: b"1"}, padding=number % 256)
        yield eve.protect(packet)
        lying = bytearray(rtp(OPUS, number, number, 9, b"y" * 8 + bytes([number % 256]), extensions={MID: b"0"}))
        lying[0] |= 0x20
        yield eve.protect(bytes(lying))


def payloads(scene: Victims, eve: RtpPeer) -> Packets:
    dice = scene.random
    for number in range(1_500):
        kind = dice.choice((VP8, VP8, VP8_RTX, OPUS, dice.randrange(128)))
        if 64 <= kind < 96:
            continue
        mid = dice.choice((b"0", b"1", b"2", b"3", b"9", b"\xff" * 16))
        payload = dice.randbytes(dice.randrange(60))
        yield eve.protect(
            rtp(
                kind,
                number,
                dice.randrange(2**32),
                dice.choice((1, 2, 3)),
                payload,
                extensions={MID: mid},
            )
        )


def spoofs(scene: Victims, eve: RtpPeer) -> Packets:
    """The SSRCs, payload types and MIDs of somebody else's tracks, and of one's own slots."""
    for number in range(400):
        for ssrc in everybody(scene, eve)[:8]:
            for mid in (b"0", b"1", b"3", b"5"):
                yield eve.protect(rtp(VP8, number, number, ssrc, vp8(number, keyframe=True), extensions={MID: mid}))


def layers_that_flap(scene: Victims, eve: RtpPeer) -> Packets:
    """Two SSRCs take one m-line from each other with every packet."""
    for number in range(2_000):
        kind, mid = ((OPUS, b"0"), (VP8, b"1"))[number // 2 % 2]
        yield eve.protect(rtp(kind, number, number, 20 + number % 2, vp8(number, keyframe=True), extensions={MID: mid}))


def short_rtcp(scene: Victims, eve: RtpPeer) -> Packets:
    for length in range(2, 64):
        for kind in range(192, 224):
            yield (bytes([0x80, kind]) + scene.random.randbytes(64))[:length]


def broken_rtcp(scene: Victims, eve: RtpPeer) -> Packets:
    dice = scene.random
    for _ in range(1_500):
        body = b"".join(
            struct.pack(
                "!BBH", 0x80 | dice.randrange(32), dice.randrange(198, 210), dice.choice((0, 1, 2, 5, 6, 300, 65_535))
            )
            + dice.randbytes(4 * dice.randrange(1, 8))
            for _ in range(dice.randrange(1, 6))
        )
        yield eve.protect_rtcp(body)


def nacks(scene: Victims, eve: RtpPeer) -> Packets:
    for number in range(60):
        for ssrc in everybody(scene, eve):
            asked = [struct.pack("!HH", start, 0xFFFF) for start in range(number * 17, number * 17 + 17 * 60, 17)]
            yield eve.protect_rtcp(report(205, 1, 1, ssrc, *asked))


def keyframe_requests(scene: Victims, eve: RtpPeer) -> Packets:
    for number in range(300):
        for ssrc in everybody(scene, eve):
            yield eve.protect_rtcp(report(206, 1, 1, ssrc))
            yield eve.protect_rtcp(report(206, 4, 1, 0, ssrc, number << 24))


def transport_feedback(scene: Victims, eve: RtpPeer) -> Packets:
    dice = scene.random
    for number in range(1_000):
        head = struct.pack(
            "!HHIB", dice.randrange(65_536), dice.choice((0, 1, 65_535)), dice.randrange(1 << 24) << 8 | number % 256, 0
        )
        yield eve.protect_rtcp(
            report(205, 15, 1, dice.choice(everybody(scene, eve)), head[:8], dice.randbytes(4 * dice.randrange(1, 200)))
        )
        remb = b"REMB" + bytes([number % 256, 0xFF, 0xFF, 0xFF])
        yield eve.protect_rtcp(report(206, 15, 1, 0, remb, *everybody(scene, eve)))


def reports_and_goodbyes(scene: Victims, eve: RtpPeer) -> Packets:
    for number in range(60):
        for ssrc in everybody(scene, eve):
            yield eve.protect_rtcp(report(203, 1, ssrc))
            yield eve.protect_rtcp(report(200, 0, ssrc, -1, -1, number << 20, -1, -1))
            yield eve.protect_rtcp(report(201, 1, 1, ssrc, -1, -1, -1, -1, -1))
            yield eve.protect_rtcp(report(202, 1, ssrc, b"\x01\xff" + b"a" * 30))


def no_dtls(scene: Victims, eve: RtpPeer) -> Packets:
    """After the handshake: rubbish, a new ClientHello, alerts that nobody signed."""
    hello = RtpPeer(eve.member).dtls.step()
    for number in range(600):
        yield bytes([20 + number % 44]) + scene.random.randbytes(number % 1_300)
        yield b"\x15\xfe\xfd" + bytes(7) + bytes([number % 256]) + b"\x00\x02\x02\x28"
        yield hello[0]


EVIL = [
    replays,
    tags_that_are_wrong,
    thousands_of_ssrcs,
    header_extensions,
    padding,
    payloads,
    spoofs,
    layers_that_flap,
    short_rtcp,
    broken_rtcp,
    nacks,
    keyframe_requests,
    transport_feedback,
    reports_and_goodbyes,
    no_dtls,
]
