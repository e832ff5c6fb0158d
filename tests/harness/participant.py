"""A person in a room over the WebSocket protocol, whatever WebRTC library is behind: what all of them do alike.

A subclass brings the peer connection: it makes offers, takes answers, adds receive-only lines and samples statistics.
"""

import abc
import asyncio
import json
import secrets
from typing import Any, Self

from tests.harness.signaling import Message, Signaling
from tests.harness.stats import Sample, eventually


class Participant(abc.ABC):
    """`async with WrtcParticipant(server.url, room, name) as person`: joined, publishing and receiving."""

    def __init__(self, url: str, room: str, name: str, *, publish: bool = True, **join: Any) -> None:
        self.name = name
        self.signaling = Signaling(url, room)
        self._join = join
        self._publish = publish
        self._connection_id = f"c-{secrets.token_hex(8)}"
        self._negotiating = asyncio.Lock()
        self._needed = (0, 0)
        self.tracks: list[Message] = []
        self.messages: list[Message] = []

    @property
    def id(self) -> str:
        found: str = self.signaling.welcome["participant"]["id"]
        return found

    async def __aenter__(self) -> Self:
        await self.signaling.__aenter__()
        try:
            self.signaling.on_slots_needed = self._slots_needed
            await self.signaling.join(self.name, **self._join)
            if self._publish:
                await self.add_media()
                await self.negotiate()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.signaling.leave()
        await self.close()

    async def close(self) -> None:
        """End everything without a word, as a crashed client would."""
        await self.signaling.__aexit__()
        await self.close_connection()

    async def negotiate(self) -> None:
        """One offer and its answer. Raises `SignalingError` when refused."""
        async with self._negotiating:
            await self._exchange()

    async def _exchange(self) -> None:
        sdp, sources = await self.make_offer()
        tracks = [{"mid": mid, "source": source, "muted": False} for mid, source in sources.items()]
        answer = await self.signaling.offer(self._connection_id, sdp, tracks)
        await self.take_answer(answer["sdp"])
        self.tracks = answer["tracks"]

    async def _slots_needed(self, audio: int, video: int) -> None:
        """So many more than the last answer had; a newer message replaces one that is not acted upon yet."""
        self._needed = (audio, video)
        async with self._negotiating:
            needed, self._needed = self._needed, (0, 0)
            if any(needed):
                self.add_slots(*needed)
                await self._exchange()

    def heard(self, text: str | bytes) -> None:
        """A message came on the chat channel; subclasses call it."""
        self.messages.append(json.loads(text))

    async def wait_for_chat(self, other: "Participant", text: str) -> None:
        """A chat message of the other's."""

        async def came() -> bool:
            return any(m["from"] == other.id and m["name"] == other.name and m["text"] == text for m in self.messages)

        await eventually(came, within_s=10, what=f"{self.name} reads {text!r} of {other.name}'s")

    def slot_of(self, other: "Participant", kind: str) -> str | None:
        """MID of the slot in which this client gets the other's track."""
        return next(
            (s["mid"] for s in self.signaling.slots if s["kind"] == kind and s.get("participant") == other.id), None
        )

    async def receives(self, other: "Participant", kinds: tuple[str, ...] = ("audio", "video")) -> dict[str, str]:
        """Waits until each kind of the other's tracks is in a slot. Gives the MIDs by kind."""
        await self.signaling.until(
            lambda: all(self.slot_of(other, kind) is not None for kind in kinds),
            what=f"{other.name}'s tracks in slots of {self.name}",
        )
        return {kind: self.slot_of(other, kind) or "" for kind in kinds}

    @abc.abstractmethod
    async def add_media(self) -> None:
        """Add an audio and a video track to publish."""

    @abc.abstractmethod
    async def make_offer(self) -> tuple[str, dict[str, str]]:
        """The offer, set as local description, and the source of each published MID."""

    @abc.abstractmethod
    async def take_answer(self, sdp: str) -> None: ...

    @abc.abstractmethod
    def add_slots(self, audio: int, video: int) -> None: ...

    @abc.abstractmethod
    async def say(self, text: str) -> None:
        """In the chat, once its channel is open."""

    @abc.abstractmethod
    async def sample(self) -> Sample: ...

    @abc.abstractmethod
    async def close_connection(self) -> None: ...
