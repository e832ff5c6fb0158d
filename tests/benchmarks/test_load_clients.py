"""The load benchmark's senders and receivers with no server between them: they must find every fault, and no other."""

from tests.benchmarks.back_to_back import PUBLISHER, RECEIVER, SSRC, back_to_back, until

FAULTS = ("lost", "gaps", "duplicates", "reordered", "corrupt", "auth_failures", "foreign", "nacked")


def test_every_packet_arrives_and_is_checked() -> None:
    with back_to_back() as media:
        until(lambda: media.received() > 4_000)
        media.stop_sending()
        until(lambda: media.received() == media.sender(0)["sent"])
        got, sent = media.client(RECEIVER, to_the_end=True), media.sender(0)
        asked = media.client(PUBLISHER)
    assert got["checked"] == got["unique"] == sent["sent"]
    assert {name: got[name] for name in FAULTS} == dict.fromkeys(FAULTS, 0)
    assert got["sender_reports"] >= 2
    assert asked["auth_failures"] == sent["send_errors"] == asked["nacks"] == 0
    assert asked["reports"] >= 1
    assert asked["transport_feedback"] >= 10
    p50, p99, longest = media.latencies_us([0.5, 0.99])
    assert 0 < p50 <= p99
    assert longest > 0


def test_a_packet_that_does_not_decrypt_is_found() -> None:
    with back_to_back(wrong_key=True) as media:
        until(lambda: media.client(RECEIVER)["auth_failures"] > 10)
        assert media.client(RECEIVER)["first_arrival_ns"] != 0
        assert media.latencies_us([0.5]) == (0, 0)


def test_audio_and_video_are_told_apart() -> None:
    voice = {"payload_type": 111, "clock_rate": 48_000, "keyframe_every_s": 0.0, "packets": (1,), "sizes": (80, 160)}
    with back_to_back(senders=({}, {"ssrc": SSRC + 2, **voice})) as media:
        until(lambda: media.client(RECEIVER)["streams"] == 2 and media.received() > 1_000)
        media.stop_sending()
        until(lambda: media.received() == media.sender(0)["sent"] + media.sender(1)["sent"])
        got = media.client(RECEIVER, to_the_end=True)
    assert {name: got[name] for name in FAULTS} == dict.fromkeys(FAULTS, 0)
    assert media.sender(0)["keyframes"] >= 1
    assert media.sender(1)["keyframes"] == 0


def test_only_active_publishers_send() -> None:
    with back_to_back(senders=({}, {"ssrc": SSRC + 2})) as media:
        until(lambda: media.sender(1)["sent"] > 0)
        media.activate(1)
        before = media.sender(1)["sent"], media.sender(0)["sent"]
        until(lambda: media.sender(0)["sent"] > before[1] + 1_000)
        # A packet that was on its way when it was told may still go.
        assert media.sender(1)["sent"] <= before[0] + 10


def test_what_never_came_is_lost_by_the_senders_own_counter() -> None:
    """As where a server drops the newest packets: the receiver's sequence numbers have no hole."""
    with back_to_back() as media:
        until(lambda: media.received() > 100)
        media.stop_draining()
        before = media.sender(0)["sent"]
        until(lambda: media.sender(0)["sent"] > before + 1_000)
        media.stop_sending()
        got = media.client(RECEIVER)
        assert got["lost"] == got["gaps"] == 0
        assert media.client(RECEIVER, to_the_end=True)["lost"] >= 1_000
