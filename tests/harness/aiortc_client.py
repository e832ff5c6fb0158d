"""aiortc as a client: another implementation of everything, and the one that Python programs use."""

import asyncio
import contextlib
import fractions
import json
import time
from typing import Any

import aioice.ice
import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from tests.harness.participant import Participant
from tests.harness.stats import Sample, Stat

WIDTH, HEIGHT, FRAMES_PER_SECOND = 320, 240, 15
VIDEO_CLOCK = 90_000

# It gathers every address but loopback's, and the server under test listens on that alone.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []


class Picture(VideoStreamTrack):
    """A moving ramp, small enough for an encoder in Python's process."""

    def __init__(self) -> None:
        super().__init__()
        self.frames = 0
        self._started = time.monotonic()

    async def recv(self) -> av.VideoFrame:
        due = self._started + self.frames / FRAMES_PER_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        row = np.arange(WIDTH, dtype=np.uint8) + np.uint8(3 * self.frames % 256)
        image = np.full((HEIGHT * 3 // 2, WIDTH), 128, dtype=np.uint8)
        image[:HEIGHT] = row
        frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
        frame.pts = self.frames * VIDEO_CLOCK // FRAMES_PER_SECOND
        frame.time_base = fractions.Fraction(1, VIDEO_CLOCK)
        self.frames += 1
        return frame


class Viewer:
    """Reads a received track to its end and counts what was decoded."""

    def __init__(self, track: MediaStreamTrack, mid: str) -> None:
        self.mid = mid
        self.kind = track.kind
        self.decoded = 0
        self.energy = 0.0
        self._task = asyncio.create_task(self._read(track))

    async def _read(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(Exception):  # MediaStreamError at the track's end: nothing is left to count
            while True:
                frame = await track.recv()
                self.decoded += 1
                if isinstance(frame, av.AudioFrame):
                    self.energy += float(np.square(frame.to_ndarray().astype(np.float64) / 32_768).mean())

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


class AiortcParticipant(Participant):
    """Publishes a small picture and silence, receives whatever slots are asked for."""

    def __init__(self, url: str, room: str, name: str, **options: Any) -> None:
        super().__init__(url, room, name, **options)
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.picture = Picture()
        self.viewers: list[Viewer] = []
        self._published: dict[str, Any] = {}
        self.connection.on("track", self._on_track)
        self._open = asyncio.Event()
        self._chat = self.connection.createDataChannel("chat")
        self._chat.on("open", self._open.set)
        self._chat.on("message", self.heard)

    def _on_track(self, track: MediaStreamTrack) -> None:
        transceiver = next(t for t in self.connection.getTransceivers() if t.receiver.track is track)
        assert transceiver.mid is not None
        self.viewers.append(Viewer(track, transceiver.mid))

    async def add_media(self) -> None:
        self._published = {
            "microphone": self.connection.addTransceiver(AudioStreamTrack(), direction="sendonly"),
            "camera": self.connection.addTransceiver(self.picture, direction="sendonly"),
        }

    async def make_offer(self) -> tuple[str, dict[str, str]]:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        sdp = self.connection.localDescription.sdp
        return sdp, {transceiver.mid: source for source, transceiver in self._published.items()}

    async def take_answer(self, sdp: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="answer"))

    def add_slots(self, audio: int, video: int) -> None:
        for kind, count in (("audio", audio), ("video", video)):
            for _ in range(count):
                self.connection.addTransceiver(kind, direction="recvonly")

    async def say(self, text: str) -> None:
        await asyncio.wait_for(self._open.wait(), 10)
        self._chat.send(json.dumps({"text": text}))

    async def sample(self) -> Sample:
        """What its own statistics lack, the viewers and the picture know."""
        stats: list[Stat] = [{"type": "media-source", "kind": "video", "frames": self.picture.frames}]
        stats.extend(
            {
                "type": "inbound-rtp",
                "kind": viewer.kind,
                "mid": viewer.mid,
                "framesDecoded": viewer.decoded,
                "totalAudioEnergy": viewer.energy,
            }
            for viewer in self.viewers
        )
        return Sample.of(stats, time.monotonic())

    async def close_connection(self) -> None:
        for viewer in self.viewers:
            await viewer.stop()
        await self.connection.close()
