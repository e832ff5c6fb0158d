"""Fragments for trickle and ICE restart (RFC 8840), as WHIP's PATCH carries them (RFC 9725, section 4.3)."""

import pytest

from sfu.errors import SdpError
from sfu.ids import Mid, Ufrag
from sfu.protocol.sdp import IceFragment, parse_fragment, write_fragment
from tests.unit.negotiation_help import LOCAL

TRICKLED = """a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1
a=candidate:3471623853 1 udp 2122194687 4b6c9e3a-2f0e-4f1c-9a1e-2c7c0a7f1b11.local 61765 typ host
a=end-of-candidates
"""


def test_candidates_and_credentials_are_read() -> None:
    fragment = parse_fragment(TRICKLED.replace("\n", "\r\n"))
    assert fragment.ufrag == "EsAw"
    assert fragment.password == "P2uYro0UCOQ4zxjKXaWCBui1"
    assert fragment.mid == "0"
    assert fragment.end
    assert len(fragment.candidates) == 2


def test_candidates_alone_are_read() -> None:
    fragment = parse_fragment("m=audio 9 RTP/AVP 0\na=mid:0\na=candidate:1 1 udp 1 192.0.2.1 1 typ host\n")
    assert (fragment.ufrag, fragment.password, fragment.end) == (None, None, False)
    assert len(fragment.candidates) == 1


def test_what_is_written_is_read_again() -> None:
    written = write_fragment(IceFragment(Ufrag("abcd"), "p" * 24, LOCAL.candidates, end=True, mid=Mid("a1")))
    assert written.startswith("a=ice-lite\r\n")
    fragment = parse_fragment(written)
    assert (fragment.ufrag, fragment.password, fragment.mid, fragment.end) == ("abcd", "p" * 24, "a1", True)
    assert [(each.address, each.port) for each in fragment.candidates if not isinstance(each.address, tuple)] == [
        ("127.0.0.1", 3478),
        ("::1", 3478),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("hello", 1),
        ("a=ice-ufrag:abcd\n", 1),
        ("a=ice-options:trickle\na=ice-pwd:" + "p" * 24, 2),
        ("a=ice-ufrag:abcd\na=ice-pwd:" + "p" * 21, 2),
        ("m=audio 9 RTP/AVP 0\na=candidate:nonsense\n", 2),
        (TRICKLED + TRICKLED.replace("EsAw", "Other").removeprefix("a=group:BUNDLE 0 1\n"), 9),
        ("a=x\n" * 300, 257),
    ],
)
def test_hostile_fragments_are_refused(text: str, line: int) -> None:
    with pytest.raises(SdpError) as caught:
        parse_fragment(text)
    assert caught.value.line == line


def test_size_is_bounded() -> None:
    with pytest.raises(SdpError):
        parse_fragment("a=" + "x" * 20_000)
