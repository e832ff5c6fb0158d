"""Which codecs and feedback an answer accepts."""

import pytest

from sfu.dataplane.types import Format
from sfu.errors import SdpError
from sfu.negotiation.capabilities import Capabilities, h264_profile
from tests.unit.negotiation_help import answer, load, media_of, offer_of

RTP = "UDP/TLS/RTP/SAVPF"


def video(rtp_map: str, parameters: str = "") -> str:
    fmtp = f"a=fmtp:96 {parameters}\n" if parameters else ""
    return offer_of(f"m=video 9 {RTP} 96\na=rtcp-mux\na=rtpmap:96 {rtp_map}\n{fmtp}")


@pytest.mark.parametrize(
    ("rtp_map", "parameters", "expected"),
    [
        ("VP8/90000", "", Format.VP8),
        ("vp8/90000", "max-fs=12288;max-fr=60", Format.VP8),
        ("VP9/90000", "", Format.VP9_PROFILE_0),
        ("VP9/90000", "profile-id=0", Format.VP9_PROFILE_0),
        ("VP9/90000", "Profile-Id=2", Format.VP9_PROFILE_2),
        ("VP9/90000", "profile-id=1", None),
        ("AV1/90000", "level-idx=5;profile=0;tier=0", Format.AV1),
        ("AV1/90000", "profile=1", None),
        ("H264/90000", "profile-level-id=42e01f;packetization-mode=1", Format.H264_CONSTRAINED_BASELINE),
        ("H264/90000", "profile-level-id=42C02A; packetization-mode=1", Format.H264_CONSTRAINED_BASELINE),
        ("H264/90000", "profile-level-id=42e01f", Format.H264_CONSTRAINED_BASELINE_SINGLE_NAL),
        ("H264/90000", "profile-level-id=42001f;packetization-mode=1", Format.H264_BASELINE),
        ("H264/90000", "profile-level-id=4d001f;packetization-mode=1", Format.H264_MAIN),
        ("H264/90000", "profile-level-id=4d801f;packetization-mode=1", Format.H264_CONSTRAINED_BASELINE),
        ("H264/90000", "packetization-mode=1", Format.H264_BASELINE),
        ("H264/90000", "profile-level-id=640c1f;packetization-mode=1", None),
        ("H264/90000", "profile-level-id=42e01f;packetization-mode=2", None),
        ("H264/90000", "profile-level-id=zzzzzz;packetization-mode=1", None),
        ("H264/90000", "profile-level-id=4 2 e0;packetization-mode=1", None),
        ("VP8/48000", "", None),
        ("H265/90000", "", None),
        ("red/90000", "", None),
        ("opus/48000/2", "", None),
    ],
)
def test_video_formats(rtp_map: str, parameters: str, expected: Format | None) -> None:
    offer = video(rtp_map, parameters)
    if expected is None:
        with pytest.raises(SdpError):
            answer(offer)
    else:
        assert answer(offer).receive.payload_types == {96: expected}


@pytest.mark.parametrize(
    ("profile_level_id", "profile"),
    [
        ("42001e", "baseline"),
        ("42401e", "constrained-baseline"),
        ("42e034", "constrained-baseline"),
        ("4d0028", "main"),
        ("4d4028", "main"),
        ("4d8028", "constrained-baseline"),
        ("58c01e", "constrained-baseline"),
        ("58801e", "baseline"),
        ("58001e", ""),
        ("64001f", ""),
        ("42e11f", ""),
        ("", ""),
        ("42e01", ""),
        ("42e01f00", ""),
        ("٤٢e01f", ""),
    ],
)
def test_h264_profiles_by_their_flags(profile_level_id: str, profile: str) -> None:
    """RFC 6184, section 8.1, table 5."""
    assert h264_profile(profile_level_id) == profile


def test_chromium_gets_all_formats_and_keeps_its_order() -> None:
    offer = load("chromium-conference-grows-1")
    result = answer(offer)
    video_answer = media_of(result)[1]
    offered = next(line for line in offer.split("\r\n") if line.startswith("m=video")).split()[3:]
    assert list(video_answer.formats) == [each for each in offered if each in video_answer.formats]
    assert len(video_answer.formats) > 10
    names = {each.encoding for each in video_answer.rtp_maps.values()}
    assert names == {"VP8", "VP9", "H264", "AV1", "rtx"}
    assert set(result.receive.payload_types.values()) == set(Format)
    assert [each.encoding for each in media_of(result)[0].rtp_maps.values()] == ["opus"]


