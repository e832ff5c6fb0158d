"""One client of the load test up to the moment its keys are known: HTTP offer, ICE (controlling), DTLS (client).

Owns its socket and its SRTP sessions. After `connect` nothing here touches media: the compiled fleet drains or feeds the socket,
and `consent` sends the checks that keep the server sending (RFC 7675).
"""

import asyncio
import secrets
import socket
import string
import time
from dataclasses import dataclass, field

import aiohttp
import yarl
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

    answered: float = 0.0
    checked: float = 0.0
    secured: float = 0.0


@dataclass
class Endpoint:
    """A WHIP or WHEP client. `direction`: `sendonly` or `recvonly`."""

    url: str
    direction: str
    identity: ClientIdentity
    ssrc: int = field(default_factory=lambda: secrets.randbits(31) | 1)
    timings: Timings = field(default_factory=Timings)
    profile: str = ""

    def __post_init__(self) -> None:
        self.socket: socket.socket = client_socket(timestamps=self.direction == "recvonly")
        self._ufrag = "".join(secrets.choice(ICE_CHARS) for _ in range(8))
        self._password = "".join(secrets.choice(ICE_CHARS) for _ in range(24))
        self._tie_breaker = secrets.token_bytes(8)
        self._resource = ""

    async def connect(self, http: aiohttp.ClientSession, *, timeout_s: float = 10.0) -> None:
        """Raises `ConnectError`."""
        step = "the HTTP answer"
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout_s):
                self.answer = await self._negotiate(http)
                self.timings.answered = time.monotonic() - started
                self.socket.connect(self.answer.address)
                step = "a connectivity check"
                await self._check()
                self.timings.checked = time.monotonic() - started
                step = "the DTLS handshake"
                await self._handshake()
                self.timings.secured = time.monotonic() - started
        except TimeoutError:
            raise ConnectError(f"no end of {step} within {timeout_s} s") from None

    async def _negotiate(self, http: aiohttp.ClientSession) -> sdp.Answer:
        text = sdp.offer(
            direction=self.direction,
            ufrag=self._ufrag,
            password=self._password,
            fingerprint=self.identity.fingerprint,
            ssrc=self.ssrc if self.direction == "sendonly" else 0,
            rtx_ssrc=self.ssrc ^ 1,
        )
        async with http.post(self.url, data=text, headers={"Content-Type": "application/sdp"}) as response:
            body = await response.text()
            if response.status != 201:
                raise ConnectError(f"{self.url} answered {response.status}: {body[:300]}")
            self._resource = str(response.url.join(yarl.URL(response.headers["Location"])))
        answer = sdp.read_answer(body)
        if not answer.accepted:
            raise ConnectError(f"the server refused the video line:\n{body}")
        return answer

    def _binding_request(self) -> tuple[bytes, bytes]:
        message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{self.answer.ufrag}:{self._ufrag}"
        message.attributes["PRIORITY"] = PRIORITY
        message.attributes["ICE-CONTROLLING"] = int.from_bytes(self._tie_breaker, "big")
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(self.answer.password.encode())
        return bytes(message), message.transaction_id

    async def _check(self) -> None:
        loop = asyncio.get_running_loop()
        sent: set[bytes] = set()
        while True:
            request, transaction = self._binding_request()
            sent.add(transaction)
            self.socket.send(request)
            try:
                async with asyncio.timeout(CHECK_INTERVAL_S):
                    data = await loop.sock_recv(self.socket, 2048)
            except TimeoutError:
                continue
            if data[0] > 3:
                continue
            message = stun.parse_message(data)
            authentic = message.check_message_integrity(self.answer.password.encode())
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
        algorithm, _, digest = self.answer.fingerprint.partition(" ")
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
        self.outbound = _session(profile, profile.get_key_and_salt(material, 0), Policy.SSRC_ANY_OUTBOUND)
        self.inbound = _session(profile, profile.get_key_and_salt(material, 1), Policy.SSRC_ANY_INBOUND)

    def consent(self) -> None:
        """Send one check. What answers it is drained with everything else."""
        try:
            self.socket.send(self._binding_request()[0])
        except (BlockingIOError, ConnectionRefusedError):
            return  # the next one is due in seconds; a dead server shows in the result

    async def close(self, http: aiohttp.ClientSession) -> None:
        """End the session at the server and close the socket."""
        try:
            if self._resource:
                async with http.delete(self._resource):
                    pass
        except aiohttp.ClientError:
            self._resource = ""  # the server is gone already: nothing left to end
        finally:
            self.socket.close()


def _session(profile: SRTPProtectionProfile, key: bytes, ssrc_type: int) -> Session:
    policy = Policy(key=key, ssrc_type=ssrc_type, srtp_profile=profile.libsrtp_profile)
    policy.window_size = 1024
    return Session(policy)
