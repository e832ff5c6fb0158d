"""A packet belongs to its m-line by MID, else by the SSRC signalled, else by a payload type of its own (RFC 9143, RFC 8852)."""

import pytest

from sfu.dataplane import Engine, Extension, LayerStarted
from sfu.negotiation.offered_media import MAX_SSRCS
from tests.engine.bed import (
    EXTENSIONS,
    OPUS,
    VP8,
    VP8_RTX,
    Bed,
    Client,
    VideoSource,
    audio_track,
    rtp,
    video_track,
    vp8,
)

pytestmark = pytest.mark.asan

MID, RID, REPAIRED = EXTENSIONS[Extension.MID], EXTENSIONS[Extension.RID], EXTENSIONS[Extension.REPAIRED_RID]
KEYFRAME = vp8(1, keyframe=True)


def started(bed: Bed) -> list[tuple[int, int, int]]:
    return [(event.track, event.layer, event.ssrc) for event in bed.events if isinstance(event, LayerStarted)]


def test_by_mid() -> None:
    bed = Bed()
    sender = bed.publisher()
    first = bed.engine.add_track(sender.transport, video_track("long-mid-16-byte"))
    second = bed.engine.add_track(sender.transport, video_track("1"))
    sender.send(rtp(VP8, 1, 1, 500, KEYFRAME, extensions={MID: b"1"}))
    sender.send(rtp(VP8, 1, 1, 501, KEYFRAME, extensions={MID: b"long-mid-16-byte"}))
    sender.send(rtp(VP8, 1, 1, 502, KEYFRAME, extensions={MID: b"long-mid-16-byt"}))
    assert started(bed) == [(second, 0, 500), (first, 0, 501)]
    assert bed.dropped() == {"unknown_ssrc": 1}


def test_once_bound_the_mid_is_not_needed() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, video_track())
    sender.send(rtp(VP8, 1, 1, 500, KEYFRAME, extensions={MID: b"1"}))
    sender.send(rtp(VP8, 2, 1, 500, vp8(1)))
    stats = bed.engine.track_stats(track)[0]
    assert stats is not None
    assert stats.packets == 2


def test_an_ssrc_moves_with_its_mid() -> None:
    bed = Bed()
    sender = bed.publisher()
    tracks = [bed.engine.add_track(sender.transport, video_track(mid)) for mid in ("1", "2")]
    sender.send(rtp(VP8, 1, 1, 500, KEYFRAME, extensions={MID: b"1"}))
    sender.send(rtp(VP8, 2, 1, 500, KEYFRAME, extensions={MID: b"2"}))
    assert started(bed) == [(tracks[0], 0, 500), (tracks[1], 0, 500)]


def test_by_rid_within_the_mid() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, video_track(rids=("q", "h", "f"), ssrcs=(502, 501, 500)))
    sender.send(rtp(VP8, 1, 1, 500, KEYFRAME, extensions={MID: b"1", RID: b"q"}))
    sender.send(rtp(VP8, 1, 1, 501, KEYFRAME, extensions={MID: b"1", RID: b"f"}))
    sender.send(rtp(VP8, 1, 1, 502, KEYFRAME, extensions={MID: b"1", RID: b"x"}))
    sender.send(rtp(VP8, 2, 1, 502, KEYFRAME, extensions={MID: b"1"}))
    sender.send(rtp(VP8, 3, 1, 502, KEYFRAME))
    assert started(bed) == [(track, 0, 500), (track, 2, 501)], "never by the SSRC of the SDP"
    assert bed.dropped() == {"unknown_ssrc": 3}


def test_by_the_signalled_ssrc() -> None:
    bed = Bed()
    sender = bed.publisher()
    bed.engine.add_track(sender.transport, video_track("1", ssrcs=(500,)))
    second = bed.engine.add_track(sender.transport, video_track("2", ssrcs=(600, 601)))
    sender.send(rtp(VP8, 1, 1, 601, KEYFRAME))
    sender.send(rtp(VP8, 1, 1, 602, KEYFRAME))
    assert started(bed) == [(second, 0, 601)]
    assert bed.dropped() == {"unknown_ssrc": 1}


def test_as_many_ssrcs_may_be_signalled_as_an_offer_may_have() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, video_track("1", ssrcs=tuple(range(500, 500 + MAX_SSRCS))))
    sender.send(rtp(VP8, 1, 1, 499 + MAX_SSRCS, KEYFRAME))
    assert started(bed) == [(track, 0, 499 + MAX_SSRCS)]


