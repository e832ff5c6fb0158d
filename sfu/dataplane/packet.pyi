"""The Python view of `packet.pyx`, for tests and tools; the packet path uses `packet.pxd`."""

from typing import TypedDict

class Packet(TypedDict):
    payload_type: int
    marker: bool
    sequence_number: int
    timestamp: int
    ssrc: int
    header_length: int
    padding_length: int
    payload: bytes
    extensions: list[tuple[int, bytes]]

def parse(data: bytes, plain_length: int | None = None) -> tuple[int, Packet | None]: ...
