"""The two messages of direct calls: what a client says, and what it is told. Which step has which fields: PROTOCOL.md.

Sizes and counts of what is passed on are limited by `sfu.direct`, which counts what it refuses.
"""

from typing import Annotated, Literal

from pydantic import Field

from sfu.direct_signal import DirectSignal, Signal, Step
from signaling.message import Count, Message

Epoch = Annotated[int, Field(ge=1, le=2**53 - 1)]
Milliseconds = Annotated[float, Field(ge=0, le=60_000)]
"""What clients measure; a longer time is not measured but guessed."""


def _absent(value: object) -> bool:
    return value is None


Flag = Annotated[bool | None, Field(exclude_if=_absent)]
Text = Annotated[str | None, Field(exclude_if=_absent)]


class ClientDirect(Message):
    """A step of one of the two."""

    type: Literal["direct"] = "direct"
    epoch: Epoch
    step: Literal["offer", "answer", "candidate", "video", "ready", "lost", "taken"]
    sdp: str | None = None
    candidate: str | None = None
    wanted: bool | None = None
    reason: Annotated[str, Field(max_length=32)] | None = None
    direct_rtt_ms: Milliseconds | None = None
    server_rtt_ms: Milliseconds | None = None
    audio_gap_ms: Milliseconds | None = None
    video_gap_ms: Milliseconds | None = None

    def signal(self) -> Signal:
        return Signal(step=Step(self.step), **self.model_dump(exclude={"type", "step"}))


class ServerDirect(Message):
    """A step of the server, or of the other one."""

    type: Literal["direct"] = "direct"
    epoch: Count
    step: Literal["start", "offer", "answer", "candidate", "video", "commit", "takeover"]
    peer: Text = None
    offers: Flag = None
    sdp: Text = None
    candidate: Text = None
    wanted: Flag = None
    reason: Text = None


def direct_message(signal: DirectSignal) -> ServerDirect:
    return ServerDirect.model_validate(
        {
            "epoch": signal.epoch,
            "step": signal.step.value,
            "peer": signal.peer,
            "offers": signal.offers,
            "sdp": signal.sdp,
            "candidate": signal.candidate,
            "wanted": signal.wanted,
            "reason": signal.reason.value if signal.reason else None,
        }
    )
