"""The typed door: stale handles, ranges, bounds, addresses, and the order in which things go away."""

import contextlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from sfu.dataplane import (
    Address,
    DtlsReceived,
    Engine,
    Extension,
    Format,
    Kind,
    LayerStarted,
    ReceiveParams,
    SlotFormat,
    SrtpProfile,
    StunReceived,
)
from sfu.errors import LimitError, LocalError
from tests.engine.bed import (
    EXTENSIONS,
    OPUS,
    Bed,
    VideoSource,
    audio_slot,
    audio_track,
    rtp,
    video_slot,
    video_track,
)

pytestmark = pytest.mark.asan

MID, LEVEL = EXTENSIONS[Extension.MID], EXTENSIONS[Extension.AUDIO_LEVEL]


def test_stale_handles_raise_key_error() -> None:
    engine = Engine()
    transport = engine.add_transport()
    track = engine.add_track(transport, video_track())
    slot = engine.add_slot(transport, video_slot())
    engine.remove_transport(transport)
    calls: list[Callable[[], object]] = [
        lambda: engine.remove_transport(transport),
        lambda: engine.add_address(transport, ("127.0.0.1", 1)),
        lambda: engine.set_receive(transport, ReceiveParams()),
        lambda: engine.set_srtp(transport, SrtpProfile.AEAD_AES_128_GCM, bytes(28), bytes(28)),
        lambda: engine.add_track(transport, video_track()),
        lambda: engine.add_slot(transport, video_slot()),
        lambda: engine.remove_track(track),
        lambda: engine.update_track(track, video_track()),
        lambda: engine.request_keyframe(track),
        lambda: engine.remove_slot(slot),
        lambda: engine.update_slot(slot, video_slot()),
        lambda: engine.route(slot, None),
        lambda: engine.transport_stats(transport),
        lambda: engine.track_stats(track),
        lambda: engine.slot_stats(slot),
    ]
    for call in calls:
        with pytest.raises(KeyError):
            call()
    assert engine.add_transport() > slot


def test_values_out_of_range_raise_value_error() -> None:
    engine = Engine()
    transport = engine.add_transport()
    audio = engine.add_track(transport, audio_track())
    slot = engine.add_slot(transport, video_slot())
    calls: list[Callable[[], object]] = [
        lambda: engine.set_srtp(transport, SrtpProfile.AEAD_AES_128_GCM, bytes(30), bytes(28)),
        lambda: engine.set_receive(transport, ReceiveParams(payload_types={128: Format.OPUS})),
        lambda: engine.set_receive(transport, ReceiveParams(rtx={-1: 1})),
        lambda: engine.set_receive(transport, ReceiveParams(extensions={Extension.MID: 15})),
        lambda: engine.add_track(transport, video_track("x" * 17)),
        lambda: engine.add_track(transport, video_track("")),
        lambda: engine.add_track(transport, video_track(rids=("a", "b", "c", "d", "e"))),
        lambda: engine.add_track(transport, video_track(rids=("a", "a"))),
        lambda: engine.add_track(transport, video_track(rids=("x" * 17,))),
        lambda: engine.add_track(transport, video_track(ssrcs=(2**32,))),
        lambda: engine.add_track(transport, video_track(ssrcs=tuple(range(1, 18)))),
        lambda: engine.add_slot(transport, replace(video_slot(), ssrc=-1)),
        lambda: engine.add_slot(transport, replace(video_slot(), rtx_ssrc=0x2222)),
        lambda: engine.add_slot(transport, video_slot()),
        lambda: engine.add_slot(transport, replace(video_slot(9), formats={Format.VP8: SlotFormat(300)})),
        lambda: engine.add_slot(transport, replace(video_slot(9), cname="")),
        lambda: engine.update_slot(slot, video_slot(0x3333)),
        lambda: engine.update_track(audio, replace(audio_track(), kind=Kind.VIDEO)),
        lambda: engine.route(slot, audio),
        lambda: engine.route(slot, None, max_layer=-1),
        lambda: engine.add_address(transport, ("example.org", 1)),
        lambda: engine.add_address(transport, ("127.0.0.1", 65536)),
        lambda: engine.select_address(transport, ("127.0.0.9", 1)),
        lambda: Engine(max_transports=0),
    ]
    for call in calls:
        with pytest.raises(ValueError):  # noqa: PT011 - the messages differ
            call()


