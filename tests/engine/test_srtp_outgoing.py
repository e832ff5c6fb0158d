"""How what leaves is encrypted: by OpenSSL or by libsrtp, the bytes are the same, and no index serves two packets."""

import os
import random
import struct

import pytest

from sfu.dataplane import gcm
from tests.engine.bed import Bed, Client, VideoSource, nack, video_slot, video_track

pytestmark = pytest.mark.asan

STRIDE = 900
"""Numbers that a source leaves out from packet to packet: so few that a slot leaves them out, too."""


def stage(*, rtx: bool = True) -> tuple[Bed, Client, VideoSource, int, int]:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    slot = bed.engine.add_slot(receiver.transport, video_slot(rtx=rtx))
    bed.engine.route(slot, track)
    return bed, receiver, VideoSource(sender, 500), slot, track


def stride(bed: Bed, source: VideoSource, packets: int) -> None:
    for place in range(packets):
        source.send_frame(keyframe=place == 0)
        source.sequence_number = (source.sequence_number + STRIDE) & 0xFFFF
        bed.run(1_000)


def meeting(rtx: bool) -> list[bytes]:
    """Every datagram to a subscriber over several rollovers, with NACKs, a slot that comes back and a new key."""
    bed, receiver, source, slot, track = stage(rtx=rtx)
    sent: list[bytes] = []
    lossy = False

    def keep(datagram: bytes) -> bool:
        sent.append(datagram)
        return lossy

    receiver.lose = keep
    for turn in range(4):
        stride(bed, source, 70)
        lossy = True
        for place in range(5):
            source.send_frame(size=100 + place)
        lossy = False
        lost = struct.unpack_from("!H", sent[-5], 2)[0]
        before = len(receiver.rtp)
        receiver.send_rtcp(nack(1, 0x2222, (lost, 0b1111)))
        assert len(receiver.rtp) == before + 5
        if turn == 1:
            bed.engine.remove_slot(slot)
            slot = bed.engine.add_slot(receiver.transport, video_slot(rtx=rtx))
            bed.engine.route(slot, track)
        if turn == 2:
            receiver.rekey()
    assert len(receiver.rtp) > 250
    return sent


@pytest.mark.parametrize("rtx", [True, False])
def test_libsrtp_would_have_sent_the_same_bytes(rtx: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gcm.AVAILABLE
    monkeypatch.setattr(os, "urandom", random.Random(7).randbytes)
    by_openssl = meeting(rtx)
    monkeypatch.setattr(os, "urandom", random.Random(7).randbytes)
    monkeypatch.setattr(gcm, "AVAILABLE", False)
    assert meeting(rtx) == by_openssl


def test_a_slot_that_comes_back_after_a_rollover_is_decrypted() -> None:
    bed, receiver, source, slot, track = stage()
    stride(bed, source, 2 * 65536 // STRIDE)
    received = len(receiver.rtp)
    last = receiver.rtp[-1].sequence_number
    bed.engine.remove_slot(slot)
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source.send_frame(keyframe=True)
    assert len(receiver.rtp) == received + 1
    assert (receiver.rtp[-1].sequence_number - last) & 0xFFFF == 16
    receiver.send_rtcp(nack(1, 0x2222, (last, 0)))
    assert len(receiver.rtp) == received + 1, "what the slot sent before is gone with it"


def test_another_key_counts_anew() -> None:
    bed, receiver, source, _, _ = stage(rtx=False)
    stride(bed, source, 65536 // STRIDE + 1)
    before = receiver.rtp[-1].sequence_number
    receiver.rekey()
    receiver.forget()
    source.sequence_number -= STRIDE
    source.send_frame()
    assert [packet.sequence_number for packet in receiver.rtp] == [before + 1]
    receiver.send_rtcp(nack(1, 0x2222, (before, 0)))
    assert len(receiver.rtp) == 1, "under this key it was never sent"
    receiver.lose = lambda datagram: True
    source.send_frame()
    receiver.lose = lambda datagram: False
    receiver.send_rtcp(nack(1, 0x2222, (before + 2, 0)))
    assert [packet.sequence_number for packet in receiver.rtp] == [before + 1, before + 2]


def test_more_slots_end_than_are_remembered() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    source = VideoSource(sender, 500)
    for _ in range(2):
        source.send_frame(keyframe=True)
    for turn in range(100):
        slot = bed.engine.add_slot(receiver.transport, video_slot(0x3000 + 2 * turn))
        bed.engine.route(slot, track)  # is served from history
        bed.pump()
        bed.engine.remove_slot(slot)
    assert len(receiver.rtp) == 100
    newest = bed.engine.add_slot(receiver.transport, video_slot(0x3000 + 2 * 99))
    last = receiver.rtp[-1].sequence_number
    bed.engine.route(newest, track)
    bed.pump()
    assert len(receiver.rtp) == 101
    assert receiver.rtp[-1].sequence_number == last + 16
