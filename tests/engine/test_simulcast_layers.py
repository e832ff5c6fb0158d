"""The best live layer that a slot may have, and steady pictures on the way there."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from sfu.dataplane import LayerStarted, LayerStopped
from tests.engine.bed import UNIX_US, Bed, Client, VideoSource, picture_id, video_slot, video_track
from tests.engine.test_source_switch import assert_ascending

pytestmark = pytest.mark.asan

FRAME_US = 33_333


@dataclass
class Camera:
    """Three layers whose RTP clocks start anywhere, as those of a browser do."""

    bed: Bed = field(default_factory=Bed)
    running: set[int] = field(default_factory=lambda: {0, 1, 2})
    reports: bool = True
    keyframe: set[int] = field(default_factory=set)
    frames: int = 0

    def __post_init__(self) -> None:
        self.client = self.bed.publisher()
        self.track = self.bed.engine.add_track(self.client.transport, video_track(rids=("q", "h", "f")))
        self.layers = [
            VideoSource(
                self.client, 500 + place, rid=rid, timestamp=2**32 - 9000 + place * 1_000_000_007, picture=place * 1000
            )
            for place, rid in enumerate("qhf")
        ]
        self.keyframe = {0, 1, 2}

    def capture(self, count: int = 1) -> None:
        """One picture after the other, encoded by every layer that runs; PLIs are obeyed."""
        for _ in range(count):
            for place, layer in enumerate(self.layers):
                if self.reports and self.frames % 30 == 5 and place in self.running:
                    layer.report()
                if place in self.running:
                    layer.send_frame(keyframe=place in self.keyframe, packets=2)
                    self.keyframe.discard(place)
                else:
                    layer.timestamp += 3000
            self.bed.run(FRAME_US)
            self.frames += 1
            self.keyframe |= {int.from_bytes(pli[8:12], "big") - 500 for pli in self.client.blocks(206, 1)}
            self.client.forget()

    def join(self, *, max_layer: int = 3) -> tuple[Client, int]:
        client = self.bed.client()
        slot = self.bed.engine.add_slot(client.transport, video_slot())
        self.bed.engine.route(slot, self.track, max_layer=max_layer)
        return client, slot

    def layer(self, slot: int) -> int:
        return self.bed.engine.slot_stats(slot).layer


def assert_steady(client: Client) -> None:
    assert_ascending([packet.sequence_number for packet in client.rtp], 2**16, 3)
    frames = [packet for packet in client.rtp if packet.marker]
    # One frame is 3,000 ticks; a switch may cost a few of them and moves the time line by less than one.
    assert_ascending([packet.timestamp for packet in frames], 2**32, 6 * 3000)
    assert_ascending([picture_id(packet.payload) for packet in frames], 2**15, 1)


def test_the_best_layer_is_reached_and_nothing_jumps() -> None:
    camera = Camera()
    client, slot = camera.join()
    camera.capture(60)
    assert camera.layer(slot) == 2
    assert_steady(client)
    marked = [packet for packet in client.rtp if packet.marker]
    assert len(marked) >= 58
    # Aligned by sender reports, timestamps say when a picture was taken. A keyframe of the same picture that the old layer has
    # just shown comes one frame (33 ms) later, once a switch.
    steps = [(b.timestamp - a.timestamp) % 3000 for a, b in pairwise(marked)]
    assert set(steps) <= {0, 1, 2999, 2970}
    assert steps.count(2970) <= camera.bed.engine.slot_stats(slot).layer_switches


def test_the_present_layer_goes_on_until_the_keyframe() -> None:
    camera = Camera()
    client, slot = camera.join(max_layer=0)
    camera.capture(40)
    assert camera.layer(slot) == 0
    camera.keyframe.clear()
    client.forget()
    camera.bed.engine.route(slot, camera.track, max_layer=2)
    for layer in camera.layers:
        layer.send_frame(packets=2)
    assert len(client.rtp) == 2
    assert camera.layer(slot) == 0
    camera.capture(10)
    assert camera.layer(slot) == 2
    assert_steady(client)
    assert camera.bed.engine.slot_stats(slot).layer_switches == 1


def test_a_layer_that_stalls_is_left() -> None:
    camera = Camera()
    client, slot = camera.join()
    camera.capture(60)
    camera.running = {0, 1}
    camera.capture(40)
    assert camera.layer(slot) == 1
    assert LayerStopped(camera.track, 2) not in camera.bed.events
    camera.capture(60)
    assert LayerStopped(camera.track, 2) in camera.bed.events
    camera.running = {0, 1, 2}
    camera.capture(60)
    assert camera.layer(slot) == 2
    assert_ascending([packet.sequence_number for packet in client.rtp], 2**16, 3)
    started = [event.layer for event in camera.bed.events if isinstance(event, LayerStarted)]
    assert sorted(started) == [0, 1, 2, 2]


def test_max_layer_binds() -> None:
    camera = Camera()
    _, slot = camera.join(max_layer=1)
    camera.capture(60)
    assert camera.layer(slot) == 1
    camera.bed.engine.route(slot, camera.track, max_layer=0)
    camera.capture(30)
    assert camera.layer(slot) == 0


def test_a_lone_layer_starts_at_once_without_a_report() -> None:
    camera = Camera(running={1}, reports=False)
    client, slot = camera.join()
    camera.capture(2)
    assert camera.layer(slot) == 1
    assert len(client.rtp) == 4


def test_without_reports_a_layer_is_aligned_by_arrival_after_a_while() -> None:
    camera = Camera(running={0}, reports=False)
    client, slot = camera.join()
    camera.capture(30)
    camera.running = {0, 1, 2}
    camera.capture(60)
    assert camera.layer(slot) == 0, "no common clock yet"
    camera.capture(120)
    assert camera.layer(slot) == 2
    assert_steady(client)


def test_screen_share_at_one_frame_a_second_does_not_flap() -> None:
    camera = Camera()
    _, slot = camera.join()
    camera.capture(60)
    switches = camera.bed.engine.slot_stats(slot).layer_switches
    for _ in range(8):
        camera.capture()
        camera.bed.run(1_000_000)
        for layer in camera.layers:
            layer.timestamp += 90_000
    assert camera.bed.engine.slot_stats(slot).layer_switches == switches
    assert camera.layer(slot) == 2


def test_a_hostile_clock_does_not_push_the_time_line() -> None:
    camera = Camera()
    client, slot = camera.join(max_layer=0)
    camera.capture(40)
    camera.layers[1].report(UNIX_US + 10**14)
    camera.layers[0].report(1)
    camera.bed.engine.route(slot, camera.track, max_layer=1)
    camera.capture(40)
    assert_steady(client)


def test_update_keeps_layers_whose_rid_remains() -> None:
    camera = Camera()
    _, slot = camera.join(max_layer=0)
    camera.capture(10)
    before = camera.bed.engine.track_stats(camera.track)[0]
    camera.bed.engine.update_track(camera.track, video_track(rids=("q", "f")))
    assert camera.layer(slot) == 0
    after = camera.bed.engine.track_stats(camera.track)
    assert after[0] == before
    assert len(after) == 2
    assert after[1] is not None
    assert after[1].ssrc == 502