def test_so_many_transports() -> None:
    engine = Engine(max_transports=3)
    transports = [engine.add_transport() for _ in range(3)]
    with pytest.raises(LimitError):
        engine.add_transport()
    engine.remove_transport(transports[1])
    engine.add_transport()
    for port in range(6):
        engine.add_address(transports[0], ("10.0.0.1", 1000 + port))
    with pytest.raises(LimitError):
        engine.add_address(transports[2], ("10.0.0.1", 2000))


def whose(bed: Bed, address: Address) -> int | None:
    """The transport that a datagram from there is given to."""
    bed.events.clear()
    bed.deliver(b"\x16x", address)
    return next((event.transport for event in bed.events if isinstance(event, DtlsReceived)), None)


def test_the_newest_eight_addresses_count_and_the_selected_one_stays() -> None:
    bed = Bed()
    client = bed.client()
    engine, transport = bed.engine, client.transport
    for port in range(1, 13):
        engine.add_address(transport, ("10.9.9.9", port))
    assert whose(bed, client.address) == transport, "it is sent to, so it stays"
    assert [port for port in range(1, 13) if whose(bed, ("10.9.9.9", port))] == list(range(6, 13))
    engine.remove_address(transport, client.address)
    assert whose(bed, client.address) is None
    engine.remove_address(transport, ("10.9.9.9", 500))


def test_an_address_belongs_to_whom_it_was_given_last() -> None:
    bed = Bed()
    first, second = bed.client(), bed.client()
    bed.engine.add_address(second.transport, first.address)
    assert whose(bed, first.address) == second.transport
    bed.engine.remove_transport(second.transport)
    assert whose(bed, first.address) is None
    assert whose(bed, second.address) is None


def test_media_goes_to_the_selected_address() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, audio_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, audio_slot()), track)
    sender.send(rtp(OPUS, 1, 1, 7, b"x", extensions={MID: b"0"}))
    assert len(receiver.rtp) == 1
    moved = ("2001:db8::7", 7000)
    bed.engine.add_address(receiver.transport, moved)
    bed.engine.select_address(receiver.transport, moved)
    bed.engine.receive(bed.now_us, sender.protect(rtp(OPUS, 2, 2, 7, b"x")), sender.address)
    item = bed.engine.poll_transmit()
    assert item is not None
    assert item[1] == moved


@pytest.mark.parametrize("host", ["::ffff:10.0.0.77", "10.0.0.77"])
def test_mapped_addresses_are_ipv4(host: str) -> None:
    bed = Bed()
    client = bed.client()
    bed.engine.add_address(client.transport, (host, 99))
    assert whose(bed, ("10.0.0.77", 99)) == client.transport
    bed.deliver(b"\x00\x01", ("::ffff:10.0.0.77", 99))
    assert bed.events[-1] == StunReceived(b"\x00\x01", ("10.0.0.77", 99))


def test_many_addresses_come_and_go() -> None:
    engine = Engine(max_transports=600, seed=5)
    transports = [engine.add_transport() for _ in range(500)]
    for turn in range(3):
        for place, transport in enumerate(transports):
            engine.add_address(transport, (f"10.{turn}.{place >> 8}.{place & 255}", 4000 + place))
            if turn:
                engine.remove_address(transport, (f"10.{turn - 1}.{place >> 8}.{place & 255}", 4000 + place))
    for place, transport in enumerate(transports):
        engine.receive(1, b"\x16x", (f"10.2.{place >> 8}.{place & 255}", 4000 + place))
        assert engine.poll_event() == DtlsReceived(
            transport, b"\x16x", (f"10.2.{place >> 8}.{place & 255}", 4000 + place)
        )
        engine.receive(1, b"\x16x", (f"10.1.{place >> 8}.{place & 255}", 4000 + place))
        assert engine.poll_event() is None


