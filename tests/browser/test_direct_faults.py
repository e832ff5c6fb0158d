"""What goes wrong around a direct call, and what people notice of it: microphones that are gone, a path that dies without a word, a
server that is killed and started again."""

import asyncio
import signal

from ciranda.server import Server
from sfu.config import Settings
from sfu.direct_signal import Reason
from tests.harness.chromium import Tabs
from tests.harness.direct_link import cuttable_paths
from tests.harness.direct_page import Couple, DirectPage
from tests.harness.server_process import ServerProcess
from tests.harness.stats import eventually

MOST_FROZEN_MS = 3_000.0
"""Without sound there is nothing to compare the path with: a second of nothing at all, and the way back. Seen: 1.3 s; ICE's own
patience is 6 s."""
HEARD_AGAIN_MS = 1_000.0
PATIENT = Settings(http_port=0, media_port=0, direct_margin_seconds=5)
"""A busy machine makes the way between two tabs a long one."""
WITHOUT_MICROPHONE = """(() => {
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (wanted.audio) throw new DOMException('none', 'NotFoundError');
    return real(wanted);
  };
})();"""
FROZEN = """(name) => {
  globalThis.frozen = { ms: 0, at: performance.now(), frames: -1 };
  setInterval(() => {
    const video = document.querySelector(`li.tile[aria-label="${name}"] video`);
    const frames = video?.getVideoPlaybackQuality().totalVideoFrames ?? -1;
    if (frames !== frozen.frames) Object.assign(frozen, { frames, at: performance.now() });
    frozen.ms = Math.max(frozen.ms, performance.now() - frozen.at);
  }, 20);
}"""


async def test_pictures_without_sound_do_not_wait_for_the_browsers_own_patience(tabs: Tabs) -> None:
    async with Server(PATIENT) as server, cuttable_paths() as path:
        ana, bo = [
            await DirectPage.join(tabs, server.url, "signs", name, scripts=(WITHOUT_MICROPHONE,))
            for name in ("Ana", "Bo")
        ]
        couple = Couple(ana, bo)
        await couple.on("direct")
        assert [await page.page.evaluate("() => [...ciranda.published.keys()]") for page in couple.both] == [
            ["camera"],
            ["camera"],
        ]
        for page, other in ((ana, "Bo"), (bo, "Ana")):
            await page.wait_for_pictures(other)
            await page.page.evaluate(FROZEN, other)
        path.cut()
        await couple.on("server")
        await eventually(couple.without_path, within_s=20, what="the old path is closed")
        assert max([await page.page.evaluate("() => frozen.ms") for page in couple.both]) < MOST_FROZEN_MS
        assert server.node.direct.takeovers == {Reason.SILENCE: 1}


async def test_a_microphone_that_is_gone_is_no_broken_path(tabs: Tabs) -> None:
    """Then no sound comes on either way."""
    async with Server(PATIENT) as server:
        await lose_microphones(await Couple.join(tabs, server.url, "unplugged"), server)


async def lose_microphones(couple: Couple, server: Server) -> None:
    await couple.on("direct")
    heard = "() => ciranda.published.get('microphone').track"
    for _ in range(2):
        await asyncio.sleep(0.5)  # what the server's leg had before is old by then
        await couple.ana.page.evaluate(
            f"async () => {{ globalThis.device ??= ({heard})(); await ciranda.replaceTrack('microphone', null); }}"
        )
        await asyncio.sleep(1.5)  # three times as long as silence is borne
        await couple.ana.page.evaluate("() => ciranda.replaceTrack('microphone', device)")
    assert server.node.direct.takeovers == {}
    assert await couple.bo.page.evaluate("() => ciranda.way") == "direct"


async def test_two_talk_on_while_their_server_is_down_and_are_direct_again_at_once(tabs: Tabs) -> None:
    async with ServerProcess("--direct-margin-seconds", "5") as server:
        couple = await Couple.join(tabs, server.url, "killed")
        await couple.on("direct")
        await asyncio.sleep(1)
        await couple.sense()
        await couple.again()
        await server.end(signal.SIGKILL)
        for page in couple.both:
            await page.page.locator(".banner", has_text="Reconnecting").wait_for()
        await asyncio.sleep(1.5)
        for senses in await couple.sensed():
            assert senses.silent_ms < HEARD_AGAIN_MS, senses
            assert senses.heard_packets > 50, senses
        await server.start()
        for page in couple.both:
            await page.page.locator(".banner").wait_for(state="hidden")
        # The new server counts its epochs from one, as the old one did; an attempt that came to nothing would take 10 s.
        await couple.on("direct", within_s=8)
        for page, other in zip(couple.both, ("Bo", "Ana"), strict=True):
            await page.wait_for_pictures(other)
            assert page.tab.errors == []
