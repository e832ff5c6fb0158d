"""getStats of any client in one form, and what two samples say about the time between them.

Knows no client: a sample is the list of statistics dictionaries with the names of the W3C (camelCase).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Stat = dict[str, Any]
R = TypeVar("R")

DECODED_SHARE = 0.9
"""Of the frames that were captured, in a time that is called steady."""


@dataclass(frozen=True, slots=True)
class Sample:
    """All statistics of one client's peer connections at one moment."""

    stats: tuple[Stat, ...]
    at_s: float
    """Seconds of the monotonic clock when they were asked for."""

    @classmethod
    def of(cls, stats: Sequence[Stat], at_s: float) -> "Sample":
        return cls(tuple(stats), at_s)

    def inbound(self, kind: str) -> dict[str, Stat]:
        """`inbound-rtp` of the kind by MID."""
        return {s["mid"]: s for s in self._of("inbound-rtp", kind)}

    def outbound(self, kind: str) -> list[Stat]:
        """`outbound-rtp` of the kind: one for each simulcast layer."""
        return self._of("outbound-rtp", kind)

    def captured(self) -> int:
        """Video frames that the sources of this client produced so far."""
        return sum(int(s.get("frames", 0)) for s in self._of("media-source", "video"))

    def transport(self) -> Stat:
        """The one transport of a bundled connection; `AssertionError` when there is another number of them."""
        found = [s for s in self.stats if s["type"] == "transport"]
        assert len(found) == 1, found
        return found[0]

    def codec(self, stat: Stat) -> str:
        """MIME type of an inbound or outbound stream."""
        return next(str(s["mimeType"]) for s in self.stats if s["id"] == stat.get("codecId"))

    def _of(self, kind: str, media: str) -> list[Stat]:
        return [s for s in self.stats if s["type"] == kind and s.get("kind") == media]


def grown(before: Sample, after: Sample, kind: str, name: str) -> dict[str, float]:
    """By MID: how much a counter of the inbound streams grew. A stream that was not there before counts from 0."""
    old = before.inbound(kind)
    return {mid: s.get(name, 0) - old.get(mid, {}).get(name, 0) for mid, s in after.inbound(kind).items()}


async def steady(
    sampler: Callable[[], Awaitable[R]], judge: Callable[[R, R], list[str]], *, seconds: float, attempts: int = 3
) -> R:
    """Samples at both ends of a time of `seconds`, until `judge` finds nothing wrong between the two; gives the last sample.

    Another attempt is for what the machine does to all of us (a browser that is not scheduled freezes); a server that loses
    frames loses them in every attempt. `AssertionError` with every attempt's complaints.
    """
    complaints = []
    for _ in range(attempts):
        before = await sampler()
        await asyncio.sleep(seconds)
        after = await sampler()
        wrong = judge(before, after)
        if not wrong:
            return after
        complaints.append(wrong)
    raise AssertionError(f"not steady in {attempts} times {seconds} s: {complaints}")


def flow_faults(
    pair: str, sent: tuple[Sample, Sample], received: tuple[Sample, Sample], mids: dict[str, str]
) -> list[str]:
    """What is wrong with what one client got of another's between two samples of each. `mids`: its slots, by kind.

    Right is: at least 90 % of the frames that were captured are decoded, none is missed for so long that it counts as a
    freeze, at least 10 are captured a second, and there is sound.
    """
    captured = sent[1].captured() - sent[0].captured()
    seconds = sent[1].at_s - sent[0].at_s
    decoded, freezes = (grown(*received, "video", name)[mids["video"]] for name in ("framesDecoded", "freezeCount"))
    energy = grown(*received, "audio", "totalAudioEnergy")[mids["audio"]]
    checks = {
        f"{captured} frames captured in {seconds:.1f} s": captured >= 10 * seconds,
        f"{decoded} of {captured} frames decoded": decoded >= DECODED_SHARE * captured,
        f"{freezes} freezes": freezes == 0,
        "silence": energy > 0,
    }
    return [f"{pair}: {fault}" for fault, right in checks.items() if not right]


async def eventually(check: Callable[[], Awaitable[R | None]], *, within_s: float, what: str) -> R:
    """Repeats `check` until it gives something true. `AssertionError` that names `what` and the last value otherwise."""
    deadline = time.monotonic() + within_s
    while True:
        found = await check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what}; last seen: {found!r}")
        await asyncio.sleep(0.05)


async def sees_and_hears(sample: Callable[[], Awaitable[Sample]], *, within_s: float, what: str) -> None:
    """Pictures and sound of somebody come from now on."""
    before = await sample()

    async def flows() -> bool:
        now = await sample()
        frames = grown(before, now, "video", "framesDecoded")
        energy = grown(before, now, "audio", "totalAudioEnergy")
        return any(count >= 15 for count in frames.values()) and any(energy.values())

    await eventually(flows, within_s=within_s, what=what)
