"""What the benchmark's clients offer must be what the server reads, and the other way round."""

import pytest

from benchmarks import sdp
from benchmarks.patterns import PATTERNS, audio, chromium, simulcast
from sfu.protocol.sdp import parse

CREDENTIALS = sdp.Credentials("abcdefgh", "p" * 24, ":".join(["AB"] * 32))


def test_a_person_with_simulcast_is_read_as_meant() -> None:
    lines = [
        sdp.Line("audio", "sendonly", "0", 1000),
        sdp.Line("video", "sendonly", "1", rids=("l", "m", "h")),
        sdp.Line("audio", "recvonly", "2"),
        sdp.Line("video", "recvonly", "3"),
    ]
    read = parse(sdp.describe(lines, CREDENTIALS))
    assert [(m.kind, m.mid, m.direction.value) for m in read.media if m.direction] == [
        (line.kind, line.mid, line.direction) for line in lines
    ]
    assert [rid.id for rid in read.media[1].rids] == ["l", "m", "h"]
    assert [ssrc for media in read.media for ssrc in media.ssrcs] == [1000]


def test_our_own_offers_are_read_back() -> None:
    text = sdp.describe([sdp.Line("video", "sendonly", "0", 2000)], CREDENTIALS)
    remote = sdp.read(text + "a=candidate:1 1 UDP 2130706431 192.0.2.7 4000 typ host\r\n")
    assert remote.address == ("192.0.2.7", 4000)
    assert remote.streams() == [(2000, 2001, 90_000)]
    assert remote.payload_type("h264", "vp8") == 96
    assert remote.extension(sdp.TRANSPORT_CC) == 3


def test_an_answer_takes_over_the_offers_numbers() -> None:
    offer = sdp.describe([sdp.Line("video", "sendonly", "v", 2000)], CREDENTIALS).replace("96", "120")
    answer = sdp.read(
        sdp.describe([sdp.Line("video", "recvonly", "v")], CREDENTIALS, like=sdp.read(offer)),
    )
    assert answer.payload_type("vp8") == 120


def test_what_cannot_be_done_without_is_named() -> None:
    with pytest.raises(ValueError, match="ice-pwd"):
        sdp.read("v=0\r\na=ice-ufrag:x\r\na=fingerprint:sha-256 AB\r\n")


def test_patterns_send_what_they_say() -> None:
    for name in ("even", "burst"):
        assert PATTERNS[name](300, 1200, 10).packets_per_second == pytest.approx(300)
    assert audio().packets_per_second == pytest.approx(50)
    (stream,) = chromium().streams
    assert sum(stream.packets) / len(stream.packets) == pytest.approx(3.1)
    assert simulcast().kinds == ("video",)
