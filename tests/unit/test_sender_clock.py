"""A publisher's streams share one clock, so that what was captured together is forwarded as captured together."""

from datetime import UTC, datetime

import pytest

from sfu.dataplane.clock import Clock, SharedOffset, ntp

NOW_US = 1_700_000_000_000_000
SECOND = 1_000_000


@pytest.mark.parametrize(
    ("moment", "seconds", "fraction"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 2_208_988_800, 0),
        (datetime(2000, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC), 3_155_673_600, 2**31),
        (datetime(2036, 2, 7, 6, 28, 15, 999_999, tzinfo=UTC), 2**32 - 1, 4_294_963_001),
        (datetime(2036, 2, 7, 6, 28, 16, tzinfo=UTC), 0, 0),
        (datetime(2040, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC), 4_417_977_600 - 2**32, 2**30),
    ],
)
def test_ntp_time(moment: datetime, seconds: int, fraction: int) -> None:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    unix_us = (since.days * 86400 + since.seconds) * SECOND + since.microseconds
    assert ntp(unix_us) == seconds << 32 | fraction


class Publisher:
    """Its clock runs `ppm` too fast and is `ahead_us` of ours; an audio and a video stream of it."""

    def __init__(self, ahead_us: int = 0, ppm: int = 0) -> None:
        self.ahead_us, self.ppm = ahead_us, ppm
        self.shared = SharedOffset()
        self.audio, self.video = Clock(48000), Clock(90000)

    def wall_us(self, unix_us: int) -> int:
        return unix_us + self.ahead_us + (unix_us - NOW_US) * self.ppm // SECOND

    def timestamp(self, rate: int, unix_us: int) -> int:
        return self.wall_us(unix_us) * rate // SECOND & 0xFFFFFFFF

    def report(self, clock: Clock, rate: int, sent_us: int, queued_us: int = 0) -> None:
        clock.report(ntp(self.wall_us(sent_us)), self.timestamp(rate, sent_us), sent_us + queued_us, self.shared)

    def error_us(self, clock: Clock, rate: int, unix_us: int) -> float:
        ticks = clock.timestamp(unix_us, self.shared) - self.timestamp(rate, unix_us)
        return ((ticks + 2**31) % 2**32 - 2**31) / rate * SECOND


@pytest.mark.parametrize("ahead_us", [0, 123_456, -987_654_321, 86400 * 365 * SECOND, -NOW_US])
def test_tells_the_publishers_timestamp_at_our_time(ahead_us: int) -> None:
    publisher = Publisher(ahead_us)
    known = [publisher.video.known]
    publisher.report(publisher.video, 90000, NOW_US)
    publisher.report(publisher.audio, 48000, NOW_US + 300_000)
    assert [*known, publisher.video.known] == [False, True]
    for later_us in (0, 1, 10 * SECOND, -3 * SECOND, 86400 * SECOND):
        assert abs(publisher.error_us(publisher.video, 90000, NOW_US + later_us)) < 30
        assert abs(publisher.error_us(publisher.audio, 48000, NOW_US + later_us)) < 50


def test_queueing_moves_both_streams_alike() -> None:
    publisher = Publisher(ahead_us=-5_000_000)
    now_us = NOW_US
    for audio_queue, video_queue in [(400, 90_000), (70_000, 20_000), (3_000, 250_000), (20_000, 10_000)] * 10:
        publisher.report(publisher.audio, 48000, now_us, audio_queue)
        publisher.report(publisher.video, 90000, now_us + 500_000, video_queue)
        now_us += SECOND
        skew_us = publisher.error_us(publisher.audio, 48000, now_us) - publisher.error_us(
            publisher.video, 90000, now_us
        )
        assert abs(skew_us) < 50, "lip sync"
    assert -12_000 < publisher.error_us(publisher.audio, 48000, now_us) < 0, "the least queueing counts"


@pytest.mark.parametrize("ppm", [-100, 100])
def test_follows_a_clock_that_drifts(ppm: int) -> None:
    publisher = Publisher(ppm=ppm)
    for second in range(3600):
        now_us = NOW_US + second * SECOND
        publisher.report(publisher.audio, 48000, now_us, queued_us=(second * 7919) % 40_000)
    # An hour at 100 ppm is 360 ms; the estimate stays within the jitter of the queue.
    assert abs(publisher.error_us(publisher.audio, 48000, now_us)) < 45_000


def test_the_offset_grows_slowly_and_falls_at_once() -> None:
    publisher = Publisher()
    publisher.report(publisher.audio, 48000, NOW_US, queued_us=30_000)
    assert publisher.shared.us == 30_000
    publisher.report(publisher.audio, 48000, NOW_US + SECOND, queued_us=10_000)
    assert publisher.shared.us == 10_000
    publisher.report(publisher.audio, 48000, NOW_US + 11 * SECOND, queued_us=60_000)
    assert publisher.shared.us == 10_000 + 10 * 200 + 10, "200 ppm of the 10.05 s between the reports' arrivals"


@pytest.mark.parametrize("step_us", [-3600 * SECOND, -6 * SECOND, 6 * SECOND, 3600 * SECOND])
def test_a_clock_that_was_set_is_followed_at_once(step_us: int) -> None:
    publisher = Publisher()
    publisher.report(publisher.audio, 48000, NOW_US)
    publisher.ahead_us += step_us
    publisher.report(publisher.audio, 48000, NOW_US + SECOND)
    publisher.report(publisher.video, 90000, NOW_US + SECOND)
    assert abs(publisher.error_us(publisher.audio, 48000, NOW_US + 2 * SECOND)) < 50
    assert abs(publisher.error_us(publisher.video, 90000, NOW_US + 2 * SECOND)) < 50


def test_a_sender_without_a_wall_clock_tells_nothing() -> None:
    clock, shared = Clock(90000), SharedOffset()
    clock.report(0, 5000, NOW_US, shared)
    assert not clock.known
    assert shared.us == 0


@pytest.mark.parametrize("hostile", [1, 2**32, 2**63, 2**64 - 1])
@pytest.mark.parametrize("now_us", [0, 1, NOW_US, 2**60])
def test_absurd_times_do_no_harm(hostile: int, now_us: int) -> None:
    clock, shared = Clock(90000), SharedOffset()
    for _ in range(3):
        clock.report(hostile, 2**32 - 1, now_us, shared)
        clock.report(2**64 - hostile, 0, now_us, shared)
        for unix_us in (0, now_us, 2**60):
            assert 0 <= clock.timestamp(unix_us, shared) < 2**32
