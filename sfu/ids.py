"""The domain's identifiers as distinct types, so that a MID is never passed where a RID is meant."""

import secrets
from typing import NewType

RoomName = NewType("RoomName", str)
"""1 to 64 characters of `a-z A-Z 0-9 - _ .`; never the name of an HTTP route."""

ParticipantId = NewType("ParticipantId", str)
"""`p_` and 12 random base32 characters; unique within a process."""

TrackId = NewType("TrackId", str)
"""`t_` and 12 random base32 characters; unique within a process."""

WaitingId = NewType("WaitingId", str)
"""`w_` and 12 random base32 characters: somebody who waits to be let into a room."""

MessageId = NewType("MessageId", str)
"""`m_` and 12 random base32 characters: a text that was relayed."""

Mid = NewType("Mid", str)
"""Identification tag of an m-line (RFC 5888, RFC 9143), at most 16 bytes."""

Rid = NewType("Rid", str)
"""RTP stream id of a simulcast layer (RFC 8851), at most 16 bytes."""

Ufrag = NewType("Ufrag", str)
"""ICE username fragment (RFC 8445), 4 to 256 ice-chars."""

Ssrc = NewType("Ssrc", int)
"""RTP synchronization source, 32 bits."""

PayloadType = NewType("PayloadType", int)
"""RTP payload type, 7 bits."""


def new_track_id() -> TrackId:
    return TrackId(f"t_{_random_name()}")


def new_participant_id() -> ParticipantId:
    return ParticipantId(f"p_{_random_name()}")


def new_waiting_id() -> WaitingId:
    return WaitingId(f"w_{_random_name()}")


def new_message_id() -> MessageId:
    return MessageId(f"m_{_random_name()}")


def _random_name() -> str:
    """12 random base32 characters: 60 bits."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    return "".join(secrets.choice(alphabet) for _ in range(12))


def new_ssrc() -> Ssrc:
    """A random SSRC that is not 0."""
    return Ssrc(secrets.randbelow(2**32 - 1) + 1)
