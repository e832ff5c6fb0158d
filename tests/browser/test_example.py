"""The example meeting, served by a web server of its own: two people see and hear each other on it, and each other's names."""

from aiohttp import web

from ciranda.server import Server
from sfu.config import Settings
from signaling.pages import WEB
from tests.harness.chromium import Tab, Tabs
from tests.harness.stats import eventually

EXAMPLES = WEB.parents[1] / "examples"
MOST_LINES = 60
SHOWN = """() => [...document.querySelectorAll('#podium video:not(.other)')]
  .some((video) => video.videoWidth > 100 && video.currentTime > 0.5)"""


async def sees_and_hears(tab: Tab, name: str) -> None:
    await tab.page.locator("#names li", has_text=name).wait_for(timeout=20_000)
    await tab.page.wait_for_function(SHOWN, timeout=20_000)

    async def heard() -> bool:
        return any(s.get("totalAudioEnergy", 0) > 0 for s in (await tab.sample()).inbound("audio").values())

    await eventually(heard, within_s=20, what=f"{name} is heard")


async def test_two_people_meet_on_a_page_of_their_own(tabs: Tabs) -> None:
    assert len((EXAMPLES / "podium.html").read_text().splitlines()) <= MOST_LINES
    app = web.Application()
    app.router.add_static("/", EXAMPLES)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        page = f"http://127.0.0.1:{runner.addresses[0][1]}/podium.html"
        async with Server(Settings(http_port=0, media_port=0, resume_seconds=1)) as server:
            url = f"{page}?server={server.url}&room=own"
            ana = await tabs.open(f"{url}&name=Ana", instrumented=True)
            bo = await tabs.open(f"{url}&name=Bo", instrumented=True)
            await sees_and_hears(ana, "Bo")
            await sees_and_hears(bo, "Ana")
            await bo.close()
            await ana.page.locator("#names li", has_text="Bo").wait_for(state="detached", timeout=30_000)
            assert ana.errors == []
    finally:
        await runner.cleanup()
