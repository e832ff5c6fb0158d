"""libwebrtc (`wrtc`) and aiortc, which share no code with us, take our answers."""

import itertools

import aiortc
import aiortc.sdp
import pytest
import webrtc

from sfu.dataplane.types import Format, Kind
from sfu.negotiation import Role
from tests.unit.negotiation_help import SESSION, answer, first_offers, load, offer_of

LAYERS = (("q", 4.0), ("h", 2.0), ("f", 1.0))


def _layers() -> list[webrtc.RTCRtpEncodingParameters]:
    return [webrtc.RTCRtpEncodingParameters(rid=rid, scale_resolution_down_by=scale) for rid, scale in LAYERS]


async def test_libwebrtc_publishes_simulcast_and_receives_on_slots() -> None:
    async with webrtc.RTCPeerConnection() as client:
        client.create_data_channel("chat")
        client.add_transceiver("audio", webrtc.RTCRtpTransceiverInit(direction="sendonly"))
        client.add_transceiver("video", webrtc.RTCRtpTransceiverInit(direction="sendonly", send_encodings=_layers()))
        for kind in ("audio", "video"):
            client.add_transceiver(kind, webrtc.RTCRtpTransceiverInit(direction="recvonly"))
        offer = await client.create_offer()
        result = answer(offer.sdp)
        await client.set_local_description(offer)
        await client.set_remote_description(webrtc.RTCSessionDescriptionInit("answer", result.answer))
        directions = [str(each.current_direction) for each in client.get_transceivers()]
        assert [each.rpartition(".")[2] for each in directions] == ["sendonly", "sendonly", "recvonly", "recvonly"]
        tracks = [line.track for line in result.lines if line.track is not None]
        assert [track.rids for track in tracks] == [(), ("q", "h", "f")]
        assert result.data_channels is not None


async def test_libwebrtc_restarts_ice_and_adds_slots() -> None:
    async with webrtc.RTCPeerConnection() as client:
        previous = None
        for ice_restart in (False, True):
            client.add_transceiver("video", webrtc.RTCRtpTransceiverInit(direction="recvonly"))
            offer = await client.create_offer(webrtc.RTCOfferOptions(ice_restart=ice_restart))
            previous = answer(offer.sdp, previous=previous)
            assert previous.ice_restart is ice_restart
            await client.set_local_description(offer)
            await client.set_remote_description(webrtc.RTCSessionDescriptionInit("answer", previous.answer))
        assert previous is not None
        assert len(previous.lines) == 2


@pytest.mark.parametrize("policy", list(aiortc.RTCBundlePolicy))
async def test_aiortc_publishes_and_receives(policy: aiortc.RTCBundlePolicy) -> None:
    client = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(bundlePolicy=policy))
    try:
        for kind, direction in itertools.product(("audio", "video"), ("sendonly", "recvonly")):
            client.addTransceiver(kind, direction=direction)
        client.createDataChannel("chat")
        offer = await client.createOffer()
        result = answer(offer.sdp)
        await client.setLocalDescription(offer)
        await client.setRemoteDescription(aiortc.RTCSessionDescription(result.answer, "answer"))
        directions = [each.currentDirection for each in client.getTransceivers()]
        assert directions == ["sendonly", "recvonly", "sendonly", "recvonly"]
        carriers = {each.sender.transport.transport for each in client.getTransceivers()}
        assert 2 in {len(each.getRemoteCandidates()) for each in carriers}
        formats = set(result.receive.payload_types.values())
        assert {Format.OPUS, Format.VP8, Format.H264_CONSTRAINED_BASELINE} <= formats
    finally:
        await client.close()


@pytest.mark.parametrize("name", first_offers())
def test_aiortc_reads_the_same_answer(name: str) -> None:
    result = answer(load(name))
    seen = aiortc.sdp.SessionDescription.parse(result.answer)
    assert [each.rtp.muxId for each in seen.media] == [line.mid for line in result.lines]
    for media, line in zip(seen.media, result.lines, strict=True):
        assert media.ice is not None
        assert media.ice.usernameFragment == "serverUfrag"
        assert media.dtls is not None
        assert media.dtls.role == "server"
        if line.slot is not None:
            assert line.kind is (Kind.AUDIO if media.kind == "audio" else Kind.VIDEO)
            assert line.slot.ssrc in {each.ssrc for each in media.ssrc}
            payload_types = {codec.payloadType for codec in media.rtp.codecs}
            for each in line.slot.formats.values():
                assert each.payload_type in payload_types
                assert each.rtx_payload_type is None or each.rtx_payload_type in payload_types
            ids = {extension.id for extension in media.rtp.headerExtensions}
            assert set(line.slot.extensions.values()) <= ids
        assert [candidate.port for candidate in media.ice_candidates] == [3478, 3478]
        assert media.ice_candidates_complete


def test_a_plain_offer_of_another_stack_is_taken() -> None:
    offer = offer_of("m=audio 9 RTP/SAVPF 111\na=rtcp-mux\na=rtpmap:111 OPUS/48000/2\na=sendonly\n")
    assert answer(offer).receive.payload_types == {111: Format.OPUS}


def test_an_offer_of_obs_is_taken() -> None:
    """As libdatachannel writes it: the transport before the m-lines, commas between ICE options, RTX in capitals."""
    session = SESSION.replace("a=setup", "a=group:LS 0 1\na=msid-semantic:WMS *\na=ice-options:ice2,trickle\na=setup")
    audio = (
        "m=audio 41893 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 192.0.2.10\na=sendonly\na=ssrc:1001 cname:obs\n"
        "a=ssrc:1001 msid:obs obs-audio\na=msid:obs obs-audio\na=rtcp-mux\na=rtpmap:111 opus/48000/2\n"
        "a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1\n"
        "a=candidate:1 1 UDP 2122317823 192.0.2.10 41893 typ host\na=end-of-candidates\n"
    )
    video = (
        "m=video 41893 UDP/TLS/RTP/SAVPF 96 97\nc=IN IP4 192.0.2.10\na=sendonly\na=ssrc:1002 cname:obs\n"
        "a=ssrc:1002 msid:obs obs-video\na=msid:obs obs-video\na=rtcp-mux\na=rtpmap:96 H264/90000\n"
        "a=rtcp-fb:96 nack\na=rtcp-fb:96 nack pli\na=rtcp-fb:96 goog-remb\n"
        "a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1\n"
        "a=rtpmap:97 RTX/90000\na=fmtp:97 apt=96\n"
    )
    result = answer(offer_of(audio, video, session=session), role=Role(publish=True, subscribe=False))
    tracks = [line.track for line in result.lines]
    assert [track and track.ssrcs for track in tracks] == [(1001,), (1002,)]
    assert result.receive.payload_types == {111: Format.OPUS, 96: Format.H264_CONSTRAINED_BASELINE}
    assert result.receive.rtx == {97: 96}
