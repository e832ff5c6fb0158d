"""Names of the reasons for drops and closes, for tests and metrics; the packet path uses `reasons.pxd`."""

from enum import IntEnum

class DropReason(IntEnum):
    DROP_NONE = 0
    DROP_EMPTY = 1
    DROP_TOO_LARGE = 2
    DROP_UNKNOWN_FIRST_BYTE = 3
    DROP_UNKNOWN_ADDRESS = 4
    DROP_RTP_MALFORMED = 5
    DROP_RTP_PADDING = 6
    DROP_RTP_EXTENSION = 7
    DROP_RTCP_MALFORMED = 8
    DROP_SRTP_NO_KEYS = 9
    DROP_SRTP_AUTH = 10
    DROP_SRTP_REPLAY = 11
    DROP_UNKNOWN_SSRC = 12
    DROP_UNKNOWN_PAYLOAD_TYPE = 13
    DROP_STREAM_LIMIT = 14
    DROP_TOO_OLD = 15
    DROP_DUPLICATE = 16
    DROP_NO_KEYFRAME = 17
    DROP_FORMAT_NOT_NEGOTIATED = 18
    DROP_PADDING_ONLY = 19
    DROP_EVENT_RING_FULL = 20
    DROP_TRANSMIT_FULL = 21
    DROP_SEND_FULL = 22
    DROP_SEND_ERROR = 23
    DROP_SRTP_PROTECT = 24
    DROP_TCP_CLOSED = 25
    DROP_TCP_FULL = 26
    DROP_TCP_VIDEO = 27
    DROP_OVERLOAD = 28
    DROP_COUNT = 29

class CloseReason(IntEnum):
    CLOSE_BY_PEER = 0
    CLOSE_ERROR = 1
    CLOSE_FRAME_TOO_LONG = 2
    CLOSE_HALF_FRAME = 3
    CLOSE_NOT_VALIDATED = 4
    CLOSE_CROWDED_OUT = 5
    CLOSE_LIMIT = 6
    CLOSE_UNUSED = 7
    CLOSE_STALLED = 8
    CLOSE_COUNT = 9

DROP_NAMES: tuple[str, ...]
"""Metric labels by number, starting at reason 1."""

CLOSE_NAMES: tuple[str, ...]
"""Metric labels by number."""
