"""The scripted input of `micro`: one publisher's packets through the packet engine to some receivers; no socket, no clock.

As a program (`python -m benchmarks.micro_script KIND PACKETS RECEIVERS`) it is what callgrind counts.
"""

import sys
import time

from pylibsrtp import Policy, Session

from benchmarks.patterns import AUDIO_FRAME_S
from sfu.dataplane import (
    Address,
    Engine,
    Extension,
    Format,
    Kind,
    ReceiveParams,
    SlotFormat,
    SlotParams,
    SrtpProfile,
    TrackParams,
)

SIZES = {"video": 1200, "audio": 100}
PACKETS_A_FRAME = 10
PAYLOAD_TYPE = 96
EXTENSIONS = {Extension.MID: 1, Extension.TRANSPORT_CC: 3}
PUBLISHER: Address = ("192.0.2.1", 5000)
KEY = bytes(range(28))
SSRC = 0x1000
EVICTED_BYTES = 3 << 20
"""Read and written between two packets: together more than a core's own caches hold."""


def engine_for(kind: str, receivers: int) -> Engine:
    """A publisher of one track, and receivers whose slots it fills."""
    engine = Engine(max_transports=receivers + 1, seed=1)
    media, rtp_format = (Kind.VIDEO, Format.VP8) if kind == "video" else (Kind.AUDIO, Format.OPUS)
    publisher = engine.add_transport()
    engine.set_srtp(publisher, SrtpProfile.AEAD_AES_128_GCM, KEY, KEY)
    engine.add_address(publisher, PUBLISHER)
    engine.set_receive(publisher, ReceiveParams({PAYLOAD_TYPE: rtp_format}, {}, EXTENSIONS))
    track = engine.add_track(publisher, TrackParams("0", media, nack=kind == "video", transport_cc=True))
    for number in range(receivers):
        receiver = engine.add_transport()
        engine.set_srtp(receiver, SrtpProfile.AEAD_AES_128_GCM, KEY, KEY[::-1])
        address = (f"192.0.3.{number + 1}", 5000)
        engine.add_address(receiver, address)
        engine.select_address(receiver, address)
        slot = engine.add_slot(
            receiver,
            SlotParams(
                "v",
                media,
                0x2000 + 2 * number,
                0x2001 + 2 * number,
                "bench",
                {rtp_format: SlotFormat(PAYLOAD_TYPE, None, nack=kind == "video")},
                EXTENSIONS,
            ),
        )
        engine.route(slot, track)
    return engine


def packets_for(kind: str, count: int) -> list[tuple[int, bytes]]:
    """(microseconds, SRTP packet); the same in every run."""
    session = Session(
        Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    )
    found = []
    for n in range(count):
        frame, place = divmod(n, PACKETS_A_FRAME) if kind == "video" else (n, 0)
        last = place == PACKETS_A_FRAME - 1 or kind == "audio"
        at_us = 1_000_000 + (frame * 33_333 if kind == "video" else round(frame * AUDIO_FRAME_S * 1e6))
        timestamp = frame * (3_000 if kind == "video" else 960)
        header = bytes([0x90, PAYLOAD_TYPE | (0x80 if last and kind == "video" else 0)]) + n.to_bytes(2, "big")
        header += timestamp.to_bytes(4, "big") + SSRC.to_bytes(4, "big")
        header += bytes([0xBE, 0xDE, 0, 2, 0x10, ord("0"), 0x31]) + n.to_bytes(2, "big") + bytes(3)
        if kind == "video":
            first_bytes = bytes([0x90 if place == 0 else 0x80, 0xC0]) + (0x8000 | frame & 0x7FFF).to_bytes(2, "big")
            payload = first_bytes + bytes([frame & 0xFF, 0x10 if frame == 0 else 0x11, 0, 0, 0x9D, 1, 0x2A])
        else:
            payload = b"\x78"
        found.append((at_us, session.protect((header + payload).ljust(SIZES[kind], b"\x5a"))))
    return found


def feed(engine: Engine, packets: list[tuple[int, bytes]]) -> tuple[int, float]:
    """(copies that left, seconds inside of the engine's `receive`)."""
    copies, spent = 0, 0.0
    for now_us, packet in packets:
        started = time.perf_counter()
        engine.receive(now_us, packet, PUBLISHER)
        spent += time.perf_counter() - started
        while engine.poll_transmit() is not None:
            copies += 1
        while engine.poll_event() is not None:
            continue
    return copies, spent


def feed_cold(engine: Engine, packets: list[tuple[int, bytes]]) -> float:
    """Seconds inside of `receive` for a packet whose turn finds nothing in the nearer caches: the lower quartile of all.

    As in a server whose packets come one by one, between other programs. The quartile leaves out what others on the machine take.
    """
    evicting, written = bytearray(EVICTED_BYTES), bytes(EVICTED_BYTES)
    spent = []
    for packet in packets:
        evicting[:] = written
        spent.append(feed(engine, [packet])[1])
    return sorted(spent)[len(spent) // 4]


if __name__ == "__main__":
    print(feed(engine_for(sys.argv[1], int(sys.argv[3])), packets_for(sys.argv[1], int(sys.argv[2])))[0])
