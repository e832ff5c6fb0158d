"""A camera or a microphone is unplugged in a call: the next one is taken, the person is told, the others see and hear it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from ciranda.server import Server
from tests.harness.chromium import Tabs, launched
from tests.harness.meeting_page import MeetingPage
from tests.harness.page_server import PAGES
from tests.harness.stats import eventually
from tests.harness.wrtc_client import WrtcParticipant
from tests.link.calls import until

PLUGS = (Path(PAGES) / "plugs.js").read_text()
CAN_BLUR = """(() => {
  const { getCapabilities, getSettings, applyConstraints } = MediaStreamTrack.prototype;
  const blurred = new WeakMap();
  const also = (track, what, more) => (track.kind === 'video' ? { ...what, ...more } : what);
  Object.assign(MediaStreamTrack.prototype, {
    getCapabilities() { return also(this, getCapabilities.call(this), { backgroundBlur: [true, false] }); },
    getSettings() { return also(this, getSettings.call(this), { backgroundBlur: blurred.get(this) ?? false }); },
    async applyConstraints({ backgroundBlur, ...others } = {}) {
      await applyConstraints.call(this, others);
      if (backgroundBlur !== undefined) blurred.set(this, backgroundBlur);
    },
  });
})();"""
"""A driver with the capability of W3C's Media Capture Extensions, which no fake camera has."""
KIND = {"camera": "video", "microphone": "audio"}
GROWS = {"camera": ("framesDecoded", 10.0), "microphone": ("totalAudioEnergy", 1e-6)}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def two_cameras() -> AsyncIterator[Browser]:
    async with launched("--use-fake-device-for-media-stream=device-count=3") as browser:
        yield browser


async def unplug(ana: MeetingPage, source: str) -> str:
    found: str = await ana.page.evaluate("(kind) => unplug(kind)", KIND[source])
    return found


async def label(ana: MeetingPage, source: str) -> str:
    """Of the device that is sent."""
    found: str = await ana.page.evaluate("(source) => ciranda.published.get(source).track?.label ?? ''", source)
    return found


async def told(ana: MeetingPage, text: str) -> None:
    """It is on the screen; taken away, so that the next one is seen for itself."""
    toast = ana.page.locator(".toast", has_text=text).first
    await toast.wait_for()
    await toast.evaluate("(element) => element.remove()")


async def perceived(bo: WrtcParticipant, who: str, source: str) -> None:
    """Bo sees or hears this person now."""
    name, enough = GROWS[source]

    def mid() -> str:
        mids = (s["mid"] for s in bo.signaling.slots if s["participant"] == who and s["kind"] == KIND[source])
        return next(mids, "")

    async def amount() -> float:
        return float((await bo.sample()).inbound(KIND[source]).get(mid(), {}).get(name, 0))

    await until(lambda: bool(mid()), what=f"a slot for the {source}")
    before = await amount()

    async def grew() -> bool:
        return await amount() >= before + enough

    await eventually(grew, within_s=15, what=f"Bo perceives the {source}")


@pytest.mark.parametrize("source", ["camera", "microphone"])
async def test_the_next_device_is_taken_and_the_person_told(two_cameras: Browser, server: Server, source: str) -> None:
    tabs = Tabs(two_cameras)
    async with (
        WrtcParticipant(server.url, "plugs", "Bo") as bo,
        WrtcParticipant(server.url, "plugs", "Cy", publish=False),
    ):
        ana = await MeetingPage.join(tabs, server.url, "plugs", "Ana", scripts=(PLUGS,))
        identity = await ana.id()
        await perceived(bo, identity, source)
        first = await label(ana, source)
        gone = [await unplug(ana, source)]
        await ana.page.wait_for_function(
            "([source, first]) => ![first, ''].includes(ciranda.published.get(source).track?.label ?? '')",
            arg=[source, first],
        )
        await told(ana, f"The {source} is now {await label(ana, source)}.")
        await perceived(bo, identity, source)

        while await label(ana, source):
            gone.append(await unplug(ana, source))
            await ana.page.wait_for_function(
                "(source) => !document.querySelector(`[data-control=${source}]`).disabled", arg=source
            )
        await told(ana, f"The {source} was disconnected.")
        await until(lambda: muted(bo, identity, source), what="the others are told, too")
        await perceived(bo, identity, next(other for other in KIND if other != source))

        await ana.page.evaluate("(id) => plugIn(id)", gone[0])
        await told(ana, f"The {source} is now {first}.")
        await until(lambda: not muted(bo, identity, source), what="it is on again")
        await perceived(bo, identity, source)
        assert ana.tab.errors == []
        await tabs.close()


async def test_a_muted_microphone_stays_muted(two_cameras: Browser, server: Server) -> None:
    tabs = Tabs(two_cameras)
    ana = await MeetingPage.join(tabs, server.url, "plugs-muted", "Ana", scripts=(PLUGS,))
    await ana.press("microphone")
    await ana.page.get_by_role("button", name="Unmute microphone").wait_for()
    first = await unplug(ana, "microphone")
    await told(ana, "The microphone is now ")
    await ana.page.evaluate("(id) => plugIn(id)", first)
    await told(ana, "The microphone is now ")
    await ana.page.get_by_role("button", name="Unmute microphone").wait_for()
    assert await ana.page.evaluate("() => ciranda.published.get('microphone').track.enabled") is False
    await tabs.close()


async def test_the_blur_is_kept_over_reloads_and_for_every_camera(two_cameras: Browser, server: Server) -> None:
    tabs = Tabs(two_cameras)
    ana = await MeetingPage.join(tabs, server.url, "blur", "Ana", scripts=(PLUGS, CAN_BLUR))
    switch = ana.page.get_by_role("switch", name="Blur what is behind me")

    async def is_blurred(camera: str, expected: bool) -> None:
        await ana.page.wait_for_function(
            """([camera, expected]) => {
              const { track } = ciranda.published.get('camera') ?? {};
              return track?.label === camera && track.getSettings().backgroundBlur === expected;
            }""",
            arg=[camera, expected],
        )

    first = await label(ana, "camera")
    await ana.choose("Settings")
    assert not await switch.is_checked()
    await switch.click()
    await is_blurred(first, True)
    await ana.page.locator("#device-camera").select_option(index=1)
    await ana.page.wait_for_function("(first) => ciranda.published.get('camera').track?.label !== first", arg=first)
    second = await label(ana, "camera")
    await is_blurred(second, True)
    await ana.page.reload()
    await ana.connected()
    await is_blurred(second, True)
    await ana.choose("Settings")
    assert await switch.is_checked()
    await switch.click()
    await is_blurred(second, False)
    await unplug(ana, "camera")
    await is_blurred(first, False)
    assert not await switch.is_checked()
    await ana.page.locator("li.tile.self.playing").wait_for()
    assert ana.tab.errors == []
    await tabs.close()


def muted(bo: WrtcParticipant, who: str, source: str) -> bool:
    tracks = bo.signaling.participants[who]["tracks"]
    return all(track["muted"] for track in tracks if track["source"] == source)
