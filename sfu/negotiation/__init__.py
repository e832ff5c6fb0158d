"""Offer in, answer out: the one negotiation core under every front door. Pure; start reading at `negotiate`."""

from sfu.negotiation.capabilities import CAPABILITIES, Capabilities
from sfu.negotiation.negotiate import negotiate
from sfu.negotiation.negotiated import DataChannelParams, LocalParameters, Negotiated, NegotiatedLine, Role
from sfu.protocol.ice import Candidate
from sfu.protocol.sdp import SdpLimits

__all__ = [
    "CAPABILITIES",
    "Candidate",
    "Capabilities",
    "DataChannelParams",
    "LocalParameters",
    "Negotiated",
    "NegotiatedLine",
    "Role",
    "SdpLimits",
    "negotiate",
]
