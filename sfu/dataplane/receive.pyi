"""The Python view of `receive.pyx`, for tests and tools; the packet path uses `receive.pxd`."""

from typing import NamedTuple

class Report(NamedTuple):
    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay_since_last_sr: int

class Receiver:
    def __init__(self, clock_rate: int) -> None: ...
    def packet(
        self, seq: int, timestamp: int = 0, size: int = 0, now_us: int = 0, retransmission: bool = False
    ) -> tuple[str, int]: ...
    def sender_report(self, ntp: int, now_us: int) -> None: ...
    def report(self, ssrc: int, now_us: int) -> Report: ...
    @property
    def highest(self) -> int: ...
    @property
    def packets(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def lost(self) -> int: ...
    @property
    def jitter(self) -> int: ...
