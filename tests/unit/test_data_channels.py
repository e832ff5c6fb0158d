"""Data channels against aiortc's SCTP as the client, over a wire in memory; and against a client that means harm."""

import asyncio
import inspect
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
from aiortc import rtcsctptransport as sctp
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from google_crc32c import value as crc32c
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfu import data_channels
from sfu.data_channels import MAX_BUFFERED_BYTES, MAX_CHANNELS, MAX_MESSAGE_BYTES, DataChannels, SctpParameters


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


async def test_the_names_of_aiortc_that_are_used_exist() -> None:
    """aiortc's parts used here are private: when one of these fails after an upgrade, read `_Association` again."""
    transport = sctp.RTCSctpTransport
    for name in ("_receive_chunk", "_receive_data_chunk", "_receive_sack_chunk", "_receive_forward_tsn_chunk"):
        method = getattr(transport, name)
        assert inspect.iscoroutinefunction(method)
        assert list(inspect.signature(method).parameters) == ["self", "chunk"]
    assert list(inspect.signature(transport._handle_data).parameters) == ["self", "data"]
    assert list(inspect.signature(transport.start).parameters) == ["self", "remoteCaps", "remotePort"]
    held = vars(data_channels._Association(data_channels._Link(lambda _: None), Counter()))
    for name in (
        "_advertised_rwnd", "_inbound_streams_max", "_last_received_tsn", "_local_tsn", "_sack_misordered",
        "_data_channel_queue", "_outbound_queue", "_sent_queue", "_forward_tsn_chunk", "_association_state",
    ):  # fmt: skip
        assert name in held
    assert isinstance(transport.State.CLOSED, transport.State)


async def test_text_goes_both_ways(pair: Pair) -> None:
    channel = await pair.open("chat")
    got: list[str] = []
    channel.on("message", got.append)
    channel.send("olá")
    channel.send("")
    channel.send("x" * MAX_MESSAGE_BYTES)
    await until(lambda: len(pair.messages) == 3)
    assert pair.messages == [("chat", "olá"), ("chat", ""), ("chat", "x" * MAX_MESSAGE_BYTES)]
    assert pair.server.send("chat", "ciranda")
    assert pair.server.send("chat", "y" * MAX_MESSAGE_BYTES)
    await until(lambda: len(got) == 2)
    assert got == ["ciranda", "y" * MAX_MESSAGE_BYTES]
    assert not pair.refused


async def test_unordered_and_unreliable_channels_work_too(pair: Pair) -> None:
    for label, options in (("u", {"ordered": False}), ("r", {"maxRetransmits": 0}), ("l", {"maxPacketLifeTime": 50})):
        (await pair.open(label, **options)).send(label)
    await until(lambda: len(pair.messages) == 3)
    assert sorted(pair.messages) == [("l", "l"), ("r", "r"), ("u", "u")]


async def test_no_channel_no_message(pair: Pair) -> None:
    assert not pair.server.send("chat", "nobody there")
    channel = await pair.open("chat")
    channel.close()
    await until(lambda: pair.server.labels == ())
    assert not pair.server.send("chat", "gone")


async def test_binary_and_long_messages_are_refused_and_the_channel_lives(pair: Pair) -> None:
    channel = await pair.open("chat")
    channel.send(b"\x00\x01")
    channel.send("x" * (MAX_MESSAGE_BYTES + 1))
    channel.send("after")
    await until(lambda: bool(pair.messages))
    assert pair.messages == [("chat", "after")]
    assert pair.refused == {"data_binary": 1, "data_too_large": 1}


async def test_channels_and_labels_are_bounded(pair: Pair) -> None:
    long = pair.channel("l" * 65)
    channels = [pair.channel(f"c{number}") for number in range(MAX_CHANNELS + 3)]
    await until(lambda: pair.refused["data_channel"] == 4)
    assert len(pair.server.labels) == MAX_CHANNELS
    await until(lambda: long.readyState == "closed" and channels[-1].readyState == "closed")
    channels[0].close()
    await until(lambda: len(pair.server.labels) == MAX_CHANNELS - 1)
    await pair.open("again")


async def test_the_newest_channel_of_a_label_is_the_one_that_is_sent_on(pair: Pair) -> None:
    first = await pair.open("chat")
    second = pair.channel("chat")
    await until(lambda: len(pair.opened) == 2)
    got: list[str] = []
    second.on("message", got.append)
    assert pair.server.send("chat", "to the second")
    await until(lambda: bool(got))
    first.close()
    await until(lambda: first.readyState == "closed")
    assert pair.server.labels == ("chat",)


