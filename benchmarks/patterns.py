"""What publishers send: when, how many packets, how large. Values only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

KEYFRAME_EVERY_S = 3.0
"""And whenever a receiver asks for one."""

AUDIO_FRAME_S = 0.02
"""Opus as browsers send it: 50 packets a second."""

CHROMIUM_GAP_S = 190e-6
"""Between packets of one frame: median of Chromium 156's pacer at 500 kbit/s."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One RTP stream."""

    kind: Literal["audio", "video"]
    frame_s: float
    """From frame to frame."""
    packets: tuple[int, ...]
    """Of each frame, repeated."""
    sizes: tuple[int, int]
    """Smallest and largest bytes of RTP before SRTP adds its tag; one size a frame."""
    gap_s: float = 0.0
    """Between packets of a frame; 0: all at once."""
    first_shorter: int = 0
    """Bytes that the first packet of a frame is short of its others, as Chromium's packetizer makes them."""
    keyframe_packets: int = 0
    """Of a keyframe; 0: as of any other."""
    rid: str = ""
    """Of a simulcast layer."""

    @property
    def packets_per_second(self) -> float:
        return sum(self.packets) / len(self.packets) / self.frame_s


@dataclass(frozen=True, slots=True)
class Pattern:
    """All that one publisher sends; video streams are layers of one track."""

    name: str
    streams: tuple[Stream, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of its tracks."""
        return tuple(kind for kind in ("audio", "video") if any(s.kind == kind for s in self.streams))

    @property
    def packets_per_second(self) -> float:
        """Of all its streams, as published."""
        return sum(stream.packets_per_second for stream in self.streams)


def evenly(rate: float, size: int, frame: int) -> Pattern:
    """`rate` packets a second, each as far from the next."""
    return Pattern("evenly spaced", (Stream("video", frame / rate, (frame,), (size, size), 1 / rate),))


def bursts(rate: float, size: int, frame: int) -> Pattern:
    """The same packets, those of a frame at once."""
    return Pattern("frames at once", (Stream("video", frame / rate, (frame,), (size, size)),))


def audio(size: int = 0) -> Pattern:
    """Of 80 to 160 bytes, or all of one size."""
    return Pattern("audio", (Stream("audio", AUDIO_FRAME_S, (1,), (size, size) if size else (80, 160)),))


def chromium() -> Pattern:
    """500 kbit/s of VP8 at 20 frames a second: 3.1 packets a frame, equal but for a byte, about 985 bytes."""
    stream = Stream("video", 0.05, (3,) * 9 + (4,), (880, 1090), CHROMIUM_GAP_S, first_shorter=1, keyframe_packets=12)
    return Pattern("as Chromium sends", (stream,))


def simulcast() -> Pattern:
    """Three layers at 30 frames a second, lowest first as browsers name them: 120, 480 and 1,440 kbit/s."""

    def layer(rid: str, packets: tuple[int, ...], sizes: tuple[int, int], keyframe: int) -> Stream:
        return Stream("video", 1 / 30, packets, sizes, CHROMIUM_GAP_S, 1, keyframe, rid)

    return Pattern(
        "simulcast",
        (layer("l", (1,), (450, 550), 4), layer("m", (2,), (950, 1050), 9), layer("h", (6,), (950, 1050), 24)),
    )


def call() -> Pattern:
    """What a person in a meeting sends: audio, and video as Chromium does."""
    return Pattern("call", audio().streams + chromium().streams)


PATTERNS: dict[str, Callable[[float, int, int], Pattern]] = {
    "even": evenly,
    "burst": bursts,
    "chromium": lambda _rate, _size, _frame: chromium(),
    "simulcast": lambda _rate, _size, _frame: simulcast(),
    "audio": lambda _rate, size, _frame: audio(size),
    "call": lambda _rate, _size, _frame: call(),
}
"""By the names of the command line: (packets a second, bytes, packets a frame); the last four have rates of their own."""
