"""The offers that the benchmark's clients send and the little they need from an answer. One video m-line, VP8 with RTX."""

from dataclasses import dataclass

PAYLOAD_TYPE = 96
RTX_PAYLOAD_TYPE = 97
MID = "0"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
SDES_MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
MID_ID = 1
TRANSPORT_CC_ID = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    ufrag: str
    password: str
    fingerprint: str
    """Lower-case algorithm, a space, upper-case hex with colons."""
    address: tuple[str, int]
    """Its first UDP host candidate."""
    transport_cc_id: int
    """0: not negotiated."""
    accepted: bool


def offer(*, direction: str, ufrag: str, password: str, fingerprint: str, ssrc: int = 0, rtx_ssrc: int = 0) -> str:
    """`direction` is `sendonly` or `recvonly`; the SSRCs are signalled only by a sender."""
    lines = [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {MID}",
        "a=msid-semantic: WMS *",
        f"m=video 9 UDP/TLS/RTP/SAVPF {PAYLOAD_TYPE} {RTX_PAYLOAD_TYPE}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{password}",
        f"a=fingerprint:sha-256 {fingerprint}",
        "a=setup:actpass",
        f"a=mid:{MID}",
        f"a=extmap:{MID_ID} {SDES_MID}",
        f"a=extmap:{TRANSPORT_CC_ID} {TRANSPORT_CC}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=rtpmap:{PAYLOAD_TYPE} VP8/90000",
        f"a=rtcp-fb:{PAYLOAD_TYPE} transport-cc",
        f"a=rtcp-fb:{PAYLOAD_TYPE} ccm fir",
        f"a=rtcp-fb:{PAYLOAD_TYPE} nack",
        f"a=rtcp-fb:{PAYLOAD_TYPE} nack pli",
        f"a=rtpmap:{RTX_PAYLOAD_TYPE} rtx/90000",
        f"a=fmtp:{RTX_PAYLOAD_TYPE} apt={PAYLOAD_TYPE}",
    ]
    if ssrc:
        lines += [
            "a=msid:bench video",
            f"a=ssrc-group:FID {ssrc} {rtx_ssrc}",
            f"a=ssrc:{ssrc} cname:bench",
            f"a=ssrc:{rtx_ssrc} cname:bench",
        ]
    return "\r\n".join(lines) + "\r\n"


def read_answer(sdp: str) -> Answer:
    """`ValueError` when something that a client cannot do without is missing."""
    values: dict[str, str] = {}
    address: tuple[str, int] | None = None
    accepted = False
    transport_cc_id = 0
    for line in sdp.splitlines():
        key, _, value = line.partition(":")
        if line.startswith("m=video "):
            accepted = line.split()[1] != "0"
        elif key == "a=candidate" and address is None:
            fields = value.split()
            if fields[2].lower() == "udp":
                address = (fields[4], int(fields[5]))
        elif key == "a=extmap" and value.endswith(TRANSPORT_CC):
            transport_cc_id = int(value.split()[0].partition("/")[0])
        else:
            values.setdefault(key, value)
    try:
        algorithm, _, digest = values["a=fingerprint"].partition(" ")
        found = values["a=ice-ufrag"], values["a=ice-pwd"], f"{algorithm.lower()} {digest.upper()}"
    except KeyError as missing:
        raise ValueError(f"the answer has no {missing}:\n{sdp}") from None
    if address is None:
        raise ValueError(f"the answer has no UDP candidate:\n{sdp}")
    return Answer(*found, address, transport_cc_id, accepted)
