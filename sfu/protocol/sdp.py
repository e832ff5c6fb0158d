"""Session descriptions: the door to reading, writing and their values (RFC 8866, RFC 9429, fragments of RFC 8840)."""

from .sdp_fragment import IceFragment, parse_fragment, write_fragment
from .sdp_model import (
    CandidateLine,
    Direction,
    ExtensionMap,
    Feedback,
    Fingerprint,
    Group,
    MediaDescription,
    MediaStreamId,
    Origin,
    RidRestrictions,
    RtpMap,
    SdpLimits,
    SessionDescription,
    Simulcast,
    SimulcastRid,
    SsrcGroup,
    TransportLines,
)
from .sdp_parser import DEFAULT_LIMITS, parse
from .sdp_writer import candidate_line, serialize

__all__ = [
    "DEFAULT_LIMITS",
    "CandidateLine",
    "Direction",
    "ExtensionMap",
    "Feedback",
    "Fingerprint",
    "Group",
    "IceFragment",
    "MediaDescription",
    "MediaStreamId",
    "Origin",
    "RidRestrictions",
    "RtpMap",
    "SdpLimits",
    "SessionDescription",
    "Simulcast",
    "SimulcastRid",
    "SsrcGroup",
    "TransportLines",
    "candidate_line",
    "parse",
    "parse_fragment",
    "serialize",
    "write_fragment",
]
