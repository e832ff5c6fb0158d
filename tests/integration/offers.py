"""Small offers written by hand, for tests of front doors. What real browsers offer is tested with negotiation."""

FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)
AUDIO = ("a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1")
VIDEO = (
    "a=rtpmap:96 VP8/90000",
    "a=rtcp-fb:96 nack",
    "a=rtcp-fb:96 nack pli",
    "a=rtpmap:97 rtx/90000",
    "a=fmtp:97 apt=96",
)


def write_offer(*lines: str, ufrag: str = "ufrag1", version: int = 2) -> str:
    """Each line is `audio sendonly`, `video recvonly` and so on, `data`, or `exotic sendonly` for a codec that nobody knows."""
    mids = [str(index) for index in range(len(lines))]
    head = ["v=0", f"o=- 1234 {version} IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {' '.join(mids)}"]
    body = [text for mid, line in zip(mids, lines, strict=True) for text in _section(mid, line, ufrag)]
    return "\r\n".join([*head, *body, ""])


def _section(mid: str, line: str, ufrag: str) -> list[str]:
    kind, _, direction = line.partition(" ")
    common = [
        "c=IN IP4 0.0.0.0",
        f"a=mid:{mid}",
        f"a=ice-ufrag:{ufrag}",
        "a=ice-pwd:passwordOfTwentyFourChars",
        "a=ice-options:trickle",
        f"a=fingerprint:{FINGERPRINT}",
        "a=setup:actpass",
    ]
    if kind == "data":
        return ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", *common, "a=sctp-port:5000"]
    media = [f"a={direction}", "a=rtcp-mux", "a=msid:stream track"]
    if kind == "audio":
        return ["m=audio 9 UDP/TLS/RTP/SAVPF 111", *common, *media, *AUDIO]
    if kind == "video":
        return ["m=video 9 UDP/TLS/RTP/SAVPF 96 97", *common, *media, *VIDEO]
    return ["m=video 9 UDP/TLS/RTP/SAVPF 98", *common, *media, "a=rtpmap:98 exotic/90000"]


PUBLISH = write_offer("audio sendonly", "video sendonly")
WATCH = write_offer("audio recvonly", "video recvonly")
DATA = write_offer("data")


def fragment(ufrag: str, *, candidates: int = 1) -> str:
    """What a client sends by PATCH (RFC 8840)."""
    lines = ["a=ice-options:trickle", "a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0"]
    lines += [f"a=ice-ufrag:{ufrag}", "a=ice-pwd:passwordOfTwentyFourChars"]
    lines += [f"a=candidate:{n} 1 udp 2122260223 192.0.2.{n} 61764 typ host" for n in range(1, candidates + 1)]
    return "\r\n".join([*lines, "a=end-of-candidates", ""])
