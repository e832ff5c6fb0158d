"""A DTLS client of OpenSSL for tests, and a wire between it and a `DtlsServer` that may lose and reorder."""

from collections.abc import Callable

from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate, SRTPProtectionProfile
from OpenSSL import SSL

from sfu.dtls import Certificate, DtlsEvent, DtlsServer, pack_records

Wire = Callable[[int, list[bytes]], list[bytes]]
"""(number of the flight, its datagrams) → what arrives."""


def perfect(_: int, datagrams: list[bytes]) -> list[bytes]:
    return datagrams


class DtlsClient:
    """aiortc's context, so that it is set up by others than the server under test."""

    def __init__(self, *, profiles: list[SRTPProtectionProfile] | None = None, padding: int = 0) -> None:
        """`padding`: bytes by which the ClientHello grows (application protocols), as post-quantum key shares do."""
        self.certificate = RTCCertificate.generateCertificate()
        context = self.certificate._create_ssl_context(SRTP_PROFILES if profiles is None else profiles)
        if padding:
            context.set_alpn_protos([b"x" * 250] * (padding // 250))
        self.ssl = SSL.Connection(context)
        self.ssl.set_ciphertext_mtu(1_200)
        self.ssl.set_connect_state()
        self._connected = False

    def connected(self) -> bool:
        """Whether the handshake is done on this side."""
        return self._connected

    def fingerprints(self, *algorithms: str) -> tuple[tuple[str, str], ...]:
        return tuple(
            (one.algorithm, one.value)
            for one in self.certificate.getFingerprints()
            if one.algorithm in (algorithms or ("sha-256",))
        )

    def step(self) -> list[bytes]:
        """Go on with the handshake; what is to be sent, a datagram an OpenSSL record."""
        try:
            self.ssl.do_handshake()
            self._connected = True
        except SSL.WantReadError:
            pass
        return self.output()

    def output(self) -> list[bytes]:
        stream = b""
        while True:
            try:
                stream += self.ssl.bio_read(65_536)
            except SSL.WantReadError:
                return pack_records(stream) if stream else []

    def receive(self, datagrams: list[bytes]) -> list[bytes]:
        sent = []
        for datagram in datagrams:
            self.ssl.bio_write(datagram)
            sent += self.step()
        return sent


def serve(client: DtlsClient, *, certificate: Certificate, algorithms: tuple[str, ...] = ()) -> DtlsServer:
    return DtlsServer(certificate, client.fingerprints(*algorithms))


def shake(client: DtlsClient, server: DtlsServer, wire: Wire = perfect, most: int = 8) -> list[DtlsEvent]:
    """Flights back and forth until neither side has anything to say; the server's events."""
    events: list[DtlsEvent] = []
    flight = 0
    to_server = client.step()
    while to_server and flight < most:
        for datagram in wire(flight, to_server):
            server.receive(datagram, 0.0)
        while (event := server.next_event()) is not None:
            events.append(event)
        to_server = client.receive(wire(flight + 1, server.datagrams()))
        flight += 2
    return events
