"""The product's page in Chromium, two libwebrtc clients that send VP9 and AV1, and an aiortc client, all in one room."""

from contextlib import AsyncExitStack

from ciranda.server import Server
from tests.harness.aiortc_client import AiortcParticipant
from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.stats import eventually
from tests.harness.wrtc_client import WrtcParticipant


async def test_everybody_sees_hears_and_reads_everybody(tabs: Tabs, server: Server) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        page = await MeetingPage.join(tabs, server.url, "mixed", "Ana")
        vp9 = await enter(WrtcParticipant(server.url, "mixed", "Vito", codec="video/VP9"))
        av1 = await enter(WrtcParticipant(server.url, "mixed", "Avi", codec="video/AV1"))
        python = await enter(AiortcParticipant(server.url, "mixed", "Ai"))
        clients = (vp9, av1, python)
        await page.wait_for_slots(audio=3, video=3)
        await page.wait_for_pictures("Vito", "Avi", "Ai")

        async def all_decode() -> bool:
            """Three video and three audio streams at each; aiortc can decode VP8 alone, and its own microphone is silent."""
            for person, streams in ((page, 3), (vp9, 3), (av1, 3), (python, 1)):
                sample = await person.sample()
                decoded = sum(s.get("framesDecoded", 0) > 10 for s in sample.inbound("video").values())
                heard = sum(s.get("totalAudioEnergy", 0) > 0 for s in sample.inbound("audio").values())
                if decoded < streams or heard < 2:
                    return False
            return True

        await eventually(all_decode, within_s=20, what="all four decode and hear the others")
        seen = await page.sample()
        codecs = {seen.codec(s) for s in seen.inbound("video").values()}
        assert codecs == {"video/VP8", "video/VP9", "video/AV1"}

        await page.press("chat")
        for speaker in clients:
            await speaker.say(f"{speaker.name} is here")
            await page.wait_for_message(speaker.name, f"{speaker.name} is here")
            for reader in clients:
                if reader is not speaker:
                    await reader.wait_for_chat(speaker, f"{speaker.name} is here")
