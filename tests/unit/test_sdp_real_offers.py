"""Offers of Chromium 156 and Firefox ESR 153 are read whole, and written again without loss."""

import pytest

from sfu.protocol.sdp import Direction, RtpMap, parse, serialize
from tests.unit.negotiation_help import load, offer_names


@pytest.mark.parametrize("name", offer_names())
def test_reading_after_writing_gives_the_same(name: str) -> None:
    description = parse(load(name))
    assert parse(serialize(description)) == description


@pytest.mark.parametrize("name", offer_names())
def test_line_ends_may_be_lf(name: str) -> None:
    text = load(name)
    assert "\r\n" in text
    assert parse(text.replace("\r\n", "\n")) == parse(text)


@pytest.mark.parametrize("name", offer_names())
def test_every_line_that_the_model_knows_is_kept(name: str) -> None:
    """Independent of the parser: counts `a=` lines in the text and values in the model."""
    text = load(name)
    description = parse(text)

    def lines(prefix: str) -> int:
        return sum(line.startswith(prefix) for line in text.split("\r\n"))

    media = description.media
    assert len(media) == lines("m=")
    assert sum(len(each.rtp_maps) for each in media) == lines("a=rtpmap:")
    assert sum(len(each.feedback) for each in media) == lines("a=rtcp-fb:")
    assert sum(len(each.extensions) for each in media) == lines("a=extmap:")
    assert sum(len(each.rids) for each in media) == lines("a=rid:")
    assert sum(each.simulcast is not None for each in media) == lines("a=simulcast:")
    assert sum(len(each.candidates) for each in media) == lines("a=candidate:")
    assert sum(len(each.ssrc_groups) for each in media) == lines("a=ssrc-group:")
    assert sum(each.mid is not None for each in media) == lines("a=mid:")
    fingerprints = len(description.transport.fingerprints) + sum(len(each.transport.fingerprints) for each in media)
    assert fingerprints == lines("a=fingerprint:")


def test_chromium_publishing_simulcast() -> None:
    audio, video = parse(load("chromium-publish-simulcast-1")).media
    assert (audio.kind, audio.mid, audio.direction) == ("audio", "0", Direction.SENDONLY)
    assert audio.rtp_maps[111] == RtpMap(111, "opus", 48_000, 2)
    assert audio.format_parameters[111] == "minptime=10;useinbandfec=1"
    assert [rid.id for rid in video.rids] == ["q", "h", "f"]
    assert video.simulcast is not None
    assert [[each.id for each in stream] for stream in video.simulcast.send] == [["q"], ["h"], ["f"]]
    assert video.rtcp_mux
    assert video.rtcp_rsize
    assert video.transport.setup == "actpass"


def test_firefox_says_the_fingerprint_once_and_bundle_only() -> None:
    description = parse(load("firefox-publish-simulcast-1"))
    assert description.transport.fingerprints[0].algorithm == "sha-256"
    audio, video = description.media
    assert not audio.transport.fingerprints
    assert (video.port, video.bundle_only) == (0, True)
    assert [group.semantics for group in video.ssrc_groups] == ["FID", "FID", "FID"]
    assert {each.uri: each.direction for each in video.extensions}[
        "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
    ] is Direction.SENDONLY


def test_candidates_of_both_transports_are_read() -> None:
    candidates = parse(load("chromium-whip-gathered")).media[0].candidates
    assert {each.transport for each in candidates} == {"udp", "tcp"}
    assert {each.type for each in candidates} == {"host"}
    assert {(each.transport, each.tcptype) for each in candidates} == {("udp", None), ("tcp", "active")}
