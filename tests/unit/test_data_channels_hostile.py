"""Data channels against a client that means harm: what aiortc's SCTP would believe is refused before it."""

import asyncio
import struct
import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfu import data_channels
from sfu.data_channels import DataChannels, SctpParameters
from tests.unit.data_channel_pair import Pair, chunk, data_chunk, next_tsn, packet, rounds, until


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
