"""What Ciranda can forward: codecs and header extensions, and how an offer's words for them become `Format` and `Extension`.

Pure tables and functions. It never decides which of several formats is used; that is the order of the offer.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sfu.dataplane.types import Extension, Format, Kind
from sfu.protocol.sdp import RtpMap

EXTENSION_URIS: Mapping[str, Extension] = {
    "urn:ietf:params:rtp-hdrext:sdes:mid": Extension.MID,
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id": Extension.RID,
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id": Extension.REPAIRED_RID,
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level": Extension.AUDIO_LEVEL,
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time": Extension.ABS_SEND_TIME,
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01": Extension.TRANSPORT_CC,
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension": (
        Extension.DEPENDENCY_DESCRIPTOR
    ),
    "urn:3gpp:video-orientation": Extension.VIDEO_ORIENTATION,
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay": Extension.PLAYOUT_DELAY,
}

MAX_EXTENSION_ID = 14
"""Largest id that one-byte header extensions can carry (RFC 8285, section 4.2)."""

FEEDBACK = ("nack", "nack pli", "ccm fir", "transport-cc", "goog-remb")
"""RTCP feedback that may be accepted, in the order of the answer (RFC 4585, RFC 5104)."""

OPUS_PARAMETERS = "minptime=10;useinbandfec=1"
"""What every Opus receiver can take (RFC 7587, section 7)."""

_CLOCK_RATES = {"opus": 48_000, "vp8": 90_000, "vp9": 90_000, "h264": 90_000, "av1": 90_000}
_VP9_PROFILES = {"0": Format.VP9_PROFILE_0, "2": Format.VP9_PROFILE_2}
_H264_PROFILES = {
    ("constrained-baseline", "1"): Format.H264_CONSTRAINED_BASELINE,
    ("constrained-baseline", "0"): Format.H264_CONSTRAINED_BASELINE_SINGLE_NAL,
    ("baseline", "1"): Format.H264_BASELINE,
    ("baseline", "0"): Format.H264_BASELINE_SINGLE_NAL,
    ("main", "1"): Format.H264_MAIN,
}
_H264_DEFAULT_PROFILE = "42000a"
"""Baseline, level 1, where the offer gives none (RFC 6184, section 8.1)."""

_ECHOED_PARAMETERS = {
    "vp9": ("profile-id",),
    "h264": ("level-asymmetry-allowed", "packetization-mode", "profile-level-id"),
    "av1": ("level-idx", "profile", "tier"),
}
"""Parameters that an answer repeats as offered: they configure the stream, or an unequal value would need transcoding."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an answer may accept."""

    formats: frozenset[Format] = frozenset(Format)
    extensions: frozenset[Extension] = frozenset(Extension)
    max_layers: int = 4
    """Simulcast layers of a track (`TrackParams.rids`)."""
    max_message_size: int = 65_536
    """Largest data channel message that Ciranda takes, bytes (RFC 8841, section 6)."""
    sctp_port: int = 5_000


CAPABILITIES = Capabilities()


def match_format(kind: Kind, rtp_map: RtpMap, parameters: Mapping[str, str]) -> Format | None:
    """The format that an offered payload type stands for, or None where Ciranda does not forward it."""
    name = rtp_map.encoding.lower()
    if _CLOCK_RATES.get(name) != rtp_map.clock_rate or (kind is Kind.AUDIO) != (name == "opus"):
        return None
    match name:
        case "opus":
            return Format.OPUS if rtp_map.channels == 2 else None
        case "vp8":
            return Format.VP8
        case "vp9":
            return _VP9_PROFILES.get(parameters.get("profile-id", "0"))
        case "av1":
            return Format.AV1 if parameters.get("profile", "0") == "0" else None
        case _:
            profile = h264_profile(parameters.get("profile-level-id", _H264_DEFAULT_PROFILE))
            return _H264_PROFILES.get((profile, parameters.get("packetization-mode", "0")))


def h264_profile(profile_level_id: str) -> str:
    """Name of the profile that a profile-level-id stands for, empty for others (RFC 6184, section 8.1, table 5)."""
    try:
        value = bytes.fromhex(profile_level_id) if len(profile_level_id) == 6 else b""
    except ValueError:
        value = b""
    if len(value) != 3:
        return ""
    idc, flags = value[0], value[1]
    if flags & 0x0F:
        return ""
    set0, set1 = bool(flags & 0x80), bool(flags & 0x40)
    if (idc == 0x42 and set1) or (idc == 0x4D and set0) or (idc == 0x58 and set0 and set1):
        return "constrained-baseline"
    if idc == 0x42 or (idc == 0x58 and set0):
        return "baseline"
    return "main" if idc == 0x4D else ""


def answer_parameters(rtp_map: RtpMap, offered: Mapping[str, str], *, receives: bool) -> str:
    """Text of the answer's fmtp for a matched format, empty for none. `receives`: Ciranda receives on this m-line.

    Opus: stereo is asked of a publisher that says it has stereo (`sprop-stereo`); every Opus decoder can play it
    (RFC 7587, sections 3.4 and 6.1). `stereo` alone only says what the client can play: Firefox always offers it.
    """
    name = rtp_map.encoding.lower()
    if name == "opus":
        stereo = receives and offered.get("sprop-stereo") == "1"
        return OPUS_PARAMETERS + (";stereo=1" if stereo else "")
    return ";".join(f"{key}={offered[key]}" for key in _ECHOED_PARAMETERS.get(name, ()) if key in offered)


def parse_parameters(text: str) -> dict[str, str]:
    """`key=value;…` of an fmtp; keys in lower case, the first of equal keys counts. Other text gives odd keys, no error."""
    result: dict[str, str] = {}
    for part in text.split(";"):
        key, _, value = part.strip().partition("=")
        result.setdefault(key.strip().lower(), value.strip())
    return result
