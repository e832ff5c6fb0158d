"""The shape of SCTP packets: what aiortc itself writes passes, what would make it loop or read past an end does not."""

import struct

import pytest
from aiortc import rtcsctptransport as sctp
from google_crc32c import value as crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.protocol.sctp import is_well_formed

HEAD = bytes(12)


def chunk(kind: int, body: bytes, length: int | None = None) -> bytes:
    return struct.pack("!BBH", kind, 0, len(body) + 4 if length is None else length) + body + bytes(-len(body) % 4)


def honest_packets() -> list[bytes]:
    init = sctp.InitChunk()
    init.params = [(0xC000, b""), (0x8008, b"\xc0\x82")]
    data = sctp.DataChunk()
    data.user_data = b"hello"
    heartbeat = sctp.HeartbeatChunk()
    heartbeat.params = [(1, b"12345")]
    reconfig = sctp.ReconfigChunk()
    reconfig.params = [(13, bytes(sctp.StreamResetOutgoingParam(1, 2, 3, [1])))]
    sack = sctp.SackChunk()
    sack.gaps = [(2, 3)]
    chunks = [init, data, heartbeat, reconfig, sack, sctp.AbortChunk(), sctp.CookieAckChunk()]
    return [sctp.serialize_packet(5_000, 5_000, 7, one) for one in chunks]


@pytest.mark.parametrize("packet", honest_packets())
def test_what_aiortc_writes_is_well_formed(packet: bytes) -> None:
    assert is_well_formed(packet)


def test_several_chunks_and_padding() -> None:
    assert is_well_formed(HEAD + chunk(0, b"12345") + chunk(4, struct.pack("!HH", 1, 5) + b"x") + chunk(11, b""))
    unpadded = HEAD + struct.pack("!BBH", 0, 0, 5) + b"x"
    assert is_well_formed(unpadded), "padding at the very end may be missing"


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        HEAD,
        HEAD + b"\0\0\0",
        HEAD + chunk(0, b"", length=0),
        HEAD + chunk(0, b"", length=3),
        HEAD + chunk(0, b"x", length=400),
        HEAD + chunk(11, b"") + b"\0",
        HEAD + chunk(11, b"") * 257,
        HEAD + chunk(130, struct.pack("!HH", 13, 0)),
        HEAD + chunk(130, struct.pack("!HH", 13, 3)),
        HEAD + chunk(130, struct.pack("!HH", 13, 5)),
        HEAD + chunk(4, b"\0\1"),
        HEAD + chunk(1, bytes(15)),
        HEAD + chunk(1, bytes(16) + struct.pack("!HH", 7, 0)),
        HEAD + chunk(2, bytes(16) + struct.pack("!HH", 7, 9) + b"1234"),
        HEAD + chunk(9, struct.pack("!HH", 7, 4) + struct.pack("!HH", 7, 0)),
    ],
)
def test_hostile_shapes(packet: bytes) -> None:
    assert not is_well_formed(packet)


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=60), st.integers(0, 80) | st.none()), max_size=6))
@settings(deadline=None)
def test_aiortc_reads_or_refuses_what_passes(entries: list[tuple[int, bytes, int | None]]) -> None:
    """Were a shape that makes it loop to pass, this test would not end."""
    packet = HEAD + b"".join(chunk(*entry) for entry in entries)
    if is_well_formed(packet):
        body = packet[:8] + struct.pack("<L", crc32c(packet[:8] + bytes(4) + packet[12:])) + packet[12:]
        try:
            sctp.parse_packet(body)
        except (ValueError, struct.error):
            return
