"""Both ends of an SCTP association over a wire in memory: our server's side and aiortc's client."""

import asyncio
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
from aiortc import rtcsctptransport as sctp
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from google_crc32c import value as crc32c

from sfu.data_channels import DataChannels, SctpParameters


class Wire:
    """What aiortc's client side takes for a DTLS transport; packets to the server arrive in the loop's next round."""

    _role = "client"
    state = "connected"

    def __init__(self) -> None:
        self.server: DataChannels | None = None
        self.client: sctp.RTCSctpTransport | None = None
        self.cut = False

    def to_client(self, data: bytes) -> None:
        if self.client is not None and not self.cut:
            asyncio.get_running_loop().create_task(self.client._handle_data(data))

    async def _send_data(self, data: bytes) -> None:
        if self.server is not None and not self.cut:
            asyncio.get_running_loop().call_soon(self.server.receive, data)

    def _register_data_receiver(self, _: object) -> None: ...
    def _unregister_data_receiver(self, _: object) -> None: ...


class Pair:
    """Both ends and what the server's side reported."""

    def __init__(self, parameters: SctpParameters | None = None) -> None:
        self.wire = Wire()
        self.opened: list[str] = []
        self.messages: list[tuple[str, str]] = []
        self.refused: Counter[str] = Counter()
        self.server = DataChannels(
            parameters or SctpParameters(),
            send=self.wire.to_client,
            on_open=self.opened.append,
            on_message=lambda label, text: self.messages.append((label, text)),
            refused=self.refused,
        )
        self.client = sctp.RTCSctpTransport(self.wire)  # type: ignore[arg-type]  # the parts of it that are used
        self.wire.server, self.wire.client = self.server, self.client

    async def start(self) -> None:
        self.server.start()
        await self.client.start(sctp.RTCSctpCapabilities(maxMessageSize=0), 5_000)
        await until(lambda: self.client.state == "connected")

    def channel(self, label: str, **options: object) -> RTCDataChannel:
        return RTCDataChannel(self.client, RTCDataChannelParameters(label=label, **options))  # type: ignore[arg-type]

    async def open(self, label: str, **options: object) -> RTCDataChannel:
        channel = self.channel(label, **options)
        await until(lambda: channel.readyState == "open" and label in self.opened)
        return channel

    async def stop(self) -> None:
        self.server.close()
        await self.client.stop()


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.001)


async def rounds(number: int = 20) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    one = Pair()
    await one.start()
    yield one
    await one.stop()


def packet(server: DataChannels, *chunks: bytes, tag: int | None = None) -> bytes:
    """An SCTP packet with a right checksum and, unless told otherwise, the right verification tag."""
    head = struct.pack("!HHL", 5_000, 5_000, server._association._local_verification_tag if tag is None else tag)
    body = b"".join(chunk + bytes(-len(chunk) % 4) for chunk in chunks)
    return head + struct.pack("<L", crc32c(head + bytes(4) + body)) + body


def chunk(kind: int, body: bytes, flags: int = 0) -> bytes:
    return struct.pack("!BBH", kind, flags, len(body) + 4) + body


def data_chunk(tsn: int, payload: bytes, *, stream: int = 0, flags: int = 3, ppid: int = sctp.WEBRTC_STRING) -> bytes:
    return chunk(0, struct.pack("!LHHL", tsn % 2**32, stream, 0, ppid) + payload, flags)


def next_tsn(server: DataChannels) -> int:
    last = server._association._last_received_tsn
    assert last is not None
    return last + 1