def test_strangers_cannot_fill_the_event_ring_for_the_others() -> None:
    bed = Bed()
    sender, other = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    packet = sender.protect(VideoSource(sender, 500).frame(keyframe=True)[0])
    for place in range(2000):
        bed.engine.receive(bed.now_us, b"\x00" * 1200, (f"10.{place >> 8}.{place & 255}.1", 1))
    dropped = bed.dropped()["event_ring_full"]
    assert dropped > 1800
    for place in range(2000):
        bed.engine.receive(bed.now_us, (b"\x00" if place % 2 else b"\x16") * 1200, sender.address)
    flooded = bed.dropped()["event_ring_full"]
    assert flooded - dropped > 1900, "nor can a transport"
    for _ in range(20):
        bed.engine.receive(bed.now_us, b"\x00" * 100, other.address)
    bed.engine.receive(bed.now_us, packet, sender.address)
    assert bed.dropped()["event_ring_full"] == flooded
    bed.pump()
    assert len(bed.events) == 4000 - flooded + 20 + 1
    assert bed.events[-1] == LayerStarted(track, 0, 500)
    bed.events.clear()
    for _ in range(3):
        for _ in range(40):
            bed.engine.receive(bed.now_us, b"\x16" * 1200, sender.address)
        bed.pump()
    assert len(bed.events) == 120, "once read, there is room again"


def test_one_address_cannot_fill_the_event_ring_for_other_strangers() -> None:
    """A rate of its own; of IPv6, that of its network. What newcomers send comes through."""
    bed = Bed()
    for host in ("192.0.2.1", "2001:db8:0:1::{}"):
        before = bed.dropped().get("stranger_rate", 0)
        for place in range(2_000):
            bed.engine.receive(bed.now_us, b"\x00" * 100, (host.format(f"{place:x}"), 1 + place))
        assert bed.dropped()["stranger_rate"] - before == 2_000 - 256, host
    for place in range(50):
        bed.engine.receive(bed.now_us, b"\x00" * 100, (f"198.51.100.{place}", 4_000))
        bed.engine.receive(bed.now_us, b"\x00" * 100, (f"2001:db8:0:{2 + place}::1", 4_000))
    assert bed.dropped() == {"stranger_rate": 2 * (2_000 - 256)}
    bed.pump()
    assert len(bed.events) == 2 * 256 + 100
    bed.events.clear()
    for _ in range(100):
        bed.now_us += 10_000  # five more may come
        for _ in range(20):
            bed.engine.receive(bed.now_us, b"\x00" * 100, ("192.0.2.1", 7))
        bed.pump()
    assert len(bed.events) == 500


def test_very_many_addresses_are_forgotten_one_by_one() -> None:
    """The table is of a fixed size: who owes least makes place, and who floods is remembered."""
    bed = Bed()
    for number in range(20_000):
        bed.engine.receive(bed.now_us, b"\x00", ("192.0.2.1", 1))
        bed.engine.receive(bed.now_us, b"\x00", (f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1))
        if number % 100 == 0:
            bed.pump()
    assert bed.dropped() == {"stranger_rate": 20_000 - 256}


def test_the_event_ring_wraps_at_any_length() -> None:
    bed = Bed()
    for turn in range(40):
        bed.events.clear()
        for length in range(1, 1500, 37):
            bed.engine.receive(bed.now_us, b"\x00" * length, (f"192.0.2.{turn}", 1))
        bed.pump()
        assert [len(event.data) for event in bed.events if isinstance(event, StunReceived)] == list(range(1, 1500, 37))
    assert bed.dropped() == {}


def test_with_the_ring_full_of_datagrams_layers_still_get_through() -> None:
    bed = Bed()
    clients = [bed.publisher() for _ in range(20)]
    track = bed.engine.add_track(clients[0].transport, video_track())
    for client in clients:
        for _ in range(100):
            bed.engine.receive(bed.now_us, b"\x16" * 1200, client.address)
    assert bed.dropped()["event_ring_full"] > 0
    packet = clients[0].protect(VideoSource(clients[0], 500).frame(keyframe=True)[0])
    bed.engine.receive(bed.now_us, packet, clients[0].address)
    bed.pump()
    assert bed.events[-1] == LayerStarted(track, 0, 500)


