"""Keyframe requests of all subscribers become one, and not too many of those."""

import struct

from tests.engine.bed import Bed, Client, VideoSource, pli, video_slot, video_track


def fir(sender: int, media: int, number: int) -> bytes:
    return struct.pack("!BBHIIIB3x", 0x84, 206, 4, sender, 0, media, number)


def test_many_requests_are_one_and_the_next_waits_half_a_second() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, video_track())
    receivers = [bed.client() for _ in range(20)]
    slots = [bed.engine.add_slot(receiver.transport, video_slot()) for receiver in receivers]
    source = VideoSource(sender, 500)
    source.send_frame(keyframe=True)
    for slot in slots:
        bed.engine.route(slot, track)
    bed.pump()
    bed.run(1_000_000)
    sender.forget()
    for place, receiver in enumerate(receivers):
        receiver.send_rtcp(pli(1, 0x2222) if place % 2 else fir(1, 0x2222, place))
    assert len(sender.blocks(206, 1)) == 1
    source.send_frame(keyframe=True)
    for receiver in receivers:
        receiver.send_rtcp(pli(1, 0x2222))
    assert len(sender.blocks(206, 1)) == 1
    bed.run(400_000)
    assert len(sender.blocks(206, 1)) == 1
    bed.run(200_000)
    assert len(sender.blocks(206, 1)) == 2
    source.send_frame(keyframe=True)
    bed.run(1_500_000)
    assert len(sender.blocks(206, 1)) == 2, "it came"
    assert bed.engine.slot_stats(slots[0]).keyframe_requests_received == 2
    counters = bed.engine.counters()
    assert counters.keyframe_requests["in"] == 40
    stats = bed.engine.track_stats(track)[0]
    assert stats is not None
    assert stats.keyframe_requests_sent == counters.keyframe_requests["out"]


def test_a_screen_is_asked_once_a_second() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track(keyframe_interval_ms=1_000))
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    source.send_frame(keyframe=True)
    bed.run(2_000_000)
    sender.forget()
    sent = []
    for _ in range(30):
        receiver.send_rtcp(pli(1, 0x2222))
        source.send_frame(keyframe=True)
        bed.run(100_000)
        sent.append(len(sender.blocks(206, 1)))
    assert sent[9] == 1
    assert sent[-1] == 3


def test_one_retry_and_then_silence() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    source.send_frame(keyframe=True)
    bed.run(10_000)
    receiver.send_rtcp(pli(1, 0x2222))
    for _ in range(30):
        source.send_frame()
        bed.run(100_000)
    assert len(sender.blocks(206, 1)) == 2


def test_a_slot_that_waits_asks_again() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    for _ in range(100):
        source.send_frame()
        bed.run(100_000)
    # Request and retry every two seconds, for ten.
    assert 8 <= len(sender.blocks(206, 1)) <= 12
    source.send_frame(keyframe=True)
    assert len(receiver.rtp) == 1


def test_the_control_side_asks_every_live_layer() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, video_track(rids=("q", "f")))
    for ssrc, rid in ((500, "q"), (501, "f")):
        VideoSource(sender, ssrc, rid=rid).send_frame(keyframe=True)
    bed.engine.request_keyframe(track)
    bed.pump()
    assert {struct.unpack_from("!I", block, 8)[0] for block in sender.blocks(206, 1)} == {500, 501}


def test_a_stream_that_begins_with_its_keyframe_is_not_asked_for_one() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    for place in range(10):
        source.send_frame(keyframe=place == 0)
        bed.run(100_000)
    assert len(receiver.rtp) == 10
    assert sender.blocks(206, 1) == []


def test_somebody_elses_slot_is_not_believed() -> None:
    bed = Bed()
    sender, receiver, stranger = bed.publisher(), bed.client(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    VideoSource(sender, 500).send_frame(keyframe=True)
    bed.run(1_000_000)
    stranger.send_rtcp(pli(1, 0x2222))
    assert sender.blocks(206, 1) == []


def test_a_hole_that_nothing_repairs_calls_for_a_keyframe() -> None:
    """The receiver cannot decode on, and libwebrtc asks for itself only after three seconds."""
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track(nack=True))
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    source.send_frame(keyframe=True)
    bed.run(100_000)
    source.frame()
    for _ in range(15):
        source.send_frame()
        bed.run(100_000)
    assert sender.blocks(205, 1), "it was asked for"
    assert len(sender.blocks(206, 1)) >= 1
    sender.forget()
    source.send_frame(keyframe=True)
    for _ in range(20):
        source.send_frame()
        bed.run(100_000)
    assert sender.blocks(206, 1) == [], "the keyframe came"


def move(bed: Bed, client: Client) -> tuple[str, int]:
    """The client is reached at another address from now on, which is told."""
    new = ("10.9.9.9", 6_000)
    bed.clients[new] = client
    bed.engine.add_address(client.transport, new)
    bed.engine.select_address(client.transport, new)
    return new


def test_a_publisher_that_changes_its_address_is_asked_for_a_keyframe() -> None:
    """NACKs and requests went to where it no longer is, until the retries were used up."""
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    source.send_frame(keyframe=True)
    bed.run(10_000)
    receiver.send_rtcp(pli(1, 0x2222))
    bed.run(1_500_000)
    sender.forget()
    for _ in range(2):
        move(bed, sender)
    bed.run(100_000)
    assert len(sender.blocks(206, 1)) == 1, "once, however often the same address is selected"


def test_a_receiver_that_changes_its_address_gets_a_keyframe() -> None:
    """What was sent to where it no longer is was lost; libwebrtc would repair it packet by packet, or wait for seconds."""
    bed = Bed()
    sender, receiver, other = bed.publisher(), bed.client(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    for client in (receiver, other):
        bed.engine.route(bed.engine.add_slot(client.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    source.send_frame(keyframe=True)
    bed.run(1_500_000)
    sender.forget()
    for _ in range(2):
        move(bed, receiver)
    bed.run(100_000)
    assert len(sender.blocks(206, 1)) == 1, "once, however often the same address is selected"


def test_what_a_publisher_sent_from_a_dead_address_is_not_asked_for_again() -> None:
    """Its bandwidth is unknown there: repeating a second of video would hold the keyframe up."""
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track(nack=True))
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    source.send_frame(keyframe=True)
    bed.run(100_000)
    for _ in range(50):
        source.frame()
    sender.address = move(bed, sender)
    sender.forget()
    source.send_frame(keyframe=True)
    bed.run(300_000)
    assert sender.blocks(205, 1) == []
    source.frame()
    source.send_frame()
    bed.run(300_000)
    assert sender.blocks(205, 1), "what is lost from then on is"