@pytest.mark.parametrize(("codec", "expected"), [("vp8", "VP8"), ("vp9", "VP9"), ("h264", "H264"), ("av1", "AV1")])
def test_the_client_s_preference_is_kept(codec: str, expected: str) -> None:
    video_answer = media_of(answer(load(f"chromium-prefer-{codec}-1")))[1]
    assert video_answer.rtp_maps[int(video_answer.formats[0])].encoding == expected


def test_rtx_follows_its_codec() -> None:
    for media in media_of(answer(load("chromium-conference"))):
        for payload_type, rtp_map in media.rtp_maps.items():
            if rtp_map.encoding == "rtx":
                apt = int(media.format_parameters[payload_type].removeprefix("apt="))
                assert media.rtp_maps[apt].encoding != "rtx"


def test_rtx_of_nothing_is_left_out() -> None:
    line = (
        f"m=video 9 {RTP} 96 97 98 99\na=rtcp-mux\na=rtpmap:96 VP8/90000\na=rtpmap:97 rtx/90000\na=rtpmap:98 rtx/90000\n"
        "a=rtpmap:99 rtx/8000\na=fmtp:97 apt=33\na=fmtp:98 apt=-\na=fmtp:99 apt=96\n"
    )
    result = answer(offer_of(line))
    assert result.receive.rtx == {}
    assert media_of(result)[0].formats == ("96",)


def test_capabilities_restrict() -> None:
    only_vp8 = Capabilities(formats=frozenset({Format.VP8, Format.OPUS}), extensions=frozenset())
    result = answer(load("chromium-conference"), capabilities=only_vp8)
    assert set(result.receive.payload_types.values()) == {Format.VP8, Format.OPUS}
    assert all(not media.extensions for media in media_of(result))


def test_opus_parameters_are_safe_for_all() -> None:
    assert media_of(answer(load("firefox-sendrecv-1")))[0].format_parameters[109] == "minptime=10;useinbandfec=1"


def test_stereo_is_asked_of_a_publisher_who_has_it() -> None:
    line = f"m=audio 9 {RTP} 111\na=rtcp-mux\na=rtpmap:111 opus/48000/2\na=fmtp:111 stereo=1;sprop-stereo=1\n"
    published, slot = media_of(answer(offer_of(line + "a=sendonly\n", line + "a=recvonly\n")))
    assert published.format_parameters[111] == "minptime=10;useinbandfec=1;stereo=1"
    assert slot.format_parameters[111] == "minptime=10;useinbandfec=1"


def feedback(*lines: str, transport_cc: bool = True) -> set[str]:
    extension = "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\n"
    text = "".join(f"a=rtcp-fb:{line}\n" for line in lines) + (extension if transport_cc else "")
    media = media_of(answer(offer_of(f"m=video 9 {RTP} 96\na=rtcp-mux\na=rtpmap:96 VP8/90000\n{text}")))[0]
    assert all(each.payload_type == 96 for each in media.feedback)
    return {each.name for each in media.feedback}


def test_feedback_is_mirrored_as_far_as_it_is_known() -> None:
    offered = ("96 nack", "96 nack pli", "96 ccm fir", "96 transport-cc", "96 goog-remb", "96 nack sli", "96 rrtr")
    assert feedback(*offered) == {"nack", "nack pli", "ccm fir", "transport-cc"}
    assert feedback("* nack", "* ccm fir") == {"nack", "ccm fir"}
    assert feedback("97 nack") == set()


def test_remb_only_in_place_of_transport_cc() -> None:
    assert feedback("96 goog-remb") == {"goog-remb"}
    assert feedback("96 goog-remb", "96 transport-cc", transport_cc=False) == {"goog-remb"}


def test_track_says_what_feedback_it_takes() -> None:
    audio, video_line = answer(load("chromium-publish-simulcast-1")).lines
    assert audio.track is not None
    assert video_line.track is not None
    assert (audio.track.nack, audio.track.transport_cc) == (False, True)
    assert (video_line.track.nack, video_line.track.transport_cc) == (True, True)
