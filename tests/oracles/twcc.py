"""Transport-wide feedback read and written in plain Python, straight from draft-holmer-rmcat-transport-wide-cc-extensions-01."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

MISSING, SMALL, LARGE, RESERVED = range(4)
Status = tuple[int, int | None]
"""Transport-wide number, and arrival in ticks of 250 µs or None."""


@dataclass(frozen=True)
class Feedback:
    """What one feedback packet says."""

    base: int
    count: int
    reference: int
    number: int
    """fb pkt. count"""
    statuses: list[Status]
    spare: list[int]
    """Symbols of the last chunk that are beyond the count."""
    padding: bytes
    """What follows the last delta."""


def decode(body: bytes) -> Feedback:
    """The part after both SSRCs; `ValueError` if it contradicts itself."""
    if len(body) < 8:
        raise ValueError("no header")
    base, count = struct.unpack_from("!HH", body)
    reference, number = int.from_bytes(body[4:7], "big"), body[7]
    bits = "".join(f"{byte:08b}" for byte in body[8:])
    symbols: list[int] = []
    while len(symbols) < count:
        chunk, bits = bits[:16], bits[16:]
        if len(chunk) < 16:
            raise ValueError("a chunk is missing")
        if chunk[0] == "0":
            run = int(chunk[3:], 2)
            if not 0 < run <= count - len(symbols):
                raise ValueError("an impossible run")
            symbols += [int(chunk[1:3], 2)] * run
        elif chunk[1] == "0":
            symbols += [int(bit) for bit in chunk[2:]]
        else:
            symbols += [int(chunk[at : at + 2], 2) for at in range(2, 16, 2)]
    spare, symbols = symbols[count:], symbols[:count]
    if not symbols or RESERVED in symbols or sum(symbols) * 8 > len(bits):
        raise ValueError("no status, a reserved status, or deltas missing")
    statuses: list[Status] = []
    ticks = reference * 256
    for offset, symbol in enumerate(symbols):
        if symbol:
            value, bits = int(bits[: symbol * 8], 2), bits[symbol * 8 :]
            ticks += value - 0x10000 if symbol == LARGE and value >= 0x8000 else value
        statuses.append(((base + offset) & 0xFFFF, ticks if symbol else None))
    padding = int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""
    return Feedback(base, count, reference, number, statuses, spare, padding)


def decode_packet(packet: bytes) -> Feedback:
    """A whole RTCP packet; asserts what only a writer has to keep."""
    first, kind, words = struct.unpack_from("!BBH", packet)
    assert (first, kind, (words + 1) * 4) == (0x8F, 205, len(packet))
    feedback = decode(packet[12:])
    assert not any(feedback.spare)
    assert len(feedback.padding) < 4
    assert not any(feedback.padding)
    return feedback


def run_length(symbol: int, length: int) -> bytes:
    return struct.pack("!H", symbol << 13 | length)


def one_bit(*symbols: int) -> bytes:
    """Status vector of 14 symbols that are missing or small."""
    padded = [*symbols, *[0] * (14 - len(symbols))]
    return struct.pack("!H", 0x8000 | int("".join(map(str, padded)), 2))


def two_bit(*symbols: int) -> bytes:
    """Status vector of 7 symbols."""
    padded = [*symbols, *[0] * (7 - len(symbols))]
    return struct.pack("!H", 0xC000 | int("".join(f"{symbol:02b}" for symbol in padded), 2))


def delta(symbol: int, ticks: int) -> bytes:
    return b"" if symbol == MISSING else struct.pack("!B" if symbol == SMALL else "!h", ticks)


def body(base: int, chunks: bytes, deltas: bytes = b"", *, count: int, reference: int = 0, number: int = 0) -> bytes:
    """The part after both SSRCs."""
    return struct.pack("!HH", base, count) + reference.to_bytes(3, "big") + bytes([number]) + chunks + deltas


def encode(base: int, reference: int, deltas: Sequence[tuple[int, int]], chunk_kinds: Sequence[int]) -> bytes:
    """A body that tells (symbol, delta in ticks) of each packet; `chunk_kinds` (0 run, 1 one bit, 2 two bits) picks each
    chunk's kind in turn where it can be picked: other encoders choose otherwise than ours does."""
    symbols = [symbol for symbol, _ in deltas]
    chunks, at, turn = b"", 0, 0
    while at < len(symbols):
        kind = chunk_kinds[turn % len(chunk_kinds)]
        turn += 1
        if kind == 1 and LARGE not in symbols[at : at + 14]:
            chunks, at = chunks + one_bit(*symbols[at : at + 14]), at + 14
        elif kind == 2:
            chunks, at = chunks + two_bit(*symbols[at : at + 7]), at + 7
        else:
            run = 1
            while at + run < len(symbols) and run < 8191 and symbols[at + run] == symbols[at]:
                run += 1
            chunks, at = chunks + run_length(symbols[at], run), at + run
    values = b"".join(delta(symbol, ticks) for symbol, ticks in deltas)
    return body(base, chunks, values, count=len(symbols), reference=reference)
