"""A participant made of a WebSocket, a UDP socket, OpenSSL and libsrtp: cheap, and every packet of it is a test's to decide.

It knows the counter that it wrote into each packet that it sent, so that a receiver can say exactly which are missing.
"""

import asyncio
import json
import re
import socket
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from OpenSSL import SSL
from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session

from sfu.ids import Ufrag
from sfu.protocol.ice import Candidate
from sfu.transport import LocalParameters
from tests.engine.bed import rtp, vp8
from tests.harness.transport_client import UdpClient
from tests.integration.doors import Member

OPUS, VP8, VP8_RTX = 111, 96, 97
MID, LEVEL = 4, 1
RECEIVE_BUFFER_BYTES = 4 << 20
SO_RCVBUFFORCE = 33
LINES = ("audio sendonly", "video sendonly", "audio recvonly", "video recvonly")
"""What everybody offers: two tracks, and slots for one other person."""
_CODECS = {
    "audio": (f"a=rtpmap:{OPUS} opus/48000/2", f"a=extmap:{LEVEL} urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
    "video": (
        f"a=rtpmap:{VP8} VP8/90000",
        f"a=rtcp-fb:{VP8} nack",
        f"a=rtcp-fb:{VP8} nack pli",
        f"a=rtpmap:{VP8_RTX} rtx/90000",
        f"a=fmtp:{VP8_RTX} apt={VP8}",
    ),
}
_PROFILES = {
    b"SRTP_AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    b"SRTP_AES128_CM_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}


def offer(
    fingerprint: str, lines: Iterable[str] = LINES, *, ufrag: str = "them", extra: dict[str, list[str]] | None = None
) -> str:
    """`lines` as in `tests.integration.offers`, here with the MID extension; `extra` attributes by MID."""
    lines = list(lines)
    mids = [str(index) for index in range(len(lines))]
    text = ["v=0", "o=- 1234 2 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {' '.join(mids)}"]
    for mid, line in zip(mids, lines, strict=True):
        kind, _, direction = line.partition(" ")
        formats = f"{OPUS}" if kind == "audio" else f"{VP8} {VP8_RTX}"
        data = kind == "data"
        text += [
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel" if data else f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}"
        ]
        text += ["c=IN IP4 0.0.0.0", f"a=mid:{mid}", f"a=ice-ufrag:{ufrag}", "a=ice-pwd:passwordOfTwentyFourChars"]
        text += [f"a=fingerprint:{fingerprint}", "a=setup:actpass"]
        if data:
            text += ["a=sctp-port:5000"]
            continue
        text += [f"a={direction}", "a=rtcp-mux", "a=msid:stream track", *_CODECS[kind]]
        text += [f"a=extmap:{MID} urn:ietf:params:rtp-hdrext:sdes:mid", *(extra or {}).get(mid, ())]
    return "\r\n".join([*text, ""])


class RtpPeer(UdpClient):
    """`peer = await RtpPeer.join(doors_member)`: in the room, connected, ready to send and receive."""

    def __init__(self, member: Member, *, padding: int = 0) -> None:
        """`padding`: bytes by which the ClientHello grows."""
        super().__init__(("127.0.0.1", 0), LocalParameters(Ufrag(""), "", "", ()), padding=padding)
        self.member = member
        self.log: list[dict[str, Any]] = []
        """Messages that came after the answer."""
        self.heard: dict[int, list[int]] = defaultdict(list)
        """SSRC → the counter in each packet, in the order of arrival."""
        self.sequence_numbers: dict[int, list[int]] = defaultdict(list)
        self.broken = 0
        """Datagrams that did not authenticate, or were no RTP."""
        self.rtcp: list[bytes] = []
        self.sent: dict[str, int] = {"audio": 0, "video": 0}
        self.ssrcs: dict[str, int] = {"audio": 1_111, "video": 2_222}
        self.answer = ""
        self.reader: asyncio.Task[None] | None = None
        self._outgoing: Session | None = None
        self._incoming: Session | None = None

    @classmethod
    async def enter(cls, member: Member, lines: Iterable[str] = LINES, **options: Any) -> Self:
        """Offer, check, shake hands. `options` are those of `offer`."""
        peer = cls(member)
        await peer.negotiate(lines, **options)
        await peer.connect(30.0)
        peer.secure()
        return peer

    async def negotiate(self, lines: Iterable[str] = LINES, **options: Any) -> None:
        """Offer; the answer says where to send checks."""
        algorithm, value = self.dtls.fingerprints()[0]
        tracks = [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]
        answer = await self.member.offer(
            offer(f"{algorithm} {value}", lines, **options), f"c-{id(self)}", 1, tracks=tracks
        )
        self.take(answer["sdp"])
        await self.move()
        assert self._socket is not None
        with_buffer: socket.socket = self._socket.get_extra_info("socket")
        try:
            with_buffer.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
        except PermissionError:
            with_buffer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)

    def take(self, answer: str) -> None:
        """Where the answer says that the server is, and by what credentials."""
        self.answer = answer
        found = {name: re.search(pattern, answer) for name, pattern in _ANSWER.items()}
        ufrag, password, candidate = (match for match in found.values() if match is not None)
        self.server = candidate[1], int(candidate[2])
        one = Candidate(self.server, 1, "1")
        self.local = LocalParameters(
            Ufrag(ufrag[1]), password[1], re.findall("a=fingerprint:(.*?)\r\n", answer)[0], (one,)
        )

    def secure(self) -> None:
        """DTLS is connected: the keys of SRTP (RFC 5764, section 4.2)."""
        profile, key, salt = _PROFILES[self.dtls.ssl.get_selected_srtp_profile()]
        material = self.dtls.ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        salts = material[2 * key :]
        self._outgoing = _session(profile, material[:key] + salts[:salt], Policy.SSRC_ANY_OUTBOUND)
        self._incoming = _session(profile, material[key : 2 * key] + salts[salt:], Policy.SSRC_ANY_INBOUND)

    def slot_ssrc(self, mid: str) -> int:
        """What the answer says that the slot sends as."""
        section = next(part for part in self.answer.split("\r\nm=") if f"\r\na=mid:{mid}\r\n" in part + "\r\n")
        found = re.search(r"a=ssrc:(\d+) ", section)
        assert found is not None
        return int(found[1])

    # -- media ---------------------------------------------------------------------------------------------------

    def protect(self, packet: bytes) -> bytes:
        assert self._outgoing is not None
        return self._outgoing.protect(packet)

    def protect_rtcp(self, packet: bytes) -> bytes:
        assert self._outgoing is not None
        return self._outgoing.protect_rtcp(packet)

    def send_media(self, kind: str, *, keyframe: bool = False, size: int = 120) -> bytes:
        """One whole frame in one packet, with its counter in its last eight bytes; the datagram."""
        number = self.sent[kind]
        self.sent[kind] += 1
        counter = struct.pack("!Q", number)
        if kind == "audio":
            extensions = {MID: b"0", LEVEL: b"\x8a"}
            packet = rtp(OPUS, number, 960 * number, self.ssrcs[kind], b"opus" + counter, extensions=extensions)
        else:
            payload = vp8(number, keyframe=keyframe, size=size, tl0picidx=number) + counter
            packet = rtp(VP8, number, 3_000 * number, self.ssrcs[kind], payload, marker=True, extensions={MID: b"1"})
        datagram = self.protect(packet)
        self.send(datagram)
        return datagram

    def datagram_received(self, data: bytes, address: Any) -> None:
        if not data or not 128 <= data[0] <= 191:
            super().datagram_received(data, address)
            return
        if self._incoming is None:
            return
        try:
            if 192 <= data[1] <= 223:
                self.rtcp.append(self._incoming.unprotect_rtcp(data))
                return
            plain = self._incoming.unprotect(data)
        except SrtpError:
            self.broken += 1
            return
        if plain[1] & 0x7F not in (OPUS, VP8):
            return
        ssrc = int.from_bytes(plain[8:12], "big")
        self.heard[ssrc].append(int.from_bytes(plain[-8:], "big"))
        self.sequence_numbers[ssrc].append(int.from_bytes(plain[2:4], "big"))

    # -- signalling ----------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        async for frame in self.member.socket:
            self.log.append(json.loads(frame.data))

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Messages are read (and kept) meanwhile, as a page would."""
        self.reader = asyncio.create_task(self._read())
        try:
            yield
        finally:
            self.reader.cancel()
            self.reader = None

    def vanish(self) -> None:
        """Stops without a word."""
        self.close()
        self._socket = None
        self._outgoing = self._incoming = None

    def goodbye(self) -> None:
        """DTLS close_notify, then nothing."""
        if self.dtls.connected() and self._socket is not None:
            try:
                self.dtls.ssl.shutdown()
            except SSL.Error:
                return
            for datagram in self.dtls.output():
                self.send(datagram)
        self.vanish()


_ANSWER = {
    "ufrag": r"a=ice-ufrag:(\S+)",
    "password": r"a=ice-pwd:(\S+)",
    "candidate": r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host",
}


def _session(profile: int, key: bytes, direction: int) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=profile)
    policy.window_size = 4_096
    policy.allow_repeat_tx = True
    return Session(policy)
