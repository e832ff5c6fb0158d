"""Values of the attributes that describe the transport: ICE (RFC 8839), DTLS (RFC 8122), SCTP (RFC 8841).

Each function takes the text after the attribute's colon, gives a value, or raises `Malformed`.
"""

from collections.abc import Sequence

from .sdp_model import CandidateLine, Fingerprint
from .sdp_text import ADDRESS_CHARS, HEX_DIGITS, ICE_CHARS, MAX_UINT32, Malformed, chars, number, shown, token, words

DIGEST_BYTES = {"sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64, "md5": 16, "md2": 16}
"""Length of the hash functions of RFC 8122, section 5; the length of another one is not checked."""

SETUP_ROLES = frozenset({"active", "passive", "actpass", "holdconn"})
"""RFC 4145, section 4"""

CANDIDATE_WORDS = 8
"""foundation, component, transport, priority, address, port, `typ`, type"""


def ice_ufrag(value: str) -> str:
    return chars(value, "the ICE ufrag", ICE_CHARS, shortest=4, longest=256)


def ice_pwd(value: str) -> str:
    return chars(value, "the ICE password", ICE_CHARS, shortest=22, longest=256)


def ice_options(value: str) -> tuple[str, ...]:
    """Separated by blanks (RFC 8839, section 5.6); libdatachannel, and so OBS, writes `ice2,trickle`."""
    return tuple(token(word, "an ICE option") for word in words(value.replace(",", " "), "ice-options", least=1))


def fingerprint(value: str) -> Fingerprint:
    parts = words(value, "the fingerprint", least=2)
    algorithm = token(parts[0], "the hash function of the fingerprint", longest=32).lower()
    digest = parts[1].upper()
    pairs = digest.split(":")
    if len(parts) > 2 or len(pairs) > 64 or any(len(pair) != 2 or not HEX_DIGITS.issuperset(pair) for pair in pairs):
        raise Malformed(f"the fingerprint is not pairs of hexadecimal digits joined by colons: {shown(value)}")
    if DIGEST_BYTES.get(algorithm, len(pairs)) != len(pairs):
        raise Malformed(f"a {algorithm} fingerprint has {DIGEST_BYTES[algorithm]} bytes, not {len(pairs)}")
    return Fingerprint(algorithm, digest)


def setup(value: str) -> str:
    role = value.strip().lower()
    if role not in SETUP_ROLES:
        raise Malformed(f"unknown setup role {shown(value)}")
    return role


def candidate(value: str) -> CandidateLine:
    parts = words(value, "the candidate", least=CANDIDATE_WORDS)
    if parts[6] != "typ":
        raise Malformed(f"the candidate has {shown(parts[6])} where `typ` should be")
    return CandidateLine(
        foundation=chars(parts[0], "the candidate's foundation", ICE_CHARS, longest=32),
        component=number(parts[1], "the candidate's component", 256, minimum=1),
        transport=token(parts[2], "the candidate's transport", longest=16).lower(),
        priority=number(parts[3], "the candidate's priority", MAX_UINT32),
        address=chars(parts[4], "the candidate's address", ADDRESS_CHARS, longest=255),
        port=number(parts[5], "the candidate's port", 65_535),
        type=token(parts[7], "the candidate's type", longest=16),
        tcptype=_tcptype(parts[CANDIDATE_WORDS:]),
    )


def _tcptype(extensions: Sequence[str]) -> str | None:
    """Extension attributes are pairs of a name and a value."""
    named = dict(zip(extensions[::2], extensions[1::2], strict=False))
    return token(named["tcptype"], "the candidate's tcptype", longest=16) if "tcptype" in named else None


def sctp_port(value: str) -> int:
    return number(value.strip(), "the SCTP port", 65_535, minimum=1)


def max_message_size(value: str) -> int:
    return number(value.strip(), "max-message-size", (1 << 64) - 1)
