"""The session descriptions that the benchmark's clients write, and the little they need from the other side's. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

AUDIO_PAYLOAD_TYPE = 111
VIDEO_PAYLOAD_TYPE = 96
RTX_PAYLOAD_TYPE = 97
CLOCK_RATES = {"audio": 48_000, "video": 90_000}

FORMATS = {
    "audio": {"opus": AUDIO_PAYLOAD_TYPE},
    "video": {"vp8": VIDEO_PAYLOAD_TYPE, "rtx": RTX_PAYLOAD_TYPE},
}
"""Encoding name → payload type in our offers."""

SDES_MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
SDES_RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
EXTENSIONS = {
    "audio": {SDES_MID: 1, AUDIO_LEVEL: 2, TRANSPORT_CC: 3},
    "video": {SDES_MID: 1, TRANSPORT_CC: 3, SDES_RID: 4},
}


@dataclass(frozen=True, slots=True)
class Line:
    """One m-line of ours."""

    kind: str
    direction: str
    """`sendonly` or `recvonly`."""
    mid: str
    ssrc: int = 0
    """Signalled by a sender without layers; 0: none."""
    rids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What every m-line of a description repeats."""

    ufrag: str
    password: str
    fingerprint: str
    """SHA-256, upper-case hex with colons."""
    setup: str = "actpass"


@dataclass(slots=True)
class RemoteLine:
    """One m-line of the other side."""

    kind: str
    port: int
    mid: str = ""
    payload_types: dict[str, int] = field(default_factory=dict)
    """By encoding name, lower-case; the first of each."""
    extensions: dict[str, int] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)
    rtx: dict[int, int] = field(default_factory=dict)
    """SSRC → the SSRC of its retransmissions."""


@dataclass(frozen=True, slots=True)
class Remote:
    """What the other side said."""

    ufrag: str
    password: str
    fingerprint: str
    """Lower-case algorithm, a space, upper-case hex with colons."""
    address: tuple[str, int] | None
    """Its first UDP host candidate; `None`: it trickles them."""
    lines: tuple[RemoteLine, ...]

    def payload_type(self, *names: str) -> int:
        """Of the first of these encodings that any m-line has; 0: of none."""
        found = (line.payload_types.get(name, 0) for name in names for line in self.lines if line.port)
        return next(filter(None, found), 0)

    def extension(self, uri: str) -> int:
        """Its id; 0: not negotiated."""
        return next(filter(None, (line.extensions.get(uri, 0) for line in self.lines)), 0)

    def streams(self) -> list[tuple[int, int, int]]:
        """(SSRC, SSRC of its retransmissions or 0, clock rate) of what it signals to send."""
        return [
            (ssrc, line.rtx.get(ssrc, 0), CLOCK_RATES.get(line.kind, 90_000))
            for line in self.lines
            for ssrc in line.ssrcs
            if ssrc not in line.rtx.values()
        ]


def describe(lines: Sequence[Line], credentials: Credentials, *, like: Remote | None = None) -> str:
    """An offer; with `like` the answer to that offer, whose m-lines `lines` must match."""
    text = [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(line.mid for line in lines)}",
        "a=msid-semantic: WMS *",
    ]
    for number, line in enumerate(lines):
        text += _line(line, credentials, like.lines[number] if like is not None else None)
    return "\r\n".join(text) + "\r\n"


def _line(line: Line, credentials: Credentials, remote: RemoteLine | None) -> list[str]:
    extensions = EXTENSIONS[line.kind]
    formats = FORMATS[line.kind]
    if remote is not None:
        formats = {name: remote.payload_types[name] for name in formats if name in remote.payload_types}
        extensions = {uri: remote.extensions[uri] for uri in extensions if uri in remote.extensions}
    text = [
        f"m={line.kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, formats.values()))}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{credentials.ufrag}",
        f"a=ice-pwd:{credentials.password}",
        f"a=fingerprint:sha-256 {credentials.fingerprint}",
        f"a=setup:{credentials.setup}",
        f"a=mid:{line.mid}",
        *(f"a=extmap:{number} {uri}" for uri, number in extensions.items()),
        f"a={line.direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    if "opus" in formats:
        text += [f"a=rtpmap:{formats['opus']} opus/48000/2", f"a=fmtp:{formats['opus']} minptime=10;useinbandfec=1"]
        text.append(f"a=rtcp-fb:{formats['opus']} transport-cc")
    if "vp8" in formats:
        text.append(f"a=rtpmap:{formats['vp8']} VP8/90000")
        text += [f"a=rtcp-fb:{formats['vp8']} {f}" for f in ("transport-cc", "ccm fir", "nack", "nack pli")]
    if "rtx" in formats:
        text += [f"a=rtpmap:{formats['rtx']} rtx/90000", f"a=fmtp:{formats['rtx']} apt={formats['vp8']}"]
    if line.direction == "sendonly":
        text.append(f"a=msid:bench {line.kind}")
    if line.ssrc:
        text += _ssrcs(line)
    if line.rids:
        text += [f"a=rid:{rid} send" for rid in line.rids] + [f"a=simulcast:send {';'.join(line.rids)}"]
    return text


def _ssrcs(line: Line) -> list[str]:
    if line.kind == "audio":
        return [f"a=ssrc:{line.ssrc} cname:bench"]
    rtx = line.ssrc ^ 1
    return [f"a=ssrc-group:FID {line.ssrc} {rtx}", f"a=ssrc:{line.ssrc} cname:bench", f"a=ssrc:{rtx} cname:bench"]


def read(text: str) -> Remote:
    """`ValueError` when something that a client cannot do without is missing."""
    session: dict[str, str] = {}
    address: tuple[str, int] | None = None
    lines: list[RemoteLine] = []
    for raw in text.splitlines():
        key, _, value = raw.partition(":")
        if raw.startswith("m="):
            kind, port = raw[2:].split()[:2]
            lines.append(RemoteLine(kind, int(port)))
        elif key == "a=candidate" and address is None:
            fields = value.split()
            if fields[2].lower() == "udp" and ":" not in fields[4]:
                address = (fields[4], int(fields[5]))
        else:
            session.setdefault(key, value)
            if lines:
                _read_line(lines[-1], key, value)
    try:
        algorithm, _, digest = session["a=fingerprint"].partition(" ")
        return Remote(
            session["a=ice-ufrag"],
            session["a=ice-pwd"],
            f"{algorithm.lower()} {digest.strip().upper()}",
            address,
            tuple(lines),
        )
    except KeyError as missing:
        raise ValueError(f"the description has no {missing}:\n{text}") from None


def _read_line(line: RemoteLine, key: str, value: str) -> None:
    if key == "a=mid":
        line.mid = value
    elif key == "a=rtpmap":
        number, _, name = value.partition(" ")
        line.payload_types.setdefault(name.partition("/")[0].lower(), int(number))
    elif key == "a=extmap":
        number, uri = value.split()[:2]
        line.extensions[uri] = int(number.partition("/")[0])
    elif key == "a=ssrc":
        ssrc = int(value.partition(" ")[0])
        if ssrc not in line.ssrcs:
            line.ssrcs.append(ssrc)
    elif key == "a=ssrc-group" and value.startswith("FID "):
        first, second = value.split()[1:3]
        line.rtx[int(first)] = int(second)
