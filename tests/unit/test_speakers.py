"""Who speaks is told from audio levels: louder than the threshold, held over pauses, loudest first."""

from sfu.ids import ParticipantId
from sfu.speakers import HOLD_MS, SPEECH_DBOV, SpeakerDetector

ANA, BOB = ParticipantId("p_ana"), ParticipantId("p_bob")
LOUD, LOUDER, NOISE = 30, 15, 65


def feed(detector: SpeakerDetector, start_ms: int, rounds: int, levels: dict[ParticipantId, int]) -> int:
    for number in range(rounds):
        detector.update(start_ms + 100 * number, levels)
    return start_ms + 100 * rounds


def test_speech_is_reported_once_and_noise_never() -> None:
    detector = SpeakerDetector()
    reports = [detector.update(100 * n, {ANA: LOUD, BOB: NOISE}) for n in range(20)]
    assert [r for r in reports if r is not None] == [(ANA,)]


def test_a_single_click_is_not_speech() -> None:
    detector = SpeakerDetector()
    assert detector.update(0, {ANA: SPEECH_DBOV - 5}) is None
    assert all(detector.update(100 * n, {}) is None for n in range(1, 10))


def test_a_short_pause_is_held_and_a_long_one_ends_it() -> None:
    detector = SpeakerDetector()
    now = feed(detector, 0, 10, {ANA: LOUD})
    feed(detector, now, 3, {})
    assert list(detector.speakers) == [ANA]
    feed(detector, now + 300, HOLD_MS // 100 + 5, {})
    assert list(detector.speakers) == []


def test_silence_is_known_once_every_voice_has_faded() -> None:
    detector = SpeakerDetector()
    silent = [detector.silent]
    now = feed(detector, 0, 3, {ANA: LOUD})
    silent.append(detector.silent)
    feed(detector, now, 30, {})
    silent.append(detector.silent)
    assert silent == [True, False, True]


def test_the_loudest_comes_first() -> None:
    detector = SpeakerDetector()
    now = feed(detector, 0, 10, {ANA: LOUD, BOB: LOUDER})
    assert detector.speakers == (BOB, ANA)
    feed(detector, now, 10, {ANA: LOUDER - 10, BOB: LOUD})
    assert detector.speakers == (ANA, BOB)


def test_who_left_is_no_speaker() -> None:
    detector = SpeakerDetector()
    now = feed(detector, 0, 10, {ANA: LOUD})
    detector.forget(ANA)
    assert detector.update(now, {}) == ()
    assert detector.spoke_ms(ANA) == -1
