"""Before one comes in: one's own picture and voice, what is turned off stays off, and the page as a program of one's own."""

import json
from urllib.parse import urljoin

from ciranda.server import Server
from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.stats import eventually

TIMEOUT_MS = 30_000
HEARD = """(() => {
  globalThis.heard = {};
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    if (this instanceof HTMLAudioElement && this.srcObject) listen(this);
    return play.call(this);
  };
  const listen = (element) => {
    const context = new AudioContext();
    const analyser = new AnalyserNode(context);
    context.createMediaStreamSource(element.srcObject).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    setInterval(() => {
      if (element.paused || element.muted || !element.volume) return;
      analyser.getFloatTimeDomainData(samples);
      heard[element.sinkId] = Math.max(heard[element.sinkId] ?? 0, ...samples.map(Math.abs));
    }, 20);
  };
})();"""
"""Speaker → the loudest that it was given, 0 to 1."""
LEVEL = "new DOMMatrix(getComputedStyle(document.querySelector('.level-bar')).transform).a"


async def test_the_level_moves_and_what_is_off_in_the_lobby_is_off_in_the_meeting(tabs: Tabs, server: Server) -> None:
    """The fake microphone beeps every second."""
    bo = await MeetingPage.join(tabs, server.url, "lobby", "Bo")
    tab = await tabs.open(f"{server.url}/lobby", instrumented=True)
    page = tab.page
    await page.wait_for_function(f"() => {LEVEL} > 0.1", timeout=TIMEOUT_MS)
    await page.wait_for_function("() => document.querySelector('.preview video').videoWidth > 0", timeout=TIMEOUT_MS)
    await page.get_by_role("button", name="Mute microphone").click()
    await page.get_by_role("button", name="Turn camera off").click()
    await page.get_by_text("Your camera is off").wait_for(timeout=TIMEOUT_MS)
    await page.wait_for_function(f"() => {LEVEL} === 0", timeout=TIMEOUT_MS)
    await page.fill("#name", "Ana")
    await page.click("button[type=submit]")
    ana = MeetingPage(tab, "Ana")
    await ana.connected()
    await ana.wait_for_pictures("Bo")
    await bo.tile("Ana").get_by_role("img", name="Microphone off").wait_for(timeout=TIMEOUT_MS)
    assert await bo.tile("Ana", playing=True).count() == 0

    async def nothing_but_silence() -> bool:
        (theirs,) = await bo.page.evaluate(
            "() => [...ciranda.participants.values()].map(({ tracks }) => [...tracks.values()])"
        )
        return all(track["muted"] for track in theirs)

    await eventually(nothing_but_silence, within_s=10, what="Ana sends nothing")
    await ana.press("camera")
    await bo.wait_for_pictures("Ana")
    assert tab.errors == bo.tab.errors == []


async def test_the_test_sound_and_the_others_are_heard_at_the_chosen_speaker(
    pair: tuple[MeetingPage, MeetingPage], tabs: Tabs
) -> None:
    tab = await tabs.open(f"{await pair[0].page.evaluate('location.origin')}/pair", instrumented=True, scripts=(HEARD,))
    page = tab.page

    async def choose(index: int) -> str:
        option = page.locator("#device-speaker option").nth(index)
        await option.wait_for(state="attached", timeout=TIMEOUT_MS)
        found = str(await option.get_attribute("value"))
        await page.select_option("#device-speaker", value=found)
        return found

    async def sounds_at(speaker: str) -> None:
        await page.evaluate("() => { globalThis.heard = {}; }")
        await page.get_by_role("button", name="Play a test sound").click()
        await page.wait_for_function("(speaker) => heard[speaker] > 0.1", arg=speaker, timeout=TIMEOUT_MS)

    first = await choose(-1)
    await sounds_at(first)
    await page.fill("#name", "Cy")
    await page.click("button[type=submit]")
    cy = MeetingPage(tab, "Cy")
    await cy.connected()
    others = "(speaker) => document.querySelectorAll('audio').length > 1 && heard[speaker] > 0.01"
    await page.evaluate("() => { globalThis.heard = {}; }")
    await page.wait_for_function(others, arg=first, timeout=TIMEOUT_MS)
    assert list(await page.evaluate("() => heard")) == [first]
    await cy.choose("Settings")
    second = await choose(1)
    assert second != first
    await sounds_at(second)
    await page.evaluate("() => { globalThis.heard = {}; }")
    await page.wait_for_function(others, arg=second, timeout=TIMEOUT_MS)
    assert list(await page.evaluate("() => heard")) == [second]
    assert tab.errors == []
    await cy.leave()


async def test_the_page_can_be_installed(tabs: Tabs, server: Server) -> None:
    """As Chromium reads the manifest."""
    tab = await tabs.open(server.url)
    session = await tab.context.new_cdp_session(tab.page)
    found = await session.send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    assert manifest["display"] == "standalone"
    assert [urljoin(found["url"], manifest[name]) for name in ("start_url", "scope")] == [f"{server.url}/"] * 2
    sizes = await tab.page.evaluate(
        """(icons) => Promise.all(icons.map(({ src }) => new Promise((done) => {
          const image = Object.assign(new Image(), { onload: () => done(image.naturalWidth), onerror: () => done(0) });
          image.src = src;
        })))""",
        [{"src": urljoin(found["url"], icon["src"])} for icon in manifest["icons"]],
    )
    assert sizes
    assert all(sizes)
