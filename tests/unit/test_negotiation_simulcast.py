"""Simulcast by RID (RFC 8851, RFC 8853): what the client sends is mirrored, in its order."""

import pytest

from sfu.errors import SdpError
from sfu.protocol.sdp import RidRestrictions, SimulcastRid
from tests.unit.negotiation_help import VIDEO, answer, load, media_of, offer_of

RID_EXTENSION = "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\n"


def rids(*ids: str) -> str:
    return "".join(f"a=rid:{each} send\n" for each in ids)


def layers(text: str) -> tuple[str, ...]:
    track = answer(offer_of(VIDEO + RID_EXTENSION + text)).lines[0].track
    assert track is not None
    return track.rids


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_browsers_layers_are_mirrored(browser: str) -> None:
    result = answer(load(f"{browser}-publish-simulcast-1"))
    video = media_of(result)[1]
    assert video.rids == tuple(RidRestrictions(each, sends=False) for each in "qhf")
    assert video.simulcast is not None
    assert video.simulcast.receive == tuple((SimulcastRid(each),) for each in "qhf")
    assert video.simulcast.send == ()
    track = result.lines[1].track
    assert track is not None
    assert track.rids == ("q", "h", "f")


def test_the_offer_s_order_is_kept() -> None:
    assert layers(rids("f", "q", "h") + "a=simulcast:send f;h;q\n") == ("f", "h", "q")


def test_at_most_four_layers() -> None:
    assert layers(rids(*"abcdef") + "a=simulcast:send a;b;c;d;e;f\n") == ("a", "b", "c", "d")


def test_paused_layers_are_layers() -> None:
    assert layers(rids("a", "b") + "a=simulcast:send a;~b\n") == ("a", "b")


def test_the_first_alternative_that_can_be_received_is_taken() -> None:
    text = "a=rid:a send pt=99\na=rid:b send pt=96\na=rid:c send\na=simulcast:send a,b;c\n"
    assert layers(text) == ("b", "c")


def test_streams_without_a_rid_line_are_left_out() -> None:
    assert layers(rids("a") + "a=simulcast:send a;ghost\n") == ("a",)


def test_rid_without_simulcast_is_one_layer() -> None:
    result = answer(offer_of(VIDEO + RID_EXTENSION + rids("only")))
    media = media_of(result)[0]
    assert media.simulcast is None
    assert [each.id for each in media.rids] == ["only"]


def test_restrictions_are_repeated_payload_types_reduced() -> None:
    text = "a=rid:a send pt=99,96;max-width=320;max-fps=15\na=simulcast:send a\n"
    media = media_of(answer(offer_of(VIDEO + RID_EXTENSION + text)))[0]
    assert media.rids == (RidRestrictions("a", False, (96,), ("max-width=320", "max-fps=15")),)


def test_without_the_rid_extension_there_is_no_simulcast() -> None:
    result = answer(offer_of(VIDEO + rids("a", "b") + "a=simulcast:send a;b\n"))
    assert result.lines[0].track is not None
    assert result.lines[0].track.rids == ()
    assert media_of(result)[0].simulcast is None


def test_receive_rids_of_the_client_are_no_layers() -> None:
    assert layers("a=rid:a recv\na=rid:b send\na=simulcast:send b recv a\n") == ("b",)


def test_a_rid_said_twice_is_refused() -> None:
    with pytest.raises(SdpError, match="rid a is there twice"):
        layers(rids("a", "a") + "a=simulcast:send a\n")


def test_a_slot_has_no_layers() -> None:
    media = media_of(answer(offer_of(VIDEO + RID_EXTENSION + rids("a", "b") + "a=simulcast:send a;b\na=recvonly\n")))[0]
    assert media.rids == ()
    assert media.simulcast is None


def test_signalled_ssrcs_and_those_that_repair_them() -> None:
    track = answer(load("firefox-publish-simulcast-1")).lines[1].track
    assert track is not None
    assert len(track.ssrcs) == 3
    assert set(track.rtx_ssrcs) == set(track.ssrcs)
    assert not set(track.rtx_ssrcs.values()) & set(track.ssrcs)


def test_too_many_ssrcs_are_refused() -> None:
    with pytest.raises(SdpError, match="more than 16"):
        layers("".join(f"a=ssrc:{each} cname:x\n" for each in range(1, 18)))
