"""Whatever the text, the parser raises `SdpError` that names the line, or gives a description: nothing else, and soon."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.errors import SdpError
from sfu.protocol.sdp import SdpLimits, parse, parse_fragment
from tests.unit.negotiation_help import AUDIO, SESSION, VIDEO, load, offer_names

GOOD = SESSION + AUDIO + "a=mid:0\n"
"""Eight lines of the session, then the m-line as line 9."""
AFTER = GOOD.count("\n") + 1
"""Line number of what is appended to `GOOD`."""

HOSTILE_LINES = [
    ("a=mid:", "mid"),
    ("m=audio 9 x 1\na=mid:" + "x" * 17, "17 characters"),
    ("m=audio 9 x 1\na=mid:has space", "not allowed"),
    ("a=mid:1", "second, different"),
    ("a=rtpmap:96", "incomplete"),
    ("a=rtpmap:128 VP8/90000", "128"),
    ("a=rtpmap:-1 VP8/90000", "not a number"),
    ("a=rtpmap:٣ VP8/90000", "not a number"),
    ("a=rtpmap:96 VP8", "rtpmap"),
    ("a=rtpmap:96 VP8/0", "clock rate"),
    ("a=rtpmap:96 VP8/" + "9" * 5_00, "clock rate"),
    ("a=rtpmap:96 opus/48000/2/2", "rtpmap"),
    ("a=rtpmap:111 VP8/90000", "second, different rtpmap"),
    ("a=fmtp: x=y", "format"),
    ("a=rtcp-fb:200 nack", "200"),
    ("a=rtcp-fb:96", "incomplete"),
    ("a=extmap:0 urn:x", "extmap"),
    ("a=extmap:5000 urn:x", "5000"),
    ("a=extmap:1/sideways urn:x", "unknown direction"),
    ("a=extmap:1/ urn:x", "unknown direction"),
    ("a=extmap:1", "incomplete"),
    ("a=rid:q", "incomplete"),
    ("a=rid:q both", "neither send nor recv"),
    ("a=rid:" + "q" * 300 + " send", "characters"),
    ("a=rid:q send pt=999", "999"),
    ("a=rid:q send pt=", "not a number"),
    ("a=rid:q=1 send", "not allowed"),
    ("a=simulcast:send", "incomplete"),
    ("a=simulcast:send a;b send c", "said twice"),
    ("a=simulcast:send a;;b", "characters"),
    ("a=simulcast:send ~", "characters"),
    ("a=simulcast:send a;a", "twice"),
    ("a=simulcast:send " + ";".join(f"r{n}" for n in range(40)), "more than 32"),
    ("a=ssrc:1", "no attribute"),
    ("a=ssrc:4294967296 cname:x", "4294967296"),
    ("a=ssrc-group:FID", "incomplete"),
    ("a=ssrc-group:FID 1 1", "twice"),
    ("a=ssrc-group:FID 1 x", "not a number"),
    ("a=msid:", "msid"),
    ("a=fingerprint:sha-256", "incomplete"),
    ("a=fingerprint:sha-256 AB:CD", "32 bytes"),
    ("a=fingerprint:sha-256 " + ":".join(["GG"] * 32), "hexadecimal"),
    ("a=fingerprint:new-hash " + ":".join(["AB"] * 2_000), "characters"),
    ("a=setup:maybe", "setup"),
    ("a=ice-ufrag:abc", "3 characters"),
    ("a=ice-ufrag:" + "a" * 257, "257 characters"),
    ("a=ice-ufrag:ab:cd", "not allowed"),
    ("a=ice-pwd:short", "5 characters"),
    ("a=candidate:1 1 udp 1 127.0.0.1", "incomplete"),
    ("a=candidate:1 1 udp 1 127.0.0.1 3478 host host", "typ"),
    ("a=candidate:1 1 udp 1 127.0.0.1 65536 typ host", "65536"),
    ("a=candidate:1 1 udp 99999999999 127.0.0.1 1 typ host", "priority"),
    ("a=candidate:1 0 udp 1 127.0.0.1 1 typ host", "component"),
    ("a=candidate:1 1 udp 1 127.0.0.1;rm 1 typ host", "address"),
    ("a=sctp-port:0", "SCTP port"),
    ("a=max-message-size:-1", "max-message-size"),
    ("a=sendonly\na=recvonly", "direction"),
    ("c=IN", "connection"),
    ("x=1", "unexpected line type"),
    ("v=0", "unexpected line type"),
    ("a", "x=value"),
    ("", "x=value"),
    ("a=x\0y", "NUL"),
    ("a=x\ry", "NUL or CR"),
    ("m=video", "incomplete"),
    ("m=video 9 UDP/TLS/RTP/SAVPF", "incomplete"),
    ("m=video 65536 UDP/TLS/RTP/SAVPF 96", "65536"),
    ("m=video 9/2 UDP/TLS/RTP/SAVPF 96", "several ports"),
    ("m=video 9 UDP/TLS/RTP/SAVPF 96 96", "twice"),
    ("m=video 9 UDP/TLS/RTP/SAVPF 96 300", "300"),
    ("m=video 9 UDP/TLS/RTP/SAVPF 96 x", "not a number"),
    ("m=vi\x01deo 9 x y", "not allowed"),
    ("a=" + "x" * 5_000, "characters"),
]


@pytest.mark.parametrize(("line", "complaint"), HOSTILE_LINES, ids=[line[:24] for line, _ in HOSTILE_LINES])
def test_a_bad_line_is_named(line: str, complaint: str) -> None:
    with pytest.raises(SdpError) as caught:
        parse(GOOD + line + "\na=after:1\n")
    assert caught.value.line == AFTER + line.count("\n")
    assert complaint in caught.value.message
    assert len(caught.value.message) < 200
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("\n", 1),
        ("\n\n\n", 1),
        ('{"type": "offer"}', 1),
        ("\ufeffv=0\n", 1),
        ("v=1\no=- 1 1 IN IP4 1\ns=-\nt=0 0\n", 1),
        ("v=0\n", 2),
        ("v=0\ns=-\n", 2),
        ("v=0\no=-\ns=-\nt=0 0\n", 2),
        ("v=0\no=- x 1 IN IP4 1\ns=-\nt=0 0\n", 2),
        (f"v=0\no=- {2**64} 1 IN IP4 1\ns=-\nt=0 0\n", 2),
        ("v=0\no=- 1 1 IN IP4 1\ns=-\n", 3),
        ("v=0\no=- 1 1 IN IP4 1\ns=-\nt=0 0\no=- 1 1 IN IP4 1\n", 5),
    ],
)
def test_a_bad_opening_is_named(text: str, line: int) -> None:
    with pytest.raises(SdpError) as caught:
        parse(text)
    assert caught.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        GOOD + "a=x\n" * 2_000,
        GOOD + "a=candidate:1 1 udp 1 127.0.0.1 1 typ host\n" * 1_100,
        GOOD + (AUDIO * 300),
        GOOD + "a=x\n" * 20_000,
        "v" * 200_000,
        "\udc80" * 50_000,
        "\n" * 100_000 + "x",
    ],
)
def test_size_is_bounded(text: str) -> None:
    with pytest.raises(SdpError):
        parse(text)


@pytest.mark.parametrize(
    "line",
    [
        "a=fmtp:96 " + ";" * 4_000,
        "a=fmtp:96 " + "a=" * 2_000,
        "a=simulcast:send " + "," * 4_000,
        "a=rid:q send " + ";" * 4_000,
        "a=group:BUNDLE " + "0 " * 2_000,
        "a=extmap:1 " + " " * 4_000,
        "a=ice-options:" + "x " * 2_000,
        "a=fingerprint:sha-256 " + ":" * 4_000,
    ],
)
def test_time_is_linear(line: str) -> None:
    """A description full of the worst lines takes milliseconds; anything quadratic takes seconds."""
    count = SdpLimits().max_bytes // len(line) - 1
    started = time.process_time()
    with contextlib.suppress(SdpError):
        parse(GOOD + f"{line}\n" * count)
    assert time.process_time() - started < 1.0


@settings(max_examples=300)
@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    for attempt in (text, SESSION + text, GOOD + text, GOOD + "a=" + text):
        _parse_or_refuse(attempt)


NAMES = [
    *("mid", "group", "rtpmap", "fmtp", "rtcp-fb", "extmap", "rid", "simulcast", "ssrc", "ssrc-group", "msid", "setup"),
    *(
        "fingerprint",
        "ice-ufrag",
        "ice-pwd",
        "ice-options",
        "candidate",
        "sctp-port",
        "max-message-size",
        "msid-semantic",
    ),
]
WORDS = [
    *("96", "111", "opus/48000/2", "rtx/90000", "apt=96", "send", "recv", "q;h;f", "~q", "nack", "pli", "*", "FID"),
    *("1/sendonly", "urn:x", "sha-256", "AB:CD", "typ", "host", "udp", "127.0.0.1", "4294967296", "-1", "", " ", "\t"),
    *("\x0b", "=", ";", ","),
]


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.lists(st.sampled_from(WORDS), max_size=8)), max_size=8))
def test_known_attributes_with_odd_values(attributes: list[tuple[str, list[str]]]) -> None:
    lines = "".join(f"a={name}:{' '.join(words)}\n" for name, words in attributes)
    for attempt in (GOOD + lines, SESSION + lines + VIDEO):
        _parse_or_refuse(attempt)
    _parse_or_refuse(lines, fragment=True)


@settings(max_examples=200)
@given(st.data())
def test_mutated_real_offers(data: st.DataObject) -> None:
    text = mutate(data, load(data.draw(st.sampled_from(offer_names()))))
    _parse_or_refuse(text)
    _parse_or_refuse(text, fragment=True)


def mutate(data: st.DataObject, text: str) -> str:
    """Cut out, double, swap or replace pieces of an offer."""
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 60)))
        piece = data.draw(
            st.one_of(st.just(""), st.just(text[start:end] * 2), st.text(max_size=10), st.just(text[: end - start]))
        )
        text = text[:start] + piece + text[end:]
    return text


def _parse_or_refuse(text: str, *, fragment: bool = False) -> None:
    error = _refusal(text, fragment=fragment)
    if error is not None:
        assert error.code == "bad_sdp"
        assert 0 <= error.line <= text.count("\n") + 1
        assert error.message.isprintable()


def _refusal(text: str, *, fragment: bool) -> SdpError | None:
    try:
        _ = parse_fragment(text) if fragment else parse(text)
    except SdpError as error:
        return error
    return None
