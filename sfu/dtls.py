"""The DTLS server's side of one client: handshake, keys for SRTP (RFC 5764), and the bytes of data channels.

Built on pyOpenSSL itself rather than on aiortc's `RTCDtlsTransport`. That class runs a task for each transport, makes an
SSL context for each connection (twice the CPU of a handshake), sets up SRTP sessions that nobody here would use, reads
one record of a datagram, and sends at most 1,500 bytes of a flight at a time. What is needed is this file: synchronous,
datagrams and `now` in, datagrams and events out. Lost flights are repeated by `dtls_flight.py`, sooner than by OpenSSL.

It never learns where datagrams come from: only those of addresses that ICE has validated are handed to it.
"""

import datetime
import hmac
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from sfu.dataplane.types import SrtpProfile
from sfu.dtls_flight import MAX_LAST_REPEATS, MAX_REPEATS, Flight

DTLS_1_2 = 0xFEFD
MTU_BYTES = 1_200
"""UDP payload of a handshake datagram: fits the smallest MTU of IPv6 and what tunnels take from it."""
MAX_HANDSHAKE_BYTES = 64 << 10
"""Received before the handshake is done; a client with two large key shares and some retransmissions needs 8 kB."""
MAX_RECORD_BYTES = 16 << 10
CERTIFICATE_DAYS = 365

_CIPHERS = b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
_EXPORTER = b"EXTRACTOR-dtls_srtp"
_RECORD_HEADER_BYTES = 13
_SRTP_PROFILES = {
    b"SRTP_AEAD_AES_128_GCM": (SrtpProfile.AEAD_AES_128_GCM, 16, 12),
    b"SRTP_AES128_CM_SHA1_80": (SrtpProfile.AES_CM_128_HMAC_SHA1_80, 16, 14),
}
"""OpenSSL's name → profile, bytes of the master key, bytes of the salt; the cheapest for us first."""
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha-512": hashes.SHA512(),
    "sha-384": hashes.SHA384(),
    "sha-256": hashes.SHA256(),
}
"""Fingerprint algorithms (RFC 8122), the strongest first."""


