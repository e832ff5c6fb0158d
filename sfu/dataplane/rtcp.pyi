"""The Python view of `rtcp.pyx`, for tests and tools; the packet path uses `rtcp.pxd`."""

from typing import NamedTuple

from .receive import Report

class Block(NamedTuple):
    kind: str
    sender_ssrc: int
    media_ssrc: int
    count_or_fmt: int
    ntp: int
    rtp_timestamp: int
    body: bytes
    reports: list[Report]
    nacks: list[tuple[int, int]]
    firs: list[tuple[int, int]]
    remb_bps: int | None

def check(data: bytes) -> int: ...
def blocks(data: bytes) -> list[Block]: ...
def round_trip_us(report: Report, now_ntp: int) -> int: ...
