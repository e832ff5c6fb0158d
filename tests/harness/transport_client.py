"""Clients of a `Transport` over real UDP: one made of sockets and OpenSSL, whose every datagram a test decides about, and
one made of aiortc's ICE, DTLS and SCTP, which does what full agents do.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Self

import aioice.stun as stun
from aiortc import RTCIceCandidate
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceParameters, RTCIceTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport
from OpenSSL import SSL

from sfu.transport import LocalParameters, RemoteParameters, SctpParameters
from tests.harness.dtls_client import DtlsClient

Filter = Callable[[bytes], bool]
"""Whether a datagram gets through."""


def everything(_: bytes) -> bool:
    return True


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that happens on the loop."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # any condition, not only those that have an event
            await asyncio.sleep(0.002)


class UdpClient(asyncio.DatagramProtocol):
    """A UDP socket, connectivity checks made by aioice, and a DTLS client of OpenSSL behind them."""

    def __init__(self, server: tuple[str, int], local: LocalParameters, *, padding: int = 0) -> None:
        self.server = server
        self.local = local
        self.dtls = DtlsClient(padding=padding)
        self.inbound: Filter = everything
        self.outbound: Filter = everything
        self.dtls_received = 0
        self.closed_by_server = False
        self._answers: asyncio.Queue[stun.Message] = asyncio.Queue()
        self._socket: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, server: tuple[str, int], local: LocalParameters, *, padding: int = 0) -> Self:
        client = cls(server, local, padding=padding)
        await client.move()
        return client

    async def move(self, host: str | None = None) -> None:
        """Go on from a new socket, as after a change of networks; by default on loopback's first address."""
        self.close()
        host = host or ("::1" if ":" in self.server[0] else "127.0.0.1")
        loop = asyncio.get_running_loop()
        self._socket, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    @property
    def address(self) -> tuple[str, int]:
        assert self._socket is not None
        name = self._socket.get_extra_info("sockname")
        return name[0], name[1]

    @property
    def remote(self) -> RemoteParameters:
        """What this client's offer would say."""
        return RemoteParameters(self.dtls.fingerprints())

    def send(self, datagram: bytes) -> None:
        if self.outbound(datagram) and self._socket is not None:
            self._socket.sendto(datagram, self.server)

    def datagram_received(self, data: bytes, _: Any) -> None:
        if not self.inbound(data):
            return
        if data[0] < 4:
            self._answers.put_nowait(stun.parse_message(data))
            return
        self.dtls_received += 1
        for datagram in self.dtls.receive([data]):
            self.send(datagram)
        if self.dtls.connected():
            with contextlib.suppress(SSL.WantReadError):
                try:
                    while True:
                        self.dtls.ssl.recv(65_536)
                except SSL.ZeroReturnError:
                    self.closed_by_server = True

    def request(self, *, use: bool = False, local: LocalParameters | None = None, password: str | None = None) -> bytes:
        """A signed check for the server's user fragment, or for another's."""
        local = local or self.local
        attributes: dict[str, Any] = {"USERNAME": f"{local.ufrag}:them", "PRIORITY": 1, "ICE-CONTROLLING": 1}
        if use:
            attributes["USE-CANDIDATE"] = None
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes=attributes)
        message.add_message_integrity((password or local.password).encode())
        return bytes(message)

    async def check(self, **options: Any) -> stun.Message:
        """Send a check and wait for its answer."""
        return await self.ask(self.request(**options))

    async def ask(self, datagram: bytes, seconds: float = 5.0) -> stun.Message:
        """Send any STUN request and wait for an answer; `TimeoutError` without one."""
        while not self._answers.empty():
            self._answers.get_nowait()
        self.send(datagram)
        async with asyncio.timeout(seconds):
            return await self._answers.get()

    def hello(self) -> None:
        """Begin the DTLS handshake."""
        for datagram in self.dtls.step():
            self.send(datagram)

    async def connect(self, seconds: float = 15.0) -> None:
        """Check, then shake hands; lost flights are repeated by OpenSSL's timer."""
        await self.check(use=True)
        self.hello()
        await self.finish(seconds)

    async def finish(self, seconds: float = 15.0) -> None:
        """Wait for the handshake's end."""
        async with asyncio.timeout(seconds):
            while not self.dtls.connected():
                await asyncio.sleep(0.005)
                self.dtls.ssl.DTLSv1_handle_timeout()
                for datagram in self.dtls.output():
                    self.send(datagram)


class AiortcClient:
    """aiortc's own ICE (full, controlling), DTLS (client) and SCTP, connected without SDP."""

    def __init__(self) -> None:
        self.ice = RTCIceTransport(RTCIceGatherer(iceServers=[]))
        self.ice._connection.ice_controlling = True
        self._certificate = RTCCertificate.generateCertificate()
        self.dtls = RTCDtlsTransport(self.ice, [self._certificate])
        self.dtls._set_role("client")
        self.sctp = RTCSctpTransport(self.dtls)

    @property
    def remote(self) -> RemoteParameters:
        """What this client's offer would say."""
        fingerprints = tuple((one.algorithm, one.value) for one in self._certificate.getFingerprints())
        return RemoteParameters(fingerprints, SctpParameters())

    async def connect(self, local: LocalParameters) -> None:
        """ICE, DTLS and SCTP, as far as they get."""
        await self.ice.iceGatherer.gather()
        for one in local.candidates:
            await self.ice.addRemoteCandidate(
                RTCIceCandidate(
                    component=one.component,
                    foundation=one.foundation,
                    ip=one.address[0],
                    port=one.address[1],
                    priority=one.priority,
                    protocol="udp",
                    type="host",
                )
            )
        await self.ice.start(RTCIceParameters(usernameFragment=local.ufrag, password=local.password, iceLite=True))
        algorithm, value = local.fingerprint.split()
        await self.dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(algorithm, value)]))
        if self.dtls.state == "connected":
            await self.sctp.start(RTCSctpCapabilities(maxMessageSize=65_536), 5_000)

    async def open(self, label: str, on_message: Callable[[str | bytes], Any] | None = None) -> RTCDataChannel:
        channel = RTCDataChannel(self.sctp, RTCDataChannelParameters(label=label))
        if on_message is not None:
            channel.on("message", on_message)
        await until(lambda: channel.readyState == "open")
        return channel

    async def close(self) -> None:
        await self.sctp.stop()
        await self.dtls.stop()
        await self.ice.stop()
