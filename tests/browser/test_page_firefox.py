"""Somebody with Firefox and somebody with Chromium in one meeting: see, hear, write, share, reload, leave."""

import pytest

from ciranda.server import Server
from sfu.config import Settings
from tests.harness.chromium import Tabs
from tests.harness.firefox import own_address
from tests.harness.firefox_driver import FirefoxPage, firefox_page
from tests.harness.meeting_page import MeetingPage
from tests.harness.page_server import PAGES
from tests.harness.stats import eventually

HEARS = """(async () => (await sample()).some(({ type, kind, totalAudioEnergy }) =>
  type === 'inbound-rtp' && kind === 'audio' && totalAudioEnergy > 0))()"""


def sees(caption: str) -> str:
    """A picture in this tile is decoded and goes on."""
    return f"""(() => {{
      const video = document.querySelector('.tile.playing[aria-label="{caption}"] video');
      return video?.videoWidth > 0 && video.currentTime > 0.5;
    }})()"""


DRAWN_SCREEN = """(() => {
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const context = canvas.getContext('2d');
    setInterval(() => { context.fillStyle = `hsl(${Date.now() % 360} 50% 50%)`; context.fillRect(0, 0, 640, 360); }, 100);
    return canvas.captureStream(10);
  };
})()"""


async def press(fox: FirefoxPage, control: str) -> None:
    await fox.evaluate(f"document.querySelector('[data-control=\"{control}\"]').click()")


async def test_firefox_and_chromium_meet(tabs: Tabs) -> None:
    address = own_address()
    if address is None:
        pytest.skip("Firefox does not pair with candidates on loopback, and this machine has no other address")
    settings = Settings(http_port=0, media_port=0, media_host=address, insecure=True, direct_margin_seconds=5)
    async with Server(settings) as server, firefox_page() as fox:
        await fox.before_pages((PAGES / "instrument.js").read_text("utf-8"))
        await fox.goto(f"{server.url}/fox")
        await fox.wait_for("document.querySelector('.preview video')?.videoWidth > 0")
        await fox.evaluate("document.querySelector('#name').value = 'Fox'")
        await fox.evaluate("document.querySelector('button[type=submit]').click()")
        await fox.wait_for("globalThis.ciranda?.connectionState === 'connected'")
        bo = await MeetingPage.join(tabs, server.url, "fox", "Bo")
        await bo.wait_for_pictures("Fox")
        await fox.wait_for(sees("Bo"))
        await fox.wait_for(HEARS)

        async def heard() -> bool:
            return any(s["totalAudioEnergy"] > 0 for s in (await bo.sample()).inbound("audio").values())

        await eventually(heard, within_s=10, what="Bo hears Firefox")
        await fox.wait_for("ciranda.way === 'direct'")  # all that follows is about two who are alone
        await bo.page.wait_for_function("() => ciranda.way === 'direct'")

        await fox.wait_for("ciranda.chatOpen")
        await press(fox, "chat")
        await fox.evaluate("document.querySelector('#chat-text').value = 'hello from Firefox'")
        await fox.evaluate("document.querySelector('.chat-form').requestSubmit()")
        await bo.press("chat")
        await bo.wait_for_message("Fox", "hello from Firefox")
        await bo.say("hello Firefox")
        await fox.wait_for("document.querySelector('.chat-list').innerText.includes('hello Firefox')")

        await fox.evaluate(DRAWN_SCREEN)
        await press(fox, "share")
        await bo.tile("Screen of Fox", playing=True).wait_for(timeout=20_000)
        await press(fox, "share")
        await bo.wait_for_tiles("Bo (you)", "Fox")
        await bo.press("share")
        await fox.wait_for(sees("Screen of Bo"))
        await bo.press("share")
        await fox.wait_for("!document.querySelector('.tile[aria-label=\"Screen of Bo\"]')")

        await press(fox, "microphone")
        await bo.page.locator('li.tile[aria-label="Fox"] .tile-mark').wait_for()
        await press(fox, "microphone")

        identity = await fox.evaluate("ciranda.self.id")
        await fox.reload()
        await fox.wait_for(f"globalThis.ciranda?.self?.id === {identity!r}")
        await fox.wait_for(sees("Bo"))
        await bo.wait_for_pictures("Fox")

        await fox.evaluate("document.querySelector('.control.leave').click()")
        await fox.evaluate("document.querySelector('#leave-menu button').click()")
        await bo.wait_for_tiles("Bo (you)")
        await fox.wait_for("document.querySelector('.end h1')?.textContent === 'You left the meeting'")
