"""Publisher, engine and subscriber back to back over links that lose packets: everything arrives in the end."""

import random
import struct

import pytest

from sfu.dataplane import SrtpProfile
from tests.engine.bed import VP8_RTX, Bed, VideoSource, nack, rtp, video_slot, video_track

pytestmark = pytest.mark.asan

FRAMES = 300


def numbers_asked_for(block: bytes) -> list[int]:
    """Of a generic NACK (RFC 4585, section 6.2.1)."""
    pairs = struct.iter_unpack("!HH", block[12:])
    return [number for pid, blp in pairs for number in (pid, *(pid + 1 + bit for bit in range(16) if blp >> bit & 1))]


def sent_again(number: int, media: bytes, rtx_number: int) -> bytes:
    """A packet as a retransmission (RFC 4588, section 4) on the SSRC 900."""
    stamp = struct.unpack_from("!I", media, 4)[0]
    body = struct.pack("!H", number) + media[-120:]
    return rtp(VP8_RTX, rtx_number, stamp, 900, body, marker=bool(media[1] & 0x80))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("profile", list(SrtpProfile))
@pytest.mark.parametrize("rtx", [True, False])
def test_loss_on_both_sides_is_repaired(seed: int, profile: SrtpProfile, rtx: bool) -> None:
    dice = random.Random(seed)
    bed = Bed()
    sender, receiver = bed.publisher(profile), bed.client(profile)
    track = bed.engine.add_track(sender.transport, video_track(ssrcs=(500,), rtx_ssrcs={500: 900}))
    slot = bed.engine.add_slot(receiver.transport, video_slot(rtx=rtx))
    bed.engine.route(slot, track)
    source = VideoSource(sender, 500)
    sent: dict[int, bytes] = {}
    rtx_number = 0
    got: dict[int, bytes] = {}

    def lose(datagram: bytes) -> bool:
        return datagram[1] & 0x7F in (120, 121) and dice.random() < 0.1

    def collect() -> None:
        for packet in receiver.rtp:
            if packet.ssrc == 0x2223:
                got.setdefault(struct.unpack_from("!H", packet.payload)[0], packet.payload[2:])
            else:
                got.setdefault(packet.sequence_number, packet.payload)
        receiver.rtp.clear()

    def ask_for(missing: list[int]) -> None:
        receiver.send_rtcp(nack(1, 0x2222, *((number, 0) for number in missing[:100])))

    receiver.lose = lose
    for frame in range(FRAMES):
        for packet in source.frame(keyframe=frame == 0, packets=2, size=120):
            number = struct.unpack_from("!H", packet, 2)[0]
            sent[number] = packet
            if frame == 0 or dice.random() >= 0.1:
                sender.send(packet)
        bed.run(15_000)
        # The publisher obeys our NACKs (over the same lossy link), the subscriber sends its own.
        for block in sender.blocks(205, 1):
            for wanted in numbers_asked_for(block):
                if dice.random() >= 0.1:
                    rtx_number += 1
                    sender.send(sent_again(wanted, sent[wanted], rtx_number))
        sender.forget()
        collect()
        if frame % 8 == 7:
            first, last = min(got), max(got)
            ask_for([number for number in range(first, last - 8) if number not in got])
            collect()
    for _ in range(5):
        bed.run(200_000)
        missing = [number for number in range(min(got), max(got)) if number not in got]
        if missing:
            ask_for(missing)
        collect()
    ordered = [got[number] for number in sorted(got)]
    expected = [packet[-120:] for packet in sent.values()]
    # What was lost three times over is lost; nothing else, and nothing is wrong or out of place.
    assert len(ordered) >= 2 * FRAMES - 4
    bodies = {body[7:]: place for place, body in enumerate(expected)}
    places = [bodies[body[7:]] for body in ordered]
    assert places == sorted(places)
    assert bed.engine.counters().retransmissions > 20