async def test_what_a_client_does_not_take_is_not_sent() -> None:
    pair = Pair(SctpParameters(max_message_size=100))
    await pair.start()
    await pair.open("chat")
    assert pair.server.send("chat", "x" * 100)
    assert not pair.server.send("chat", "x" * 101)
    assert pair.refused == {"data_too_large": 1}
    await pair.stop()


async def test_a_client_that_does_not_acknowledge_fills_a_bounded_buffer(pair: Pair) -> None:
    await pair.open("chat")
    pair.wire.cut = True
    taken = 0
    for _ in range(200):
        taken += pair.server.send("chat", "x" * 10_000)
        await rounds(1)
    assert taken * 10_000 <= MAX_BUFFERED_BYTES + 20_000
    assert pair.refused["data_buffer_full"] == 200 - taken


async def test_a_handler_that_fails_closes_nothing() -> None:
    pair = Pair()

    def fail(_: str, __: str) -> None:
        raise ValueError("ours")

    pair.server._on_message = fail
    await pair.start()
    channel = await pair.open("chat")
    channel.send("one")
    channel.send("two")
    await until(lambda: pair.refused["internal_error"] == 2)
    assert not pair.server.ended
    assert pair.server.send("chat", "alive")
    await pair.stop()


async def test_closing_leaves_no_task_and_no_timer(pair: Pair) -> None:
    await pair.open("chat")
    pair.wire.cut = True
    for _ in range(5):
        pair.server.send("chat", "x" * 60_000)
    pair.server.close()
    pair.server.close()
    await rounds()
    association = pair.server._association
    for name in ("_t1_handle", "_t2_handle", "_t3_handle", "_reconfig_handle"):
        assert getattr(association, name) is None
    assert not association._outbound_queue
    assert not association._data_channel_queue
    assert not pair.server.send("chat", "late")
    pair.server.receive(packet(pair.server, chunk(4, b"")))
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_abort_by_the_client_ends_the_association_only(pair: Pair) -> None:
    await pair.open("chat")
    await pair.client.stop()
    await until(lambda: pair.server.ended)
    assert pair.server.labels == ()


async def test_acknowledging_65535_chunks_290_times_costs_nothing(pair: Pair) -> None:
    """A selective acknowledgement is a list of ranges; aiortc would walk through every number in all of them."""
    association = pair.server._association
    gaps = struct.pack("!HH", 0, 0xFFFF) * 290
    bomb = chunk(3, struct.pack("!LLHH", association._last_sacked_tsn, 1 << 20, 290, 0) + gaps)
    before = time.process_time()
    pair.server.receive(packet(pair.server, bomb))
    assert time.process_time() - before < 0.1
    assert pair.refused == {"data_violation_sack_gaps": 1}
    assert pair.server.ended


async def test_acknowledging_what_was_never_sent_ends_the_association(pair: Pair) -> None:
    tsn = pair.server._association._local_tsn + 1_000
    pair.server.receive(packet(pair.server, chunk(3, struct.pack("!LLHH", tsn % 2**32, 1 << 20, 0, 0))))
    assert pair.refused == {"data_violation_sack": 1}


async def test_holes_in_the_sequence_are_kept_in_bounds(pair: Pair) -> None:
    server = pair.server
    first = next_tsn(server)
    for number in range(1, 1_500):
        server.receive(packet(server, data_chunk(first + number, b"x" * 1_000)))
    association = server._association
    held = sum(len(c.user_data) for s in association._inbound_streams.values() for c in s.reassembly)
    assert held <= data_channels.RECEIVE_WINDOW_BYTES
    assert len(association._sack_misordered) <= data_channels.RECEIVE_WINDOW_CHUNKS
    assert pair.refused["data_window"] > 1_000
    assert not server.ended


async def test_a_message_without_end_ends_the_association(pair: Pair) -> None:
    server = pair.server
    first = next_tsn(server)
    for number in range(1_000):
        flags = 2 if number == 0 else 0
        server.receive(packet(server, data_chunk(first + number, b"x" * 1_000, flags=flags)))
        if server.ended:
            break
    assert pair.refused == {"data_violation_message_size": 1}
    assert number * 1_000 <= data_channels.RECEIVE_WINDOW_BYTES