class Certificate:
    """Our self-signed certificate and the SSL context made of it; one a process, used by all transports."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, secrets.token_hex(8))])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=CERTIFICATE_DAYS))
            .sign(key, hashes.SHA256())
        )
        self.fingerprint = f"sha-256 {_digest(certificate, 'sha-256')}"
        """As `a=fingerprint` carries it."""
        self.context = _server_context(certificate, key)


@dataclass(frozen=True, slots=True)
class HandshakeDone:
    """The client holds the private key of the certificate that it signalled."""

    profile: SrtpProfile
    receive_key: bytes
    """Master key and salt of what the client sends."""
    send_key: bytes


@dataclass(frozen=True, slots=True)
class ApplicationData:
    """One record: a packet of SCTP."""

    data: bytes


@dataclass(frozen=True, slots=True)
class DtlsClosed:
    """Nothing follows."""

    reason: str
    """`closed_by_peer`, `dtls_failed`, `dtls_error`, `no_srtp_profile` or `fingerprint_mismatch`"""


DtlsEvent = HandshakeDone | ApplicationData | DtlsClosed


class DtlsServer:
    """One client's DTLS association. Take events before datagrams: the last flight invites the client's SRTP."""

    def __init__(self, certificate: Certificate, fingerprints: Iterable[tuple[str, str]]) -> None:
        """`fingerprints`: (algorithm, value) as signalled by the client."""
        self._fingerprints = tuple(fingerprints)
        self._ssl = SSL.Connection(certificate.context)
        self._ssl.set_ciphertext_mtu(MTU_BYTES)
        self._ssl.set_accept_state()
        self._handshake_bytes = 0
        self._connected = False
        self._closed = False
        self._flight = Flight()
        self._outbox: list[bytes] = []
        self._events: deque[DtlsEvent] = deque()

    @property
    def connected(self) -> bool:
        return self._connected and not self._closed

    def receive(self, datagram: bytes, now: float) -> None:
        """A datagram from a validated address."""
        if self._closed:
            return
        self._ssl.bio_write(datagram)
        if not self._connected:
            self._handshake_bytes += len(datagram)
            if self._handshake_bytes > MAX_HANDSHAKE_BYTES:
                self._close("dtls_failed")
                return
            self._outbox += self._flight.heard(datagram, now)
            self._handshake()
            self._take_flight(now)
        if self._connected:
            self._read()

    def send(self, data: bytes) -> bool:
        """Encrypts one record. False when there is no connection (any more)."""
        if not self.connected:
            return False
        try:
            self._ssl.send(data)
        except SSL.Error:
            self._close("dtls_error")
        return not self._closed

    def close(self) -> None:
        """Makes the close_notify alert, once."""
        if self._closed:
            return
        self._closed = True
        self._flight.done()
        self._events.clear()
        if self._connected:
            self._notify()

    def last_flight_arrived(self) -> None:
        """The client's SRTP verified, so it has our last flight: to repeat it would only disturb."""
        if self._connected:
            self._flight.done()

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to run: to send the last flight again."""
        return self._flight.next_time()

    def handle_timer(self, now: float) -> None:
        """Sends the last flight again if its time has come."""
        self._outbox += self._flight.due(now)

    def next_event(self) -> DtlsEvent | None:
        """The oldest event not yet taken."""
        return self._events.popleft() if self._events else None

    def datagrams(self) -> list[bytes]:
        """What is to be sent now."""
        waiting, self._outbox = self._outbox, []
        return waiting + self._made()

    def _made(self) -> list[bytes]:
        """OpenSSL writes a stream of records; see `pack_records`."""
        output = bytearray()
        while True:
            try:
                output += self._ssl.bio_read(MAX_RECORD_BYTES)
            except SSL.Error:
                break
        return pack_records(bytes(output)) if output else []

    def _take_flight(self, now: float) -> None:
        flight = self._made()
        if flight and not self._closed:
            self._flight.sent(flight, now, most=MAX_LAST_REPEATS if self._connected else MAX_REPEATS)
        self._outbox += flight

    def _handshake(self) -> None:
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error:
            self._close("dtls_failed")
            return
        if not self._identified():
            self._notify()
            self._close("fingerprint_mismatch")
            return
        found = _SRTP_PROFILES.get(self._ssl.get_selected_srtp_profile())
        if found is None:
            self._notify()
            self._close("no_srtp_profile")
            return
        profile, key, salt = found
        material = self._ssl.export_keying_material(_EXPORTER, 2 * (key + salt))
        salts = material[2 * key :]
        client, server = material[:key] + salts[:salt], material[key : 2 * key] + salts[salt:]
        self._connected = True
        self._events.append(HandshakeDone(profile, receive_key=client, send_key=server))

    def _read(self) -> None:
        while not self._closed:
            try:
                self._events.append(ApplicationData(self._ssl.recv(MAX_RECORD_BYTES)))
                self._flight.done()  # the client has our last one
            except SSL.WantReadError:
                return
            except SSL.ZeroReturnError:
                self._close("closed_by_peer")
            except SSL.Error:
                self._close("dtls_error")

    def _identified(self) -> bool:
        """Whether the certificate has a fingerprint signalled with the strongest known algorithm (RFC 8122)."""
        certificate = self._ssl.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            return False
        for algorithm in _HASHES:
            values = [value for name, value in self._fingerprints if name.lower() == algorithm]
            if values:
                actual = _digest(certificate, algorithm)
                return any(hmac.compare_digest(actual, value.upper()) for value in values if value.isascii())
        return False

    def _notify(self) -> None:
        try:
            self._ssl.shutdown()
        except SSL.Error:
            return  # the association is broken already: there is nobody to tell

    def _close(self, reason: str) -> None:
        self._closed = True
        self._flight.done()
        self._events.append(DtlsClosed(reason))


def pack_records(stream: bytes) -> list[bytes]:
    """Whole DTLS records in as few datagrams of at most `MTU_BYTES` as their order allows; a longer one goes alone."""
    datagrams: list[bytes] = []
    start = position = 0
    while position < len(stream):
        end = position + _RECORD_HEADER_BYTES + int.from_bytes(stream[position + 11 : position + 13], "big")
        if end - start > MTU_BYTES and position > start:
            datagrams.append(stream[start:position])
            start = position
        position = end
    datagrams.append(stream[start:])
    return datagrams


def _server_context(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_SERVER_METHOD)
    context.set_min_proto_version(DTLS_1_2)
    context.set_max_proto_version(DTLS_1_2)  # `pack_records` reads this version's record headers
    context.set_options(
        SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_QUERY_MTU | SSL.OP_CIPHER_SERVER_PREFERENCE
    )
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # a shared context would keep every client's session
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _accept_any)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_cipher_list(_CIPHERS)
    context.set_tlsext_use_srtp(b":".join(_SRTP_PROFILES))
    return context


def _accept_any(*_: object) -> bool:
    """Client certificates are self-signed; the fingerprint decides, after the handshake."""
    return True


def _digest(certificate: x509.Certificate, algorithm: str) -> str:
    return certificate.fingerprint(_HASHES[algorithm]).hex(":").upper()
