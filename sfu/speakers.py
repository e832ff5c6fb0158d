"""Who speaks, from the audio levels that publishers send with their packets (RFC 6464). No decoding, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass

from sfu.ids import ParticipantId

SPEECH_DBOV = 50
"""Levels quieter than this many dB under overload are not speech (background noise of headsets is at 55 to 70)."""

SMOOTHING = 0.5
"""Weight of the newest level (as LiveKit's audio level observer)."""

HOLD_MS = 500
"""Somebody who pauses for less still speaks."""

SILENCE_DBOV = 127
"""RFC 6464: the quietest level."""


@dataclass(slots=True)
class _Voice:
    level: float = SILENCE_DBOV
    spoke_ms: int = -HOLD_MS


class SpeakerDetector:
    """Turns levels, fed every 100 to 300 ms, into the list of those who speak."""

    def __init__(self) -> None:
        self._voices: dict[ParticipantId, _Voice] = {}
        self._speakers: tuple[ParticipantId, ...] = ()

    @property
    def speakers(self) -> tuple[ParticipantId, ...]:
        """Loudest first, as last reported."""
        return self._speakers

    @property
    def silent(self) -> bool:
        """Nobody speaks or did a moment ago, so that an `update` without levels would change nothing."""
        return not self._speakers and all(voice.level > SILENCE_DBOV - 1 for voice in self._voices.values())

    def spoke_ms(self, participant: ParticipantId) -> int:
        """When they last spoke, in ms of the caller's clock; a negative number: not lately."""
        voice = self._voices.get(participant)
        return voice.spoke_ms if voice else -1

    def update(self, now_ms: int, levels: Mapping[ParticipantId, int]) -> tuple[ParticipantId, ...] | None:
        """Take the newest levels (dBov as the positive number on the wire; who is absent was silent).

        Gives the speakers if they are others than before, or if somebody else is the loudest now; otherwise `None`.
        """
        for participant, level in levels.items():
            voice = self._voices.setdefault(participant, _Voice())
            voice.level += SMOOTHING * (level - voice.level)
        for participant, voice in self._voices.items():
            if participant not in levels:
                voice.level += SMOOTHING * (SILENCE_DBOV - voice.level)
            if voice.level <= SPEECH_DBOV:
                voice.spoke_ms = now_ms
        speaking = [p for p, voice in self._voices.items() if now_ms - voice.spoke_ms < HOLD_MS and voice.spoke_ms >= 0]
        speaking.sort(key=lambda p: self._voices[p].level)
        before, self._speakers = self._speakers, tuple(speaking)
        same = set(before) == set(speaking) and before[:1] == self._speakers[:1]
        return None if same else self._speakers

    def forget(self, participant: ParticipantId) -> None:
        """They left. The next `update` reports the change."""
        self._voices.pop(participant, None)
