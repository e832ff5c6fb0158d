"""What server and clients say to each other about a direct call: plain values, one frozen dataclass each way.

`epoch` numbers the attempts of a room. Only the server makes epochs; whatever names another than the present one is stale.
"""

from dataclasses import dataclass
from enum import StrEnum

from sfu.errors import RemoteError
from sfu.ids import ParticipantId


class Step(StrEnum):
    """PROTOCOL.md says which fields each has."""

    START = "start"
    """Server: connect to `peer`; the one with `offers` makes the offer."""
    OFFER = "offer"
    ANSWER = "answer"
    CANDIDATE = "candidate"
    VIDEO = "video"
    """Whether the receiver wants the other's picture."""
    READY = "ready"
    """Client: the direct path carries what the other publishes."""
    COMMIT = "commit"
    """Server: both are ready; the direct path is what is seen and heard."""
    LOST = "lost"
    """Client: the path does not do, for `reason`; it has gone back to the server's leg already."""
    TAKEOVER = "takeover"
    """Server: back to the server's leg, for `reason`."""
    TAKEN = "taken"
    """Client: the server's leg is seen and heard again, after these gaps."""


RELAYED = frozenset({Step.OFFER, Step.ANSWER, Step.CANDIDATE, Step.VIDEO})
"""From one of the two to the other."""


class Reason(StrEnum):
    """Why a direct call, or the attempt at one, ended."""

    JOINED = "joined"
    """Somebody else is in the room; hidden listeners count."""
    LEFT = "left"
    SIGNALLING = "signalling"
    """One of the two lost its socket, reloaded, or came back by another."""
    SETTINGS = "settings"
    """Server, room, token or client do not want it (any more)."""
    FAILED = "failed"
    """The client's connection failed or was disconnected."""
    SILENCE = "silence"
    """Audio stopped on the direct path while the server's leg had it; or everything, where no audio is to come."""
    LOSS = "loss"
    RELAY = "relay"
    """The candidate pair leads over a relay: the server is the better one."""
    SLOW = "slow"
    """The round trip is longer than over the server."""
    TIMEOUT = "timeout"
    """Not both were ready in time."""


FROM_CLIENTS = frozenset({Reason.SETTINGS, Reason.FAILED, Reason.SILENCE, Reason.LOSS, Reason.RELAY})
"""What a client may give as its reason; anything else counts as `FAILED`."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a client said."""

    epoch: int
    step: Step
    sdp: str | None = None
    candidate: str | None = None
    wanted: bool | None = None
    reason: str | None = None
    direct_rtt_ms: float | None = None
    """Round trip of the candidate pair of the direct path, with `READY`."""
    server_rtt_ms: float | None = None
    """Round trip to the server."""
    audio_gap_ms: float | None = None
    """What nobody heard, with `TAKEN`."""
    video_gap_ms: float | None = None


@dataclass(frozen=True, slots=True)
class DirectSignal:
    """What a client is told."""

    epoch: int
    step: Step
    peer: ParticipantId | None = None
    offers: bool | None = None
    sdp: str | None = None
    candidate: str | None = None
    wanted: bool | None = None
    reason: Reason | None = None


class SignalRefusedError(RemoteError):
    """`kind` names what was wrong with it, for the counter."""

    def __init__(self, kind: str, message: str, *, code: str = "bad_request") -> None:
        super().__init__(message, code=code)
        self.kind = kind