@pytest.mark.parametrize("kind", ["data", "forward"])
async def test_streams_are_bounded(pair: Pair, kind: str) -> None:
    server = pair.server
    tsn = next_tsn(server)
    body = struct.pack("!L", (tsn + 5) % 2**32) + struct.pack("!HH", 60_000, 0) * 3
    server.receive(packet(server, data_chunk(tsn, b"x", stream=256) if kind == "data" else chunk(192, body)))
    assert pair.refused == {"data_violation_stream": 1}


async def test_giving_up_far_more_than_was_ever_in_flight_ends_the_association(pair: Pair) -> None:
    tsn = next_tsn(pair.server) + 1_000_000
    pair.server.receive(packet(pair.server, chunk(192, struct.pack("!L", tsn % 2**32))))
    assert pair.refused == {"data_violation_forward_tsn": 1}


async def test_a_flood_of_chunks_is_cut_to_a_rate(pair: Pair) -> None:
    server = pair.server
    flood = packet(server, *[chunk(11, b"")] * 200)
    for _ in range(50):
        server.receive(flood)
    assert pair.refused["data_rate_limited"] > 5_000
    assert not server.ended


@pytest.mark.parametrize(
    "hostile",
    [
        chunk(0, b""),
        chunk(0, b"\0\0"),
        chunk(1, b""),
        chunk(1, b"\0" * 3),
        chunk(3, b"\0" * 11),
        chunk(3, struct.pack("!LLHH", 0, 0, 9, 9)),
        chunk(10, b"cookie"),
        chunk(10, b"c" * 24),
        chunk(130, struct.pack("!HH", 13, 6) + b"\0\0"),
        chunk(130, struct.pack("!HH", 13, 0)),
        chunk(192, b""),
        chunk(192, b"\0\0\0\0\0"),
        struct.pack("!BBH", 0, 3, 3),
        struct.pack("!BBH", 0, 3, 4_000),
    ],
)
async def test_malformed_chunks_are_survived(pair: Pair, hostile: bytes) -> None:
    channel = await pair.open("chat")
    pair.server.receive(packet(pair.server, hostile))
    if not pair.server.ended:
        channel.send("after")
        await until(lambda: ("chat", "after") in pair.messages)


async def test_malformed_messages_of_the_channel_protocol_are_survived(pair: Pair) -> None:
    channel = await pair.open("chat")
    server = pair.server
    openings = [
        struct.pack("!BBHLHH", 3, 0, 0, 0, 60_000, 60_000) + b"x",
        struct.pack("!BBHLHH", 3, 0, 0, 0, 2, 0) + b"\xff\xfe",
        b"\x03",
        b"\x02",
        b"\xff",
        struct.pack("!BBHLHH", 3, 0, 0, 0, 4, 0) + b"chat",  # on the stream that is open already
    ]
    for body in openings:
        server.receive(packet(server, data_chunk(next_tsn(server), body, stream=channel.id or 0, ppid=50)))
    server.receive(packet(server, data_chunk(next_tsn(server), b"\xff\xfe not text", stream=channel.id or 0)))
    assert not server.ended
    assert pair.refused["data_malformed"] >= 3


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 130, 192, 200]),
            st.integers(0, 255),
            st.binary(max_size=60),
        ),
        max_size=8,
    ),
    st.booleans(),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_chunks_are_survived(chunks: list[tuple[int, int, bytes]], greeting: bool) -> None:
    async def run() -> None:
        sent: list[bytes] = []
        server = DataChannels(
            SctpParameters(),
            send=sent.append,
            on_open=lambda _: None,
            on_message=lambda _, __: None,
            refused=Counter(),
        )
        server.start()
        if greeting:
            server.receive(packet(server, chunk(1, struct.pack("!LLHHL", 7, 1 << 20, 9, 9, 100)), tag=0))
        for kind, flags, body in chunks:
            server.receive(packet(server, chunk(kind, body, flags), tag=0 if kind == 1 else None))
        server.close()
        await rounds(3)

    asyncio.run(run())


@given(st.binary(max_size=100))
@settings(deadline=None)
def test_any_bytes_are_survived(data: bytes) -> None:
    async def run() -> None:
        server = DataChannels(
            SctpParameters(),
            send=lambda _: None,
            on_open=lambda _: None,
            on_message=lambda _, __: None,
            refused=Counter(),
        )
        server.start()
        server.receive(data)
        assert not server.ended
        server.close()

    asyncio.run(run())
