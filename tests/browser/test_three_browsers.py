"""Three people in Chromium, on the product's own page, in one room."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import permutations

import pytest
import pytest_asyncio

from ciranda.server import Server
from sfu.config import Settings
from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.stats import Sample, eventually, flow_faults, steady

NAMES = ("Ana", "Bo", "Cy")
MEASURED_S = 10.0
BACK_WITHIN_S = 2.0


async def three(tabs: Tabs, server: Server, room: str) -> list[MeetingPage]:
    """Everybody sees everybody."""
    people = [await MeetingPage.join(tabs, server.url, room, name) for name in NAMES]
    for person in people:
        await person.wait_for_slots(audio=2, video=2)
        await person.wait_for_pictures(*(name for name in NAMES if name != person.name))
    return people


async def test_everybody_decodes_and_hears_both_others(tabs: Tabs, server: Server) -> None:
    people = await three(tabs, server, "three")
    ids = [await person.id() for person in people]
    mids = {
        (receiver, ids.index(slot["participant"]), slot["kind"]): slot["mid"]
        for receiver in range(3)
        for slot in await people[receiver].slots()
    }

    async def sample() -> list[Sample]:
        return list(await asyncio.gather(*(person.sample() for person in people)))

    def judge(before: list[Sample], after: list[Sample]) -> list[str]:
        faults = []
        for a, b in permutations(range(3), 2):
            slots = {kind: mids[a, b, kind] for kind in ("audio", "video")}
            pair = f"{NAMES[b]} at {NAMES[a]}"
            faults += flow_faults(pair, (before[b], after[b]), (before[a], after[a]), slots)
        return faults

    last = await steady(sample, judge, seconds=MEASURED_S)
    for person, seen in zip(people, last, strict=True):
        assert "GCM" in seen.transport()["srtpCipher"]
        assert person.tab.errors == []


@pytest.mark.slow
async def test_tiles_follow_who_comes_and_goes(tabs: Tabs, server: Server) -> None:
    ana, bo, cy = await three(tabs, server, "leaving")
    await ana.wait_for_tiles("Ana (you)", "Bo", "Cy")
    await bo.leave()
    await ana.wait_for_tiles("Ana (you)", "Cy")
    await cy.wait_for_tiles("Cy (you)", "Ana")
    await ana.wait_for_slots(audio=1, video=1)


@pytest_asyncio.fixture(loop_scope="session")
async def relaying() -> AsyncIterator[Server]:
    """A server without direct calls: what is measured came over it."""
    async with Server(Settings(http_port=0, media_port=0, direct_calls=False)) as running:
        yield running


async def test_a_reloaded_page_is_back_within_two_seconds(tabs: Tabs, relaying: Server) -> None:
    ana = await MeetingPage.join(tabs, relaying.url, "reload", "Ana")
    bo = await MeetingPage.join(tabs, relaying.url, "reload", "Bo")
    for person, other in ((ana, "Bo"), (bo, "Ana")):
        await person.wait_for_pictures(other)
    await ana.page.evaluate(
        "() => { globalThis.lefts = 0; ciranda.addEventListener('participantleft', () => lefts++); }"
    )
    identity = await bo.id()

    async def frames_of_bo() -> int:
        slot = next((s["mid"] for s in await ana.slots() if s["participant"] == identity and s["kind"] == "video"), "")
        return int((await ana.sample()).inbound("video").get(slot, {}).get("framesDecoded", 0))

    async def bo_sees() -> bool:
        return any(s["framesDecoded"] > 0 for s in (await bo.sample()).inbound("video").values())

    started = time.monotonic()
    await bo.page.reload(wait_until="commit")
    await bo.connected()
    # What still decodes at Ana after this came over the new connection.
    before = await frames_of_bo()

    async def both() -> bool:
        return await bo_sees() and await frames_of_bo() > before

    await eventually(both, within_s=10, what="both decode each other again")
    took = time.monotonic() - started
    assert took < BACK_WITHIN_S
    assert await bo.id() == identity
    assert await ana.page.evaluate("() => lefts") == 0


async def test_a_shared_screen_is_seen_by_the_others(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "screen", "Ana")
    bo = await MeetingPage.join(tabs, server.url, "screen", "Bo")
    await bo.wait_for_pictures("Ana")
    await ana.press("share")
    await bo.tile("Screen of Ana", playing=True).wait_for(timeout=15_000)
    await bo.wait_for_pictures("Ana")
    await ana.press("share")
    await bo.wait_for_tiles("Bo (you)", "Ana")


async def test_chat_reaches_the_others(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "chat", "Ana")
    bo = await MeetingPage.join(tabs, server.url, "chat", "Bo")
    for person in (ana, bo):
        await person.page.wait_for_function("() => ciranda.chatOpen")
        await person.press("chat")
    await ana.say("Olá, Bo!")
    await bo.wait_for_message("Ana", "Olá, Bo!")
    await bo.say("Olá, Ana <b>e todos</b>")
    await ana.wait_for_message("Bo", "Olá, Ana <b>e todos</b>")


async def test_a_muted_microphone_and_camera_are_marked(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "mute", "Ana")
    bo = await MeetingPage.join(tabs, server.url, "mute", "Bo")
    await bo.wait_for_pictures("Ana")
    await ana.press("microphone")
    await bo.tile("Ana").get_by_role("img", name="Microphone off").wait_for(timeout=15_000)
    await ana.press("microphone")
    await bo.tile("Ana").get_by_role("img", name="Microphone off").wait_for(state="hidden", timeout=15_000)
    await ana.press("camera")
    await bo.page.locator('li.tile[aria-label="Ana"]:not(.playing)').wait_for(timeout=15_000)
    await ana.press("camera")
    await bo.wait_for_pictures("Ana")