def test_the_transmit_queue_is_bounded() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, audio_track())
    for _ in range(30):
        client = bed.client()
        bed.engine.route(bed.engine.add_slot(client.transport, audio_slot()), track)
    for place in range(100):
        bed.engine.receive(
            bed.now_us, sender.protect(rtp(OPUS, place, 1, 7, b"x", extensions={MID: b"0"})), sender.address
        )
    assert bed.dropped() == {"transmit_full": 3000 - 2048}
    bed.pump()
    for client in bed.clients.values():
        client.forget()
    sender.send(rtp(OPUS, 100, 1, 7, b"y", extensions={MID: b"0"}))
    assert sum(len(client.rtp) for client in bed.clients.values()) == 30, "and it recovers"


@pytest.mark.parametrize("first", ["tracks", "slots", "sender", "receiver", "routes", "nothing"])
def test_things_go_away_in_any_order(first: str) -> None:
    bed = Bed()
    engine = bed.engine
    sender, receiver = bed.publisher(), bed.client()
    tracks = [
        engine.add_track(sender.transport, video_track(rids=("q", "f"))),
        engine.add_track(sender.transport, audio_track()),
    ]
    slots = [
        engine.add_slot(receiver.transport, video_slot()),
        engine.add_slot(receiver.transport, audio_slot()),
    ]
    layers = [VideoSource(sender, 500 + place, rid=rid) for place, rid in enumerate("qf")]

    def send() -> None:
        for layer in layers:
            layer.send_frame(keyframe=True)
        bed.run(500_000)

    for slot, track in zip(slots, tracks, strict=True):
        engine.route(slot, track)
    send()
    before = len(receiver.rtp)
    assert before > 0
    for place in range(2):
        if first == "tracks":
            engine.remove_track(tracks[place])
        elif first == "slots":
            engine.remove_slot(slots[place])
        elif first == "routes":
            engine.route(slots[place], None)
    if first in ("sender", "receiver"):
        engine.remove_transport((sender if first == "sender" else receiver).transport)
    send()
    assert (len(receiver.rtp) > before) == (first == "nothing")
    bed.run(3_000_000)
    for client in (sender, receiver):
        with contextlib.suppress(KeyError):
            engine.remove_transport(client.transport)
    bed.run(3_000_000)
    assert engine.next_timer_us() > 1 << 60


def test_a_slot_that_comes_back_goes_on_counting() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, audio_track())
    numbers = []
    for turn in range(40):
        slot = bed.engine.add_slot(receiver.transport, audio_slot())
        bed.engine.route(slot, track)
        for place in range(3):
            sender.send(rtp(OPUS, turn * 3 + place, 960 * place, 7, b"x", extensions={MID: b"0"}))
        numbers += [packet.sequence_number for packet in receiver.rtp]
        receiver.forget()
        bed.engine.remove_slot(slot)
    assert len(numbers) == len(set(numbers)) == 120
    assert numbers == sorted(numbers), "an SRTP index is never used twice under one key"


def test_audio_levels_since_the_last_call() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, audio_track())
    silent = bed.engine.add_track(sender.transport, audio_track("2"))
    assert bed.engine.audio_levels() == []
    for place, level in enumerate((60, 20, 40)):
        sender.send(
            rtp(OPUS, place, 1, 7, b"x", extensions={MID: b"0", LEVEL: bytes([level | (0x80 if place == 1 else 0)])})
        )
    sender.send(rtp(OPUS, 1, 1, 8, b"x", extensions={MID: b"2", LEVEL: bytes([127])}))
    found = {level.track: level for level in bed.engine.audio_levels()}
    assert (found[track].loudest_dbov, found[track].mean_dbov, found[track].packets, found[track].voice) == (
        20,
        40,
        3,
        True,
    )
    assert (found[silent].loudest_dbov, found[silent].packets, found[silent].voice) == (127, 1, False)
    assert bed.engine.audio_levels() == []
    sender.send(rtp(OPUS, 9, 1, 7, b"x", extensions={MID: b"0", LEVEL: bytes([50])}))
    assert [(level.track, level.packets) for level in bed.engine.audio_levels()] == [(track, 1)]


def test_an_engine_is_initialised_once() -> None:
    engine = Engine()
    with pytest.raises(LocalError):
        engine.__init__()  # type: ignore[misc]
