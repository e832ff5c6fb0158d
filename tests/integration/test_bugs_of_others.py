"""What broke other servers, and the test here that would see it. The table is checked: every test that it names exists."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from sfu.dataplane.types import Kind
from sfu.ids import ParticipantId, RoomName
from tests.engine.bed import rtp, vp8
from tests.harness.rtp_peer import LINES, MID, VP8, RtpPeer
from tests.harness.stage import stage
from tests.harness.transport_client import until
from tests.integration.doors import doors

TESTS = Path(__file__).parent.parent
COVERED = {
    "state for SSRCs of packets that never authenticated (pion/srtp 372, Jitsi 2428)": [
        "engine/test_hostile_datagrams.py::test_an_unauthenticated_packet_creates_nothing",
        "engine/test_srtp_contract.py::test_a_failed_tag_makes_no_stream",
        "engine/test_binding.py::test_a_transport_may_send_so_many_streams",
        "integration/hostile_packets.py::tags_that_are_wrong",
        "integration/test_bugs_of_others.py::test_forged_ssrcs_take_no_place_from_true_ones",
    ],
    "panic on SRTCP of 20 to 27 bytes (str0m 1029)": [
        "engine/test_hostile_datagrams.py::test_srtcp_of_every_short_length",
        "integration/hostile_packets.py::short_rtcp",
    ],
    "writing past the end when rewriting a dependency descriptor (mediasoup GHSA-jhm4-v227-4375)": [
        "unit/test_rewrite.py::test_no_source_breaks_the_writer",
        "unit/test_rewrite.py::test_the_frame_number_of_a_descriptor_is_shifted",
        "engine/test_fuzz.py::test_authentic_rubbish",
    ],
    "padding longer than the payload (Pion GHSA-f26w-gh5m-qq77)": [
        "engine/test_hostile_datagrams.py::test_padding_longer_than_the_payload",
        "unit/test_packet.py::test_padding_is_read_where_the_plain_packet_ends",
        "integration/hostile_packets.py::padding",
    ],
    "crashes of the SDP parser; packets over 1,500 bytes (Janus 2214, 2229, 3636)": [
        "unit/test_sdp_hostile.py::test_any_text",
        "unit/test_sdp_hostile.py::test_mutated_real_offers",
        "integration/test_hostile_peers_signalling.py::test_offers_that_make_no_sense",
        "engine/test_worker.py::test_an_oversized_datagram_is_dropped_by_name",
        "integration/test_hostile_peers_strangers.py::test_every_first_byte_in_every_length",
    ],
    "ClientHello from an address that ICE had not validated (Enable Security 2024)": [
        "integration/test_transport.py::test_dtls_from_an_address_that_ice_has_not_validated_is_not_even_answered",
        "engine/test_hostile_datagrams.py::test_stun_comes_from_anywhere_and_dtls_only_from_validated_addresses",
        "integration/test_hostile_peers_strangers.py::test_a_client_hello_from_an_address_that_no_check_came_from",
    ],
    "an address taken over before SRTP had verified (sipsorcery 1789)": [
        "integration/test_hostile_peers_strangers.py::test_a_participants_own_packets_from_another_address",
        "integration/test_hostile_peers_signalling.py::test_addresses_of_others",
        "integration/test_media_port.py::test_a_forged_source_address_takes_nothing_from_its_owner",
        "unit/test_ice_agent.py::test_a_forged_check_changes_nothing",
    ],
    "replay window too small under reordering (Galene, LiveKit, Jitsi)": [
        "engine/test_hostile_datagrams.py::test_reordering_by_hundreds_of_packets_is_no_replay",
        "engine/test_hostile_datagrams.py::test_a_replay_is_dropped",
    ],
    "consent that never expires, and use after free when it does (mediasoup 3.13.20, 3.14.6)": [
        "unit/test_ice_agent.py::test_consent_expires_for_good",
        "integration/test_transport.py::test_silence_return_and_the_end_of_consent",
        "engine/test_handles_and_limits.py::test_things_go_away_in_any_order",
        "integration/test_bugs_of_others.py::test_consent_ends_while_media_pours_in",
    ],
    "no token, another algorithm, duplicate JSON keys (Janus 2810, CVE-2021-39215, JSA-2023-0001)": [
        "integration/test_websocket.py::test_without_a_fitting_token_nobody_gets_in",
        "unit/test_auth.py::test_no_algorithm_is_no_signature",
        "unit/test_auth.py::test_a_public_key_is_not_taken_for_a_secret",
        "unit/test_auth.py::test_duplicate_keys_in_the_header_are_refused",
        "integration/test_bugs_of_others.py::test_the_same_key_twice",
    ],
    "ClientHello in several datagrams (post-quantum key shares)": [
        "unit/test_dtls.py::test_a_fragmented_client_hello_in_either_order",
        "integration/test_transport.py::test_a_fragmented_client_hello_out_of_order",
        "integration/test_bugs_of_others.py::test_a_client_hello_in_many_pieces",
    ],
    "thousands of attempts to bind to an interface that is gone (pion/ice 779): one socket is bound, once": [
        "integration/test_media_port.py::test_an_address_in_use_is_an_error",
        "engine/test_worker.py::test_a_taken_port_is_an_os_error",
    ],
    "keyframe storms when many join at once (livekit 3490)": [
        "engine/test_keyframe_requests.py::test_many_requests_are_one_and_the_next_waits_half_a_second",
        "integration/test_bugs_of_others.py::test_many_viewers_at_once_ask_for_few_keyframes",
    ],
}
"""What happened elsewhere → tests. A path traversal in the names of recordings (Galene 0.96.1) has no place here yet: nothing is
recorded."""


@pytest.mark.parametrize("bug", COVERED)
def test_every_named_test_exists(bug: str) -> None:
    for place in COVERED[bug]:
        path, _, name = place.partition("::")
        text = (TESTS / path).read_text()
        assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), place


async def test_forged_ssrcs_take_no_place_from_true_ones() -> None:
    """Thousands of SSRCs without a tag, from the participant's own address (which can be forged), then a true new one."""
    async with stage() as scene:
        eve = await scene.enemy()
        forged = (rtp(VP8, 1, 1, ssrc, bytes(60), extensions={MID: b"1"}) for ssrc in range(5_000, 8_000))
        await scene.flood(eve.send, forged)
        await until(lambda: scene.dropped.get("srtp_auth", 0) == 3_000)
        node, name = scene.house.server.node, ParticipantId(eve.member.id)
        tracks = node.rooms[RoomName(scene.room)].participants[name].tracks
        handle = next(track.handle for track in tracks.values() if track.kind is Kind.VIDEO)
        del tracks
        eve.send(eve.protect(rtp(VP8, 1, 1, 7_000, vp8(1, keyframe=True), extensions={MID: b"1"})))
        await until(lambda: scene.port.engine.track_stats(handle)[0] is not None)


