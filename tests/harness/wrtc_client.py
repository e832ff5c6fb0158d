"""libwebrtc (Chrome's engine) without a browser: the package `wrtc`. Its frames are made here, so every one captured is counted."""

import array
import asyncio
import contextlib
import json
import math
import time
from typing import Any, Self

import aiohttp
import webrtc
import yarl

from tests.harness.participant import Participant
from tests.harness.stats import Sample, Stat

# Before the first connection of the process; the server under test listens on loopback alone.
webrtc.allow_loopback()

WIDTH, HEIGHT, FRAMES_PER_SECOND = 320, 240, 15
SAMPLE_RATE, SAMPLES_PER_BLOCK = 48_000, 480
TONE_HZ, TONE_AMPLITUDE = 440, 8_000


class Media:
    """A tone and a moving picture, written in real time from `start` to `stop`."""

    def __init__(self) -> None:
        self._video = webrtc.VideoTrackGenerator()
        self.video = self._video.track
        self.audio = webrtc.MediaStreamTrackGenerator(webrtc.MediaStreamTrackGeneratorInit(kind="audio"))
        self.frames = 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._write_video()), asyncio.create_task(self._write_audio())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _write_video(self) -> None:
        writer = self._video.writable.get_writer()
        started = time.monotonic()
        chroma = bytes([128]) * (WIDTH * HEIGHT // 2)
        ramp = bytes(range(256)) * (2 + WIDTH // 256)
        while True:
            # A ramp that moves: something for the encoder to do, and a still picture shows as one.
            luma = b"".join(ramp[(3 * self.frames + row) % 256 :][:WIDTH] for row in range(HEIGHT))
            at = int((time.monotonic() - started) * 1e6)
            init = webrtc.VideoFrameBufferInit(format="I420", coded_width=WIDTH, coded_height=HEIGHT, timestamp=at)
            await writer.write(webrtc.VideoFrame(luma + chroma, init))
            self.frames += 1
            await asyncio.sleep(max(0.0, started + self.frames / FRAMES_PER_SECOND - time.monotonic()))

    async def _write_audio(self) -> None:
        writer = self.audio.writable.get_writer()
        started = time.monotonic()
        # One second of the tone, which fits a whole number of times.
        turn = 2 * math.pi * TONE_HZ / SAMPLE_RATE
        tone = array.array("h", (int(TONE_AMPLITUDE * math.sin(turn * n)) for n in range(SAMPLE_RATE))).tobytes()
        block = 2 * SAMPLES_PER_BLOCK
        number = 0
        while True:
            at = number * block % len(tone)
            init = webrtc.AudioDataInit(
                format="s16",
                sample_rate=SAMPLE_RATE,
                number_of_frames=SAMPLES_PER_BLOCK,
                number_of_channels=1,
                timestamp=number * 10_000,
                data=tone[at : at + block],
            )
            await writer.write(webrtc.AudioData(init))
            number += 1
            await asyncio.sleep(max(0.0, started + number / 100 - time.monotonic()))


def _prefer(transceiver: webrtc.RTCRtpTransceiver, mime_type: str) -> None:
    capabilities = webrtc.RTCRtpSender.get_capabilities("video")
    assert capabilities is not None
    codecs = sorted(capabilities.codecs, key=lambda codec: codec.mime_type.lower() != mime_type.lower())
    transceiver.set_codec_preferences(codecs)


async def sample_of(connection: webrtc.RTCPeerConnection) -> Sample:
    """getStats with the names of the W3C."""
    at = time.monotonic()
    report = await connection.get_stats()
    return Sample.of([_camel_case(vars(stat)) for stat in report.values()], at)


def _camel_case(stat: dict[str, Any]) -> Stat:
    named: Stat = {}
    for name, value in stat.items():
        first, *others = name.split("_")
        plain = str(value) if name == "type" else value
        if value is not None:
            named[first + "".join(word.capitalize() for word in others)] = plain
    return named


class WrtcParticipant(Participant):
    """`codec`: MIME type that the video is sent with."""

    def __init__(self, url: str, room: str, name: str, *, codec: str = "video/VP8", **options: Any) -> None:
        super().__init__(url, room, name, **options)
        self.connection = webrtc.RTCPeerConnection()
        self.media = Media()
        self._codec = codec
        self._published: list[tuple[webrtc.RTCRtpTransceiver, str]] = []
        self._open = asyncio.Event()
        self._chat = self.connection.create_data_channel("chat")
        self._chat.on("open", lambda _: self._open.set())
        self._chat.on("message", self._read)

    def _read(self, event: webrtc.MessageEvent) -> None:
        assert isinstance(event.data, str)
        self.heard(event.data)

    async def add_media(self) -> None:
        init = webrtc.RTCRtpTransceiverInit(direction="sendonly")
        audio = self.connection.add_transceiver(self.media.audio, init)
        video = self.connection.add_transceiver(self.media.video, init)
        _prefer(video, self._codec)
        self._published = [(audio, "microphone"), (video, "camera")]
        self.media.start()

    async def make_offer(self) -> tuple[str, dict[str, str]]:
        await self.connection.set_local_description(await self.connection.create_offer())
        description = self.connection.local_description
        assert description is not None
        return description.sdp, {str(transceiver.mid): source for transceiver, source in self._published}

    async def take_answer(self, sdp: str) -> None:
        await self.connection.set_remote_description(webrtc.RTCSessionDescriptionInit(type="answer", sdp=sdp))

    def add_slots(self, audio: int, video: int) -> None:
        for kind, count in ((webrtc.MediaType.audio, audio), (webrtc.MediaType.video, video)):
            for _ in range(count):
                self.connection.add_transceiver(kind, webrtc.RTCRtpTransceiverInit(direction="recvonly"))

    async def restart(self, *, codec: str | None = None) -> None:
        """Restart ICE; `codec`: and send another one from now on."""
        if codec is not None:
            _prefer(next(t for t, source in self._published if source == "camera"), codec)
        self.connection.restart_ice()
        await self.negotiate()

    async def stop_camera(self) -> None:
        """Take the video m-line back for good."""
        transceiver = next(t for t, source in self._published if source == "camera")
        self._published = [(t, source) for t, source in self._published if source != "camera"]
        transceiver.stop()
        await self.negotiate()

    async def start_camera(self) -> None:
        """Publish video on a new m-line, which may take the place of a stopped one."""
        init = webrtc.RTCRtpTransceiverInit(direction="sendonly")
        self._published.append((self.connection.add_transceiver(self.media.video.clone(), init), "camera"))
        await self.negotiate()

    async def say(self, text: str) -> None:
        await asyncio.wait_for(self._open.wait(), 10)
        self._chat.send(json.dumps({"text": text}))

    async def sample(self) -> Sample:
        return await sample_of(self.connection)

    async def close_connection(self) -> None:
        await self.media.stop()
        self.connection.close()


class WrtcHttpClient:
    """WHIP (`publish`) or WHEP (`watch`) with libwebrtc. `async with WrtcHttpClient() as client`."""

    def __init__(self) -> None:
        self.connection = webrtc.RTCPeerConnection()
        self.media = Media()

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.media.stop()
        self.connection.close()
        await self._http.close()

    async def publish(self, url: str, *, codec: str = "video/VP8") -> str:
        """Gives the session's address."""
        init = webrtc.RTCRtpTransceiverInit(direction="sendonly")
        self.connection.add_transceiver(self.media.audio, init)
        _prefer(self.connection.add_transceiver(self.media.video, init), codec)
        self.media.start()
        return await self._exchange(url)

    async def watch(self, url: str) -> str:
        """Gives the session's address."""
        for kind in (webrtc.MediaType.audio, webrtc.MediaType.video):
            self.connection.add_transceiver(kind, webrtc.RTCRtpTransceiverInit(direction="recvonly"))
        return await self._exchange(url)

    async def delete(self, session: str) -> int:
        async with self._http.delete(session) as response:
            return response.status

    async def sample(self) -> Sample:
        return await sample_of(self.connection)

    async def _exchange(self, url: str) -> str:
        await self.connection.set_local_description(await self.connection.create_offer())
        description = self.connection.local_description
        assert description is not None
        headers = {"Content-Type": "application/sdp"}
        async with self._http.post(url, data=description.sdp, headers=headers) as response:
            body = await response.text()
            assert response.status == 201, f"{response.status}: {body}"
            location = str(response.url.join(yarl.URL(response.headers["Location"])))
        await self.take_answer(body)
        return location

    async def take_answer(self, sdp: str) -> None:
        await self.connection.set_remote_description(webrtc.RTCSessionDescriptionInit(type="answer", sdp=sdp))
