"""One client of the load test up to the moment its keys are known: signalling, ICE (controlling), DTLS (client).

Owns its socket and its SRTP sessions. After `connect` nothing here touches media: the compiled fleet drains or feeds the socket,
and `consent` sends the checks that keep the server sending (RFC 7675).
"""

import asyncio
import secrets
import socket
import string
import time
from dataclasses import dataclass
from typing import Protocol

from aioice import stun
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    SRTPProtectionProfile,
    certificate_digest,
)
from OpenSSL import SSL
from pylibsrtp import Policy, Session

from benchmarks import sdp
from benchmarks.patterns import Pattern
from benchmarks.sockets import client_socket

CHECK_INTERVAL_S = 0.05
"""Between connectivity checks until one is answered (RFC 8445, section 14: Ta)."""

PRIORITY = 0x6E0001FF
ICE_CHARS = string.ascii_letters + string.digits
PROFILES = (SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80)


class ConnectError(Exception):
    """The server refused, or did not answer in time; the text says at which step."""


class ClientIdentity:
    """A certificate and the SSL context made from it, shared by all clients: making them is no part of the load."""

    def __init__(self) -> None:
        certificate = RTCCertificate.generateCertificate()
        self.context: SSL.Context = certificate._create_ssl_context(list(PROFILES))
        self.fingerprint = next(f.value for f in certificate.getFingerprints() if f.algorithm == "sha-256")


@dataclass
class Timings:
    """Seconds from the start of `connect`."""

    started_ns: int = 0
    """Nanoseconds since 1970."""
    answered: float = 0.0
    checked: float = 0.0
    secured: float = 0.0


class Signalling(Protocol):
    """How one client and a server tell each other their descriptions; a server's adapter makes them."""

    async def exchange(self, endpoint: "Endpoint") -> str:
        """Offer to the server, or answer its offer; gives what the server said. `ConnectError` when it refused."""

    async def close(self) -> None:
        """End the session at the server."""