async def test_consent_ends_while_media_pours_in() -> None:
    """A client that sends media and checks no more: it is let go in the middle of its packets, which harm nobody then."""
    # The others check all the time, but on a full machine not always at once.
    async with stage(consent_seconds=4) as scene:
        eve = await scene.enemy()
        deadline = time.monotonic() + 20
        while len(scene.port._endpoints) == 3:
            assert time.monotonic() < deadline
            for _ in range(10):
                eve.send_media("video", keyframe=True)
            await asyncio.sleep(0.005)
        for _ in range(200):
            eve.send_media("video", keyframe=True)
        await until(lambda: scene.dropped.get("unknown_address", 0) >= 200)


async def test_the_same_key_twice() -> None:
    async with doors() as house:
        eve = await house.socket()
        await eve.socket.send_str('{"type":"join","version":1,"name":"Eve","name":"Ana"}')
        error = await eve.expect("error")
        assert (error["code"], error["fatal"]) == ("malformed", True)
        assert house.server.node.rooms == {}


@pytest.mark.parametrize("padding", [1_500, 6_000])
async def test_a_client_hello_in_many_pieces(padding: int) -> None:
    """Through the whole server, the pieces in reverse order and each of them twice."""
    async with doors() as house:
        ana = RtpPeer(await house.member("ana"), padding=padding)
        await ana.negotiate()
        await ana.check(use=True)
        pieces = ana.dtls.step()
        assert len(pieces) > padding // 1_200
        for piece in [*reversed(pieces), *pieces]:
            ana.send(piece)
        await ana.finish(30.0)
        ana.secure()
        ana.send_media("audio")
        port = house.server.node.ports[0]
        await until(lambda: port.engine.counters().packets["in", "audio"] == 1)
        ana.goodbye()


async def test_many_viewers_at_once_ask_for_few_keyframes() -> None:
    """Each needs one. The publisher is asked at most twice a second, whatever the number."""
    async with doors() as house:
        ana = await RtpPeer.enter(await house.member("ana"))
        started_s = time.monotonic()
        ana.send_media("video", keyframe=True)
        viewers = [
            RtpPeer.enter(await house.member(f"viewer {n}"), ("audio inactive", "video inactive", *LINES[2:]))
            for n in range(12)
        ]
        entering = asyncio.gather(*viewers)
        asked = 0
        while not entering.done() or not all(viewer.heard for viewer in entering.result()):
            requests = sum(packet[1] == 206 for packet in ana.rtcp)
            ana.send_media("video", keyframe=requests > asked)
            asked = requests
            await asyncio.sleep(0.02)
            assert time.monotonic() < started_s + 30
        elapsed_s = time.monotonic() - started_s
        assert asked <= 2 + 2 * elapsed_s
        for peer in (ana, *entering.result()):
            peer.goodbye()
