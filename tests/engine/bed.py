"""An engine, a virtual clock and clients that speak SRTP: no socket, no waiting.

The clients are built from pylibsrtp and a packet writer of their own, so that nothing of the data plane checks itself.
"""

import os
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiortc.rtp import RtcpPacket, RtpPacket
from pylibsrtp import Policy, Session

from sfu.dataplane import (
    Address,
    Engine,
    Event,
    Extension,
    Format,
    Kind,
    ReceiveParams,
    SlotFormat,
    SlotParams,
    SrtpProfile,
    TrackParams,
)

UNIX_US = 1_700_000_000_000_000
"""What the wall clock shows when the virtual clock shows 0."""

OPUS, VP8, VP8_RTX, H264, H264_RTX = 111, 96, 97, 102, 103
EXTENSIONS: Mapping[Extension, int] = {
    Extension.MID: 4,
    Extension.RID: 10,
    Extension.REPAIRED_RID: 11,
    Extension.AUDIO_LEVEL: 1,
    Extension.ABS_SEND_TIME: 2,
    Extension.TRANSPORT_CC: 3,
}
RECEIVE = ReceiveParams(
    payload_types={OPUS: Format.OPUS, VP8: Format.VP8, H264: Format.H264_CONSTRAINED_BASELINE},
    rtx={VP8_RTX: VP8, H264_RTX: H264},
    extensions=EXTENSIONS,
)
# A subscriber numbers everything in its own way.
OUT_OPUS, OUT_VP8, OUT_VP8_RTX, OUT_H264 = 109, 120, 121, 126
OUT_EXTENSIONS: Mapping[Extension, int] = {
    Extension.MID: 9,
    Extension.AUDIO_LEVEL: 7,
    Extension.ABS_SEND_TIME: 5,
    Extension.TRANSPORT_CC: 6,
}
_PROFILES = {
    SrtpProfile.AES_CM_128_HMAC_SHA1_80: (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    SrtpProfile.AEAD_AES_128_GCM: (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
}


def rtp(
    payload_type: int,
    sequence_number: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    *,
    marker: bool = False,
    extensions: Mapping[int, bytes] | None = None,
    padding: int = 0,
) -> bytes:
    """A plain RTP packet with one-byte header extensions by id."""
    block = b""
    if extensions:
        for identifier, value in extensions.items():
            block += bytes([identifier << 4 | len(value) - 1]) + value
        block += bytes(-len(block) % 4)
        block = struct.pack("!HH", 0xBEDE, len(block) // 4) + block
    first = 0x80 | (0x10 if block else 0) | (0x20 if padding else 0)
    header = struct.pack(
        "!BBHII", first, marker << 7 | payload_type, sequence_number & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc
    )
    return header + block + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def vp8(picture_id: int, *, keyframe: bool = False, start: bool = True, size: int = 100, tl0picidx: int = 0) -> bytes:
    """A VP8 payload with a 15-bit picture id and TL0PICIDX (RFC 7741)."""
    descriptor = bytes([0x80 | (0x10 if start else 0), 0xC0]) + struct.pack(
        "!HB", 0x8000 | picture_id & 0x7FFF, tl0picidx & 0xFF
    )
    body = bytes([0x00 if keyframe else 0x01]) + (b"\x00\x00\x9d\x01\x2a\x80\x02\xe0\x01" if keyframe else b"")
    return descriptor + body + os.urandom(max(size - len(descriptor) - len(body), 0))


def picture_id(payload: bytes) -> int:
    """The 15-bit picture id of a payload made by `vp8`."""
    return int(struct.unpack_from("!H", payload, 2)[0] & 0x7FFF)


class Client:
    """One end of a transport: protects what it sends, checks and keeps what it gets."""

    def __init__(self, bed: "Bed", address: Address, profile: SrtpProfile) -> None:
        self.bed = bed
        self.address = address
        number, length = _PROFILES[profile]
        to_engine, to_client = os.urandom(length), os.urandom(length)
        self._send = self._session(number, to_engine, Policy.SSRC_ANY_OUTBOUND)
        self._receive = self._session(number, to_client, Policy.SSRC_ANY_INBOUND)
        self.transport = bed.engine.add_transport()
        bed.engine.set_srtp(self.transport, profile, to_engine, to_client)
        bed.engine.add_address(self.transport, address)
        bed.clients[address] = self
        self.rtp: list[RtpPacket] = []
        self.raw: list[bytes] = []
        self.rtcp: list[bytes] = []
        self._newest: dict[int, int] = {}
        self._encrypted: dict[tuple[int, int], bytes] = {}
        self._compounds: set[tuple[bytes, bytes]] = set()
        self._profile = profile
        self.lose: Callable[[bytes], bool] = lambda _: False
        """Says of a datagram from the engine whether it is lost on the way."""

    @staticmethod
    def _session(profile: int, key: bytes, ssrc_type: int) -> Session:
        policy = Policy(key=key, ssrc_type=ssrc_type, srtp_profile=profile)
        policy.window_size = 4096
        policy.allow_repeat_tx = True
        return Session(policy)

    def protect(self, packet: bytes) -> bytes:
        return self._send.protect(packet)

    def protect_rtcp(self, packet: bytes) -> bytes:
        return self._send.protect_rtcp(packet)

    def send(self, packet: bytes) -> None:
        """A plain RTP packet to the engine."""
        self.bed.deliver(self.protect(packet), self.address)

    def send_rtcp(self, packet: bytes) -> None:
        """A plain RTCP compound to the engine."""
        self.bed.deliver(self.protect_rtcp(packet), self.address)

    def rekey(self) -> None:
        """Both ends begin with another AES-GCM key."""
        number, length = _PROFILES[SrtpProfile.AEAD_AES_128_GCM]
        to_engine, to_client = os.urandom(length), os.urandom(length)
        self._send = self._session(number, to_engine, Policy.SSRC_ANY_OUTBOUND)
        self._receive = self._session(number, to_client, Policy.SSRC_ANY_INBOUND)
        self._newest.clear()
        self._encrypted.clear()
        self._compounds.clear()
        self._profile = SrtpProfile.AEAD_AES_128_GCM
        self.bed.engine.set_srtp(self.transport, SrtpProfile.AEAD_AES_128_GCM, to_engine, to_client)

    def _one_packet_an_index(self, datagram: bytes) -> None:
        """Two packets with one nonce would give the key away (RFC 7714, section 8), whether they arrive or not."""
        number, ssrc = struct.unpack("!H4xI", datagram[2:12])
        newest = self._newest.get(ssrc, number)
        index = newest + ((number - newest + 0x8000) & 0xFFFF) - 0x8000
        self._newest[ssrc] = max(newest, index)
        assert self._encrypted.setdefault((ssrc, index), datagram) == datagram

    def _one_compound_an_index(self, datagram: bytes) -> None:
        """The same for AES-GCM's RTCP, which ends with its index (RFC 7714, section 9)."""
        if self._profile == SrtpProfile.AEAD_AES_128_GCM:
            assert (datagram[4:8], datagram[-4:]) not in self._compounds
            self._compounds.add((datagram[4:8], datagram[-4:]))

    def take(self, datagram: bytes) -> None:
        if not 192 <= datagram[1] <= 223:
            self._one_packet_an_index(datagram)
        else:
            self._one_compound_an_index(datagram)
        if self.lose(datagram):
            return
        if 192 <= datagram[1] <= 223:
            self.rtcp.append(self._receive.unprotect_rtcp(datagram))
        else:
            plain = self._receive.unprotect(datagram)
            self.raw.append(plain)
            self.rtp.append(RtpPacket.parse(plain))

    def blocks(self, packet_type: int, fmt: int | None = None) -> list[bytes]:
        """The RTCP packets of one type received so far."""
        found = []
        for compound in self.rtcp:
            at = 0
            while at < len(compound):
                size = 4 * (struct.unpack_from("!H", compound, at + 2)[0] + 1)
                if compound[at + 1] == packet_type and fmt in (None, compound[at] & 31):
                    found.append(compound[at : at + size])
                at += size
            RtcpPacket.parse(compound)
        return found

    def forget(self) -> None:
        self.rtp.clear()
        self.raw.clear()
        self.rtcp.clear()


@dataclass
class Bed:
    """The engine under test and everybody who talks to it."""

    engine: Engine = field(default_factory=lambda: Engine(ntp_offset_us=UNIX_US, seed=1))
    now_us: int = 1_000_000
    clients: dict[Address, Client] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def client(self, profile: SrtpProfile = SrtpProfile.AEAD_AES_128_GCM) -> Client:
        return Client(self, (f"10.0.{len(self.clients) // 250}.{len(self.clients) % 250 + 1}", 5000), profile)

    def publisher(
        self, profile: SrtpProfile = SrtpProfile.AEAD_AES_128_GCM, receive: ReceiveParams = RECEIVE
    ) -> Client:
        client = self.client(profile)
        self.engine.set_receive(client.transport, receive)
        return client

    def deliver(self, datagram: bytes, address: Address) -> None:
        self.engine.receive(self.now_us, datagram, address)
        self.pump()

    def pump(self) -> None:
        while (item := self.engine.poll_transmit()) is not None:
            self.clients[item[1]].take(item[0])
        while (event := self.engine.poll_event()) is not None:
            self.events.append(event)

    def run(self, microseconds: int) -> None:
        """Lets time pass, timer by timer."""
        end = self.now_us + microseconds
        while (due := self.engine.next_timer_us()) <= end:
            self.now_us = max(due, self.now_us)
            self.engine.handle_timer(self.now_us)
            self.pump()
        self.now_us = end

    def dropped(self) -> dict[str, int]:
        return {reason: count for reason, count in self.engine.counters().dropped.items() if count}


def audio_track(mid: str = "0", **changes: object) -> TrackParams:
    return TrackParams(mid=mid, kind=Kind.AUDIO, **changes)  # type: ignore[arg-type]


def video_track(mid: str = "1", *, rids: Sequence[str] = (), **changes: object) -> TrackParams:
    values: dict[str, object] = {"nack": True, "transport_cc": True, **changes}
    return TrackParams(mid=mid, kind=Kind.VIDEO, rids=tuple(rids), **values)  # type: ignore[arg-type]


def audio_slot(ssrc: int = 0x1111, mid: str = "a") -> SlotParams:
    return SlotParams(
        mid=mid, kind=Kind.AUDIO, ssrc=ssrc, rtx_ssrc=ssrc + 1, cname="slot", formats={Format.OPUS: SlotFormat(OUT_OPUS)},
        extensions=OUT_EXTENSIONS,
    )  # fmt: skip


def video_slot(ssrc: int = 0x2222, mid: str = "v", *, rtx: bool = True, h264: bool = True) -> SlotParams:
    formats = {Format.VP8: SlotFormat(OUT_VP8, OUT_VP8_RTX if rtx else None, nack=True)}
    if h264:
        formats[Format.H264_CONSTRAINED_BASELINE] = SlotFormat(OUT_H264, None, nack=True)
    return SlotParams(
        mid=mid, kind=Kind.VIDEO, ssrc=ssrc, rtx_ssrc=ssrc + 1, cname="slot", formats=formats, extensions=OUT_EXTENSIONS
    )


@dataclass
class VideoSource:
    """Frames of VP8 from one encoder: one SSRC."""

    client: Client
    ssrc: int
    mid: str | None = "1"
    rid: str | None = None
    sequence_number: int = 1000
    timestamp: int = 90_000
    picture: int = 100
    payload_type: int = VP8
    extra: Mapping[int, bytes] = field(default_factory=dict)

    def extensions(self) -> dict[int, bytes]:
        found: dict[int, bytes] = dict(self.extra)
        if self.mid is not None:
            found[EXTENSIONS[Extension.MID]] = self.mid.encode()
        if self.rid is not None:
            found[EXTENSIONS[Extension.RID]] = self.rid.encode()
        return found

    def packet(self, *, keyframe: bool = False, start: bool = True, marker: bool = True, size: int = 100) -> bytes:
        made = rtp(
            self.payload_type, self.sequence_number, self.timestamp, self.ssrc,
            vp8(self.picture, keyframe=keyframe and start, start=start, size=size), marker=marker, extensions=self.extensions(),
        )  # fmt: skip
        self.sequence_number += 1
        return made

    def frame(self, *, keyframe: bool = False, packets: int = 1, size: int = 100) -> list[bytes]:
        made = [
            self.packet(keyframe=keyframe, start=place == 0, marker=place == packets - 1, size=size)
            for place in range(packets)
        ]
        self.timestamp += 3000
        self.picture += 1
        return made

    def send_frame(self, *, keyframe: bool = False, packets: int = 1, size: int = 100) -> None:
        for packet in self.frame(keyframe=keyframe, packets=packets, size=size):
            self.client.send(packet)

    def report(self, unix_us: int | None = None, timestamp: int | None = None) -> None:
        """A sender report: what this encoder's RTP clock shows at a wall-clock time."""
        unix = UNIX_US + self.client.bed.now_us if unix_us is None else unix_us
        self.client.send_rtcp(sender_report(self.ssrc, unix, self.timestamp if timestamp is None else timestamp))


def ntp(unix_us: int) -> int:
    seconds, rest = divmod(unix_us, 1_000_000)
    return ((seconds + 2_208_988_800) << 32 | (rest << 32) // 1_000_000) & 0xFFFFFFFFFFFFFFFF


def sender_report(ssrc: int, unix_us: int, timestamp: int) -> bytes:
    return struct.pack("!BBHIQIII", 0x80, 200, 6, ssrc, ntp(unix_us), timestamp & 0xFFFFFFFF, 10, 1000)


def pli(sender: int, media: int) -> bytes:
    return struct.pack("!BBHII", 0x81, 206, 2, sender, media)


def nack(sender: int, media: int, *pairs: tuple[int, int]) -> bytes:
    entries = b"".join(struct.pack("!HH", pid & 0xFFFF, blp) for pid, blp in pairs)
    return struct.pack("!BBHII", 0x81, 205, 2 + len(pairs), sender, media) + entries