class Endpoint:
    """A client that sends the streams of `sends` and receives so many audio and video tracks."""

    def __init__(
        self,
        identity: ClientIdentity,
        signalling: Signalling,
        *,
        sends: Pattern | None = None,
        receives: tuple[int, int] = (0, 0),
    ) -> None:
        self.identity = identity
        self.signalling = signalling
        self.sends = sends
        self.receives = receives
        self.ssrcs = [secrets.randbits(31) & ~1 | 2 for _ in sends.streams] if sends is not None else []
        self.feedback_ssrc = secrets.randbits(31) | 1
        """Odd, the media's are even: two sessions with one key must never send under the same SSRC."""
        self.timings = Timings()
        self.profile = ""
        self.index = -1
        """Of the client in the compiled half."""
        self.socket: socket.socket = client_socket(timestamps=any(receives))
        self._ufrag = "".join(secrets.choice(ICE_CHARS) for _ in range(8))
        self._password = "".join(secrets.choice(ICE_CHARS) for _ in range(24))
        self._tie_breaker = secrets.randbits(64)

    def lines(self) -> list[sdp.Line]:
        """Its m-lines: what it sends, then what it receives."""
        found: list[sdp.Line] = []
        for kind in self.sends.kinds if self.sends is not None else ():
            assert self.sends is not None
            streams = [(n, s) for n, s in enumerate(self.sends.streams) if s.kind == kind]
            rids = tuple(s.rid for _, s in streams if s.rid)
            found.append(sdp.Line(kind, "sendonly", str(len(found)), 0 if rids else self.ssrcs[streams[0][0]], rids))
        for kind, count in zip(("audio", "video"), self.receives, strict=True):
            found += [sdp.Line(kind, "recvonly", str(len(found) + n)) for n in range(count)]
        return found

    def offer(self, *, setup: str = "actpass") -> str:
        """`active`: for a server that would choose to be the DTLS client."""
        return sdp.describe(self.lines(), self._credentials(setup))

    def answer(self, offer: str) -> str:
        """To a server that offers; everything in it is received."""
        remote = sdp.read(offer)
        lines = [sdp.Line(line.kind, "recvonly", line.mid) for line in remote.lines]
        return sdp.describe(lines, self._credentials("active"), like=remote)

    def _credentials(self, setup: str) -> sdp.Credentials:
        return sdp.Credentials(self._ufrag, self._password, self.identity.fingerprint, setup)

    async def connect(self, *, timeout_s: float = 15.0) -> None:
        """Raises `ConnectError`."""
        step = "signalling"
        self.timings.started_ns = time.time_ns()
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout_s):
                self.remote = sdp.read(await self.signalling.exchange(self))
                self.timings.answered = time.monotonic() - started
                if self.remote.address is None:
                    raise ConnectError("the server named no UDP address")
                self.socket.connect(self.remote.address)
                step = "a connectivity check"
                await self._check()
                self.timings.checked = time.monotonic() - started
                step = "the DTLS handshake"
                await self._handshake()
                self.timings.secured = time.monotonic() - started
        except TimeoutError:
            raise ConnectError(f"no end of {step} within {timeout_s} s") from None
        except (ValueError, OSError) as error:
            raise ConnectError(f"{step}: {error}") from error

    def _binding_request(self) -> tuple[bytes, bytes]:
        message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{self.remote.ufrag}:{self._ufrag}"
        message.attributes["PRIORITY"] = PRIORITY
        message.attributes["ICE-CONTROLLING"] = self._tie_breaker
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(self.remote.password.encode())
        return bytes(message), message.transaction_id

    def answer_check(self, request: bytes) -> None:
        """A full server checks, too (RFC 8445, section 7.3), and stops sending to whom does not answer."""
        try:
            message = stun.parse_message(request)
        except ValueError:
            return
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=message.transaction_id,
        )
        response.attributes["XOR-MAPPED-ADDRESS"] = self.remote.address
        response.add_message_integrity(self._password.encode())
        self._send(bytes(response))

    def _send(self, data: bytes) -> None:
        try:
            self.socket.send(data)
        except (BlockingIOError, ConnectionRefusedError):
            return  # it is sent again, or the server is dead, which shows in the result

    async def _check(self) -> None:
        loop = asyncio.get_running_loop()
        sent: set[bytes] = set()
        while True:
            request, transaction = self._binding_request()
            sent.add(transaction)
            self._send(request)
            try:
                async with asyncio.timeout(CHECK_INTERVAL_S):
                    data = await loop.sock_recv(self.socket, 2048)
            except TimeoutError:
                continue
            if data[0] > 3:
                continue
            message = stun.parse_message(data)
            if message.message_class == stun.Class.REQUEST:
                self.answer_check(data)
                continue
            authentic = message.check_message_integrity(self.remote.password.encode())
            if authentic and message.transaction_id in sent and message.message_class == stun.Class.RESPONSE:
                return
            if message.message_class == stun.Class.ERROR:
                raise ConnectError(f"the server refused a connectivity check: {message.attributes}")

    async def _handshake(self) -> None:
        loop = asyncio.get_running_loop()
        tls = SSL.Connection(self.identity.context)
        tls.set_connect_state()
        while True:
            try:
                tls.do_handshake()
                done = True
            except SSL.WantReadError:
                done = False
            except SSL.Error as error:
                raise ConnectError(f"the DTLS handshake failed: {error}") from error
            self._flush(tls)
            if done:
                break
            try:
                async with asyncio.timeout(tls.DTLSv1_get_timeout() or 1.0):
                    data = await loop.sock_recv(self.socket, 4096)
            except TimeoutError:
                tls.DTLSv1_handle_timeout()
                self._flush(tls)
                continue
            if 20 <= data[0] < 64:
                tls.bio_write(data)
            elif data[0] == 0:
                self.answer_check(data)
        self._verify(tls)
        self._take_keys(tls)
        self._tls = tls

    def _flush(self, tls: SSL.Connection) -> None:
        while True:
            try:
                self.socket.send(tls.bio_read(1500))
            except SSL.Error:
                return

    def _verify(self, tls: SSL.Connection) -> None:
        certificate = tls.get_peer_certificate(as_cryptography=True)
        algorithm, _, digest = self.remote.fingerprint.partition(" ")
        if certificate is None or certificate_digest(certificate, algorithm) != digest:
            raise ConnectError("the server's certificate does not match its fingerprint")

    def _take_keys(self, tls: SSL.Connection) -> None:
        name = tls.get_selected_srtp_profile()
        profile = next((p for p in PROFILES if p.openssl_profile == name), None)
        if profile is None:
            raise ConnectError("no SRTP profile was negotiated")
        self.profile = profile.openssl_profile.decode().removeprefix("SRTP_")
        length = 2 * (profile.key_length + profile.salt_length)
        material = tls.export_keying_material(b"EXTRACTOR-dtls_srtp", length)
        own = profile.get_key_and_salt(material, 0)
        self.outbound = _session(profile, own, Policy.SSRC_ANY_OUTBOUND)
        self.feedback = _session(profile, own, Policy.SSRC_ANY_OUTBOUND)
        """Another thread's, for receiver reports and the like."""
        self.inbound = _session(profile, profile.get_key_and_salt(material, 1), Policy.SSRC_ANY_INBOUND)

    def consent(self) -> None:
        """Send one check. What answers it is drained with everything else."""
        self._send(self._binding_request()[0])

    async def close(self) -> None:
        """End the session at the server and close the socket."""
        try:
            await self.signalling.close()
        finally:
            self.socket.close()


def _session(profile: SRTPProtectionProfile, key: bytes, ssrc_type: int) -> Session:
    policy = Policy(key=key, ssrc_type=ssrc_type, srtp_profile=profile.libsrtp_profile)
    policy.window_size = 1024
    return Session(policy)
