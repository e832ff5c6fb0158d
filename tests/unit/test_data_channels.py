"""Data channels against aiortc's SCTP as the client, over a wire in memory."""

import asyncio
import inspect
from collections import Counter

from aiortc import rtcsctptransport as sctp

from sfu import data_channels
from sfu.data_channels import MAX_BUFFERED_BYTES, MAX_CHANNELS, MAX_MESSAGE_BYTES, SctpParameters
from tests.unit.data_channel_pair import Pair, chunk, packet, rounds, until


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
