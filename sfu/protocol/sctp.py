"""The shape of an SCTP packet (RFC 9260), checked before a library that believes its peer reads it.

Lengths only: that chunks and the parameters inside them end where they say, and take up some room at all (aiortc 1.16
loops for ever, and fills memory, on a parameter of length 0). It keeps nothing and decides nothing else.
"""

import struct

COMMON_HEADER_BYTES = 12
MAX_CHUNKS = 256
"""A packet of 1,500 bytes holds 372 empty ones; an honest client bundles a few."""

_CHUNK = struct.Struct("!BBH")
_PARAMETER = struct.Struct("!HH")
_PARAMETERS_AFTER = {1: 16, 2: 16, 4: 0, 5: 0, 6: 0, 9: 0, 130: 0}
"""Chunk type → bytes before its parameters: INIT, INIT ACK, HEARTBEAT and its ACK, ABORT, ERROR, RE-CONFIG."""


def is_well_formed(packet: bytes) -> bool:
    """Whether chunks and their parameters fill the packet exactly (but for padding at the end)."""
    size, position, count = len(packet), COMMON_HEADER_BYTES, 0
    if size < COMMON_HEADER_BYTES + _CHUNK.size:
        return False
    while position < size:
        count += 1
        if position + _CHUNK.size > size or count > MAX_CHUNKS:
            return False
        kind, _, length = _CHUNK.unpack_from(packet, position)
        end = position + length
        if length < _CHUNK.size or end > size:
            return False
        before = _PARAMETERS_AFTER.get(kind)
        if before is not None and not _parameters_fit(packet, position + _CHUNK.size + before, end):
            return False
        position = end + (-length % 4)
    return True


def _parameters_fit(packet: bytes, position: int, end: int) -> bool:
    if position > end:
        return False
    while position < end:
        if position + _PARAMETER.size > end:
            return False
        length = _PARAMETER.unpack_from(packet, position)[1]
        if length < _PARAMETER.size or position + length > end:
            return False
        position += length + (-length % 4)
    return True
