"""Fragments of session descriptions that carry ICE candidates and restarts (RFC 8840).

WHIP and WHEP send them by PATCH as `application/trickle-ice-sdpfrag` (RFC 9725, section 4.3).

All m-lines of Ciranda are bundled, so one ufrag and one list of candidates is all that a fragment can say.
"""

from dataclasses import dataclass

from sfu.errors import SdpError
from sfu.ids import Mid, Ufrag

from . import sdp_media_attributes as media
from . import sdp_transport_attributes as transport
from .ice import Candidate
from .sdp_model import CandidateLine, SdpLimits, TransportLines
from .sdp_sections import split_sections
from .sdp_writer import LINE_END, candidate_line, candidate_text, transport_lines

FRAGMENT_LIMITS = SdpLimits(max_bytes=16_384, max_lines=512, max_line_length=1_024, max_media=64, max_attributes=256)


@dataclass(frozen=True, slots=True)
class IceFragment:
    """What one PATCH says."""

    ufrag: Ufrag | None = None
    """None: candidates only, for the ICE generation that the receiver knows."""
    password: str | None = None
    candidates: tuple[CandidateLine | Candidate, ...] = ()
    end: bool = False
    """`a=end-of-candidates` was there."""
    mid: Mid | None = None
    """Of the first m-line."""


def parse_fragment(text: str, *, limits: SdpLimits = FRAGMENT_LIMITS) -> IceFragment:
    """Read a fragment. Raises `SdpError`."""
    sections = split_sections(text, limits)
    credentials: tuple[str, str] | None = None
    candidates: list[CandidateLine] = []
    mid: str | None = None
    for section in sections:
        attributes = section.attributes
        ufrag = attributes.one("ice-ufrag", transport.ice_ufrag)
        password = attributes.one("ice-pwd", transport.ice_pwd)
        if (ufrag is None) != (password is None):
            line = attributes.line("ice-ufrag") or attributes.line("ice-pwd")
            raise SdpError("an ICE ufrag without a password, or a password without a ufrag", line=line)
        if ufrag is not None and password is not None:
            if credentials is not None and credentials != (ufrag, password):
                raise SdpError("two different ICE ufrags: all m-lines share one transport", line=section.line)
            credentials = (ufrag, password)
        mid = mid if mid is not None else attributes.one("mid", media.mid)
        candidates.extend(attributes.all("candidate", transport.candidate))
    return IceFragment(
        ufrag=Ufrag(credentials[0]) if credentials else None,
        password=credentials[1] if credentials else None,
        candidates=tuple(candidates),
        end=any(section.attributes.flag("end-of-candidates") for section in sections),
        mid=None if mid is None else Mid(mid),
    )


def write_fragment(fragment: IceFragment) -> str:
    """The fragment of an ICE-lite server, with CRLF after every line; its m-line is a placeholder (RFC 8840, section 9)."""
    lines = ["a=ice-lite", "a=ice-options:trickle ice2", "m=audio 9 UDP/TLS/RTP/SAVPF 0"]
    lines.append(f"a=mid:{fragment.mid or '0'}")
    lines.extend(transport_lines(TransportLines(ice_ufrag=fragment.ufrag, ice_pwd=fragment.password)))
    lines.extend(f"a=candidate:{candidate_text(candidate_line(candidate))}" for candidate in fragment.candidates)
    if fragment.end:
        lines.append("a=end-of-candidates")
    return "".join(line + LINE_END for line in lines)