def test_by_a_payload_type_of_its_own() -> None:
    bed = Bed()
    sender = bed.publisher()
    audio = bed.engine.add_track(sender.transport, audio_track("0", payload_types=frozenset({OPUS})))
    video = bed.engine.add_track(sender.transport, video_track("1", payload_types=frozenset({VP8, 127})))
    sender.send(rtp(OPUS, 1, 1, 70, b"x"))
    sender.send(rtp(VP8, 1, 1, 71, KEYFRAME))
    assert started(bed) == [(audio, 0, 70), (video, 0, 71)]


def test_a_wrong_mid_is_not_overruled_by_anything_else() -> None:
    bed = Bed()
    sender = bed.publisher()
    bed.engine.add_track(sender.transport, video_track("1", ssrcs=(500,), payload_types=frozenset({VP8})))
    sender.send(rtp(VP8, 1, 1, 500, KEYFRAME, extensions={MID: b"9"}))
    assert started(bed) == []


def test_a_payload_type_of_the_other_kind_is_dropped() -> None:
    bed = Bed()
    sender = bed.publisher()
    bed.engine.add_track(sender.transport, video_track("1"))
    bed.engine.add_track(sender.transport, audio_track("0"))
    sender.send(rtp(OPUS, 1, 1, 500, b"x", extensions={MID: b"1"}))
    sender.send(rtp(VP8, 1, 1, 501, KEYFRAME, extensions={MID: b"0"}))
    sender.send(rtp(33, 1, 1, 502, KEYFRAME, extensions={MID: b"1"}))
    assert started(bed) == []
    assert bed.dropped() == {"unknown_payload_type": 3}


def test_rtx_before_its_media_is_dropped() -> None:
    bed = Bed()
    sender = bed.publisher()
    bed.engine.add_track(sender.transport, video_track(rids=("q", "f")))
    sender.send(rtp(VP8_RTX, 1, 1, 900, b"\x00\x01" + KEYFRAME, extensions={MID: b"1", REPAIRED: b"q"}))
    assert bed.dropped() == {"unknown_ssrc": 1}


def test_a_packet_that_came_before_its_track_binds_later() -> None:
    bed = Bed()
    sender = bed.publisher()
    sender.send(rtp(VP8, 1, 1, 500, KEYFRAME, extensions={MID: b"1"}))
    track = bed.engine.add_track(sender.transport, video_track())
    sender.send(rtp(VP8, 2, 1, 500, KEYFRAME, extensions={MID: b"1"}))
    assert started(bed) == [(track, 0, 500)]


def test_a_track_that_comes_back_goes_on_with_its_ssrc_after_the_rollover() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, video_track())
    source = VideoSource(sender, 500, sequence_number=65_500)
    for place in range(80):
        source.send_frame(keyframe=place == 0)
    bed.engine.remove_track(track)
    source.send_frame()
    again = bed.engine.add_track(sender.transport, video_track())
    source.send_frame(keyframe=True)
    assert started(bed)[-1] == (again, 0, 500)
    assert bed.dropped() == {"unknown_ssrc": 1}


@pytest.mark.parametrize("limit", [64])
def test_a_transport_may_send_so_many_streams(limit: int) -> None:
    bed = Bed()
    sender = bed.publisher()
    bed.engine.add_track(sender.transport, video_track())
    for ssrc in range(1, limit + 20):
        sender.send(rtp(VP8, 1, 1, ssrc, KEYFRAME, extensions={MID: b"7"}))
    assert bed.dropped() == {"unknown_ssrc": limit, "stream_limit": 19}
    sender.send_rtcp(b"\x80\xc9\x00\x01\x00\x00\xff\xff")
    assert bed.dropped()["stream_limit"] == 20
    bed.run(11_000_000)
    sender.send(rtp(VP8, 1, 1, 5000, KEYFRAME, extensions={MID: b"1"}))
    assert started(bed)[-1][2] == 5000, "those that were idle made room"


def test_forgotten_streams_are_forgotten_by_libsrtp_too() -> None:
    bed = Bed(engine=Engine(seed=3))
    sender: Client = bed.publisher()
    for turn in range(4):
        for ssrc in range(64):
            sender.send(rtp(VP8, 1, 1, 1 + 64 * turn + ssrc, KEYFRAME))
        bed.run(11_000_000)
    assert bed.dropped() == {"unknown_ssrc": 256}
    # Its old packet is new again: the replay window went with the stream.
    sender.send(rtp(VP8, 1, 1, 1, KEYFRAME))
    assert bed.dropped() == {"unknown_ssrc": 257}
