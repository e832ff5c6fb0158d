"""What the tests of session descriptions share: our side of a transport, captured offers, and short cuts to answers."""

import itertools
from pathlib import Path

from sfu.ids import Ufrag
from sfu.negotiation import Candidate, LocalParameters, Negotiated, Role, negotiate
from sfu.negotiation.capabilities import CAPABILITIES, Capabilities
from sfu.protocol.sdp import MediaDescription, SessionDescription, parse

OFFERS = Path(__file__).parent.parent / "data" / "offers"

LOCAL = LocalParameters(
    ufrag=Ufrag("serverUfrag"),
    password="serverPasswordOf24Chars+",
    fingerprint="sha-256 " + ":".join(["AB"] * 32),
    candidates=(Candidate(("127.0.0.1", 3478), 2_130_706_431, "1"), Candidate(("::1", 3478), 2_130_706_430, "2")),
    session_id=4_611_686_018_427_387_903,
    session_version=0,
    cname="cname-of-server",
)
BOTH = Role(publish=True, subscribe=True)


def offer_names() -> list[str]:
    return sorted(each.stem for each in OFFERS.glob("*.sdp"))


def sequences() -> dict[str, list[str]]:
    """Case → the names of its offers in order: `chromium-remove-track` → `chromium-remove-track-1`, `…-2`, `…-3`."""
    result: dict[str, list[str]] = {}
    for name in offer_names():
        case, _, step = name.rpartition("-")
        result.setdefault(case if step in ("1", "2", "3") else name, []).append(name)
    return result


def first_offers() -> list[str]:
    """Names of those offers that open a connection."""
    return [names[0] for names in sequences().values() if names[0].rpartition("-")[2] not in ("2", "3")]


def load(name: str) -> str:
    return (OFFERS / f"{name}.sdp").read_bytes().decode()


def answer(
    offer: str,
    *,
    previous: Negotiated | None = None,
    role: Role = BOTH,
    capabilities: Capabilities = CAPABILITIES,
    local: LocalParameters = LOCAL,
    first_ssrc: int = 1_000_000,
) -> Negotiated:
    """Answer an offer with SSRCs that count up from `first_ssrc`."""
    return negotiate(
        offer,
        previous=previous,
        local=local,
        role=role,
        capabilities=capabilities,
        new_ssrc=itertools.count(first_ssrc).__next__,
    )


def media_of(result: Negotiated) -> tuple[MediaDescription, ...]:
    return described(result).media


def described(result: Negotiated) -> SessionDescription:
    return parse(result.answer)


SESSION = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=ice-ufrag:clientUfrag
a=ice-pwd:clientPasswordOf24Chars+
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
""".format(fingerprint=":".join(["CD"] * 32))

MID_EXTENSION = "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=rtcp-mux\na=rtpmap:111 opus/48000/2\n" + MID_EXTENSION
VIDEO = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\na=rtcp-mux\na=rtpmap:96 VP8/90000\na=rtpmap:97 rtx/90000\n"
    "a=fmtp:97 apt=96\na=rtcp-fb:96 nack\na=rtcp-fb:96 nack pli\n" + MID_EXTENSION
)


def offer_of(*lines: str, session: str = SESSION) -> str:
    """An offer of m-lines with the mids 0, 1, …, all bundled; a mid that a line says itself counts."""
    bundled = []
    media = ""
    for index, line in enumerate(lines):
        given = next((each.removeprefix("a=mid:") for each in line.split("\n") if each.startswith("a=mid:")), None)
        if line.split(maxsplit=2)[1] != "0":
            bundled.append(given or str(index))
        media += line if given is not None else f"{line}a=mid:{index}\n"
    return f"{session}a=group:BUNDLE {' '.join(bundled)}\n{media}"
