"""What must hold between the m-lines of an offer: one bundle, one transport, one meaning for every number."""

import pytest

from sfu.dataplane.types import Extension, Format
from sfu.errors import SdpError
from sfu.negotiation import Role
from sfu.protocol.sdp import Direction
from tests.unit.negotiation_help import (
    AUDIO,
    SESSION,
    VIDEO,
    answer,
    described,
    load,
    media_of,
    offer_of,
)

DATA = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=sctp-port:5000\na=max-message-size:262144\n"
LEVEL = "a=extmap:{} urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"


def refused(offer: str) -> SdpError:
    with pytest.raises(SdpError) as caught:
        answer(offer)
    assert caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("offer", "complaint"),
    [
        (offer_of(AUDIO, VIDEO).replace("BUNDLE 0 1", "BUNDLE 0"), "not in the BUNDLE group"),
        (offer_of(AUDIO, VIDEO).replace("BUNDLE 0 1", "BUNDLE 0 1 2"), "no m-line's mid"),
        (offer_of(AUDIO, VIDEO).replace("BUNDLE 0 1", "BUNDLE 0 1 1"), "a mid twice"),
        (offer_of(AUDIO, VIDEO).replace("a=mid:1", "a=mid:0"), "there twice"),
        (offer_of(AUDIO, VIDEO).replace("BUNDLE 0 1", "BUNDLE 0\na=group:BUNDLE 1"), "second BUNDLE group"),
        (offer_of(AUDIO).replace("a=mid:0\n", "").replace("a=group:BUNDLE 0\n", ""), "no mid"),
        (offer_of(AUDIO).replace("a=rtcp-mux\n", ""), "rtcp-mux"),
        (offer_of(AUDIO.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")), "DTLS-SRTP"),
        (offer_of(AUDIO, session=SESSION.replace("actpass", "passive")), "setup:passive"),
        (offer_of(AUDIO, session=SESSION.replace("actpass", "holdconn")), "setup:holdconn"),
        (offer_of(AUDIO, session=SESSION.replace("a=ice-ufrag:clientUfrag\n", "")), "ice-ufrag"),
        (offer_of(AUDIO, session=SESSION.replace("a=fingerprint:sha-256", "a=x:")), "fingerprint"),
        (offer_of(AUDIO, session=SESSION.replace("sha-256", "sha-999")), "no fingerprint of sha-256"),
        (SESSION, "no m-line"),
        (offer_of("m=text 9 UDP/TLS/RTP/SAVPF 98\n"), "no m-line"),
        (offer_of(AUDIO.replace("opus", "iLBC")), "no codec"),
        (offer_of(AUDIO, VIDEO.replace("96", "111")), "payload type 111 has two meanings"),
        (offer_of(VIDEO, VIDEO.replace("97", "98").replace("96", "97")), "payload type 97 has two meanings"),
        (offer_of(AUDIO + LEVEL.format(4)), "id 4 is there twice"),
        (offer_of(AUDIO + LEVEL.format(5) + LEVEL.format(6)), "a second id"),
        (
            offer_of(AUDIO, VIDEO.replace("extmap:4", "extmap:5")),
            "header extension urn:ietf:params:rtp-hdrext:sdes:mid",
        ),
        (offer_of(AUDIO + LEVEL.format(5), VIDEO + "a=extmap:5 urn:3gpp:video-orientation\n"), "extension id 5"),
        (offer_of(AUDIO + "a=ssrc:5 cname:x\n", VIDEO + "a=ssrc:5 cname:x\n"), "SSRC 5"),
        (offer_of(VIDEO + "a=ssrc:5\n"), "no attribute"),
    ],
)
def test_contradictions_are_refused(offer: str, complaint: str) -> None:
    assert complaint in refused(offer).message


def test_the_line_is_named() -> None:
    offer = offer_of(AUDIO, VIDEO.replace("extmap:4", "extmap:5"))
    error = refused(offer)
    assert offer.split("\n")[error.line - 1] == "a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:mid"


def test_extensions_that_are_not_known_may_share_an_id() -> None:
    offer = offer_of(AUDIO + LEVEL.format(5), VIDEO + "a=extmap:5 urn:something:else\n")
    assert answer(offer).receive.extensions == {Extension.MID: 4, Extension.AUDIO_LEVEL: 5}


def test_ids_that_one_byte_headers_cannot_carry_are_left_out() -> None:
    assert answer(offer_of(AUDIO + LEVEL.format(15))).receive.extensions == {Extension.MID: 4}


def test_slots_do_not_take_part_in_the_table_of_what_is_received() -> None:
    result = answer(offer_of(AUDIO + "a=sendonly\n", VIDEO + "a=recvonly\n"))
    assert result.receive.payload_types == {111: Format.OPUS}


def test_one_m_line_needs_no_group() -> None:
    offer = offer_of(AUDIO).replace("a=group:BUNDLE 0\n", "")
    assert described(answer(offer)).groups == ()


def test_payload_types_of_one_m_line_alone_name_it() -> None:
    both = answer(offer_of(AUDIO, VIDEO, VIDEO)).lines
    assert [line.track and line.track.payload_types for line in both] == [frozenset({111}), frozenset(), frozenset()]
    single = answer(offer_of(AUDIO, VIDEO, VIDEO + "a=recvonly\n")).lines[1].track
    assert single is not None
    assert single.payload_types == {96, 97}


def test_transport_of_the_m_line_comes_before_the_session_s() -> None:
    own = "a=ice-ufrag:ownUfrag\na=ice-pwd:ownPasswordOfTwentyFour\na=setup:active\n"
    result = answer(offer_of(AUDIO + own))
    assert (result.remote_ufrag, result.remote_password) == ("ownUfrag", "ownPasswordOfTwentyFour")
    assert result.remote_setup == "active"
    assert result.remote_fingerprints == (("sha-256", ":".join(["CD"] * 32)),)


def test_weak_fingerprints_beside_strong_ones_are_left_out() -> None:
    weak = f"a=fingerprint:sha-1 {':'.join(['EF'] * 20)}\n"
    assert answer(offer_of(AUDIO, session=SESSION + weak)).remote_fingerprints == (("sha-256", ":".join(["CD"] * 32)),)


def test_data_channels() -> None:
    result = answer(offer_of(DATA))
    assert result.data_channels is not None
    assert (result.data_channels.mid, result.data_channels.remote_port) == ("0", 5_000)
    assert result.data_channels.max_message_size == 262_144
    media = media_of(result)[0]
    assert (media.sctp_port, media.max_message_size) == (5_000, 65_536)
    assert media.formats == ("webrtc-datachannel",)


def test_a_second_m_line_of_data_channels_is_rejected() -> None:
    result = answer(offer_of(DATA, DATA))
    assert [line.accepted for line in result.lines] == [True, False]
    assert [media.port for media in media_of(result)] == [3_478, 0]
    assert described(result).groups[0].mids == ("0",)


def test_old_data_channels_are_rejected() -> None:
    result = answer(offer_of(AUDIO, "m=application 9 DTLS/SCTP 5000\na=sctpmap:5000 webrtc-datachannel 1024\n"))
    assert result.data_channels is None
    assert not result.lines[1].accepted


def test_media_of_another_kind_is_rejected_without_harm() -> None:
    result = answer(offer_of(AUDIO, "m=text 9 UDP/TLS/RTP/SAVPF 98\na=rtcp-mux\na=rtpmap:98 t140/1000\n"))
    assert [media.port for media in media_of(result)] == [3_478, 0]
    assert result.lines[1].kind is None


def test_no_codec_in_common_leaves_the_m_line_inactive() -> None:
    result = answer(load("chromium-no-common-audio-codec-1"))
    assert [line.accepted for line in result.lines] == [True] * 4
    assert result.lines[0].track is None
    audio = media_of(result)[0]
    assert audio.direction is Direction.INACTIVE
    assert audio.formats == ("0",)


@pytest.mark.parametrize(
    ("role", "directions"),
    [
        (Role(publish=True, subscribe=False), ["recvonly", "recvonly", "inactive", "inactive"]),
        (Role(publish=False, subscribe=True), ["inactive", "inactive", "sendonly", "sendonly"]),
        (Role(publish=False, subscribe=False), ["inactive"] * 4),
    ],
)
def test_a_direction_that_the_role_forbids_is_taken_away(role: Role, directions: list[str]) -> None:
    result = answer(load("chromium-conference"), role=role)
    assert [media.direction for media in media_of(result)[:4]] == directions
    assert [line.track is not None for line in result.lines[:4]] == [each == "recvonly" for each in directions]
    assert [line.slot is not None for line in result.lines[:4]] == [each == "sendonly" for each in directions]
    assert all(line.accepted for line in result.lines)
    assert result.data_channels is not None


def test_sendrecv_is_halved_by_the_role() -> None:
    offer = load("chromium-sendrecv-1")
    assert {media.direction for media in media_of(answer(offer, role=Role(False, True)))} == {Direction.SENDONLY}
    assert {media.direction for media in media_of(answer(offer, role=Role(True, False)))} == {Direction.RECVONLY}


def test_direction_of_the_session_counts_where_the_m_line_says_none() -> None:
    offer = offer_of(AUDIO, session=SESSION + "a=recvonly\n")
    assert media_of(answer(offer))[0].direction is Direction.SENDONLY


def test_bundle_only_is_live() -> None:
    video = VIDEO.replace("m=video 9", "m=video 0") + "a=bundle-only\n"
    offer = offer_of(AUDIO, video).replace("BUNDLE 0", "BUNDLE 0 1")
    result = answer(offer)
    assert result.lines[1].accepted
    assert not media_of(result)[1].bundle_only
