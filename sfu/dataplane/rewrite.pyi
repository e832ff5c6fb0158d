"""The Python view of `rewrite.pyx`, for tests and tools; the packet path uses `rewrite.pxd`."""

from collections.abc import Mapping

from .types import Extension

def write(
    source: bytes,
    source_extensions: Mapping[Extension, int],
    extensions: Mapping[Extension, int],
    *,
    ssrc: int,
    mid: bytes = b"",
    payload_type: int,
    marker: bool = False,
    sequence_number: int,
    timestamp: int,
    abs_send_time: int = 0,
    transport_sequence_number: int = 0,
    frame_number_delta: int = 0,
    original_sequence_number: int | None = None,
    capacity: int = 1500,
) -> tuple[bytes, int] | None: ...
def unwrap(packet: bytes, media_ssrc: int, media_payload_type: int) -> tuple[int, bytes | None]: ...
