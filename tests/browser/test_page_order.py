"""A host keeps order: who comes in, who may speak, who has to go. The others are told plainly, and pages decide nothing."""

import pytest

from ciranda.server import Server
from tests.harness.chromium import Tab, Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.stats import eventually

TIMEOUT_MS = 30_000


async def knock(tabs: Tabs, server: Server, room: str, name: str) -> Tab:
    """Somebody asks to come in."""
    tab = await tabs.open(f"{server.url}/{room}", instrumented=True)
    await tab.page.fill("#name", name)
    await tab.page.click("button[type=submit]")
    return tab


async def switch(host: MeetingPage, name: str) -> None:
    """One of the meeting's options, whose panel must be open."""
    await host.page.get_by_role("switch", name=name).click()


async def order(host: MeetingPage, person: str, what: str) -> None:
    """By the list of people, whose panel must be open."""
    await host.page.locator(".person", has_text=person).get_by_role("button", name=f"Options for {person}").click()
    await host.page.locator(".orders").get_by_role("button", name=what, exact=True).click()


async def told(person: MeetingPage, text: str) -> None:
    await person.page.locator(".toast", has_text=text).wait_for(timeout=TIMEOUT_MS)


async def says(tab: Tab, title: str) -> None:
    await tab.page.locator(".notice.problem strong, h1:visible").filter(has_text=title).wait_for(timeout=TIMEOUT_MS)


async def test_people_wait_are_let_in_or_refused_and_hear_of_the_end(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "door", "Ana")
    await ana.choose("Meeting options")
    await switch(ana, "Waiting room")
    cid = await knock(tabs, server, "door", "Cid")
    await says(cid, "Waiting to be let in")
    banner = ana.page.locator(".banner", has_text="Cid wants to come in")
    await banner.wait_for(timeout=TIMEOUT_MS)
    await banner.get_by_role("button", name="Admit").click()
    await MeetingPage(cid, "Cid").connected()
    await MeetingPage(cid, "Cid").wait_for_pictures("Ana")
    await banner.wait_for(state="hidden")

    dan = await knock(tabs, server, "door", "Dan")
    await ana.press("people")
    await ana.page.get_by_role("button", name="Refuse Dan").click(timeout=TIMEOUT_MS)
    await says(dan, "You were not let in")
    await dan.page.click("button[type=submit]")
    await says(dan, "Waiting to be let in")
    eve = await knock(tabs, server, "door", "Eve")
    await ana.page.get_by_role("button", name="Refuse all").wait_for(timeout=TIMEOUT_MS)
    assert await ana.page.locator(".banner:visible").count() == 0, "said twice"
    await ana.page.keyboard.press("Escape")
    await ana.page.locator(".banner", has_text="2 people want to come in").get_by_role("button", name="Show").click()
    await ana.page.get_by_role("button", name="Refuse all").click()
    for tab in (dan, eve):
        await says(tab, "You were not let in")
        await tab.page.click("button[type=submit]")
        await says(tab, "Waiting to be let in")
    await ana.page.get_by_role("button", name="Refuse all").wait_for(timeout=TIMEOUT_MS)
    await eve.page.get_by_role("button", name="Stop waiting").click()
    await eve.page.locator("#name").wait_for()
    await ana.page.get_by_role("button", name="Refuse Eve").wait_for(state="detached", timeout=TIMEOUT_MS)

    await ana.press("leave")
    await ana.page.locator("#leave-menu").get_by_role("button", name="End for everybody").click()
    for tab in (cid, dan, ana.tab):
        await says(tab, "The meeting has ended")
    await cid.page.get_by_role("button", name="Start it again").click()
    await cid.page.locator("#name").wait_for()
    assert ana.tab.errors == cid.errors == dan.errors == eve.errors == []


@pytest.mark.slow
async def test_all_who_wait_are_let_in_and_muted_at_once(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "everybody", "Ana")
    await ana.choose("Meeting options")
    await switch(ana, "Waiting room")
    others = [MeetingPage(await knock(tabs, server, "everybody", name), name) for name in ("Bo", "Cid")]
    await ana.press("people")
    await ana.page.get_by_role("button", name="Admit all").click(timeout=TIMEOUT_MS)
    for person in others:
        await person.connected()
    await ana.wait_for_pictures("Bo", "Cid")
    await ana.choose("Meeting options")
    await ana.page.get_by_role("button", name="Mute everybody").click()
    for person in others:
        await person.page.get_by_role("button", name="Unmute microphone").wait_for(timeout=TIMEOUT_MS)
        await ana.tile(person.name).get_by_role("img", name="Microphone off").wait_for(timeout=TIMEOUT_MS)
        assert person.tab.errors == []
    assert await ana.page.evaluate("() => ciranda.published.get('microphone').muted") is False


async def test_a_locked_meeting_says_so(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "locked", "Ana")
    await ana.choose("Meeting options")
    await switch(ana, "Lock")
    await ana.page.get_by_role("img", name="The meeting is locked").wait_for(timeout=TIMEOUT_MS)
    bo = await knock(tabs, server, "locked", "Bo")
    await says(bo, "This meeting is locked")
    await switch(ana, "Lock")
    await ana.page.get_by_role("img", name="The meeting is locked").wait_for(state="hidden", timeout=TIMEOUT_MS)
    await bo.page.click("button[type=submit]")
    await MeetingPage(bo, "Bo").connected()


async def test_who_is_asked_muted_turned_off_and_removed_is_told(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "order", "Ana")
    bo = await MeetingPage.join(tabs, server.url, "order", "Bo")
    await ana.wait_for_pictures("Bo")
    await ana.press("people")
    assert await bo.page.locator('[data-control="more"]').count() == 1
    muted = ana.tile("Bo").get_by_role("img", name="Microphone off")

    await order(ana, "Bo", "Ask to mute")
    await told(bo, "Ana asks you to mute yourself")
    await bo.page.locator(".toast").get_by_role("button", name="Mute").click()
    await muted.wait_for(timeout=TIMEOUT_MS)
    await order(ana, "Bo", "Ask to speak")
    await bo.page.locator(".toast").get_by_role("button", name="Unmute").click(timeout=TIMEOUT_MS)
    await muted.wait_for(state="hidden", timeout=TIMEOUT_MS)

    await order(ana, "Bo", "Ask to mute")
    await bo.page.locator(".toast", has_text="mute yourself").get_by_role("button", name="Not now").click()
    await told(ana, "Bo stays unmuted")
    assert not await muted.is_visible()

    await order(ana, "Bo", "Mute")
    await told(bo, "Ana has muted you")
    await bo.page.locator('[data-control="microphone"].off:enabled').wait_for()
    await muted.wait_for(timeout=TIMEOUT_MS)
    await order(ana, "Bo", "Turn camera off")
    await told(bo, "Ana has turned off your camera")
    await ana.page.locator('li.tile[aria-label="Bo"]:not(.playing)').wait_for(timeout=TIMEOUT_MS)
    for answer in ("Not now", "Turn on camera"):
        await order(ana, "Bo", "Ask to turn on camera")
        await bo.page.locator(".toast", has_text="Ana would like to see you").get_by_role("button", name=answer).click()
        if answer == "Not now":
            await told(ana, "Bo keeps the camera off")
            await bo.page.get_by_role("button", name="Turn camera on").wait_for()
    await ana.wait_for_pictures("Bo")

    await bo.press("hand")
    await ana.tile("Bo").get_by_role("img", name="Raised hand").wait_for(timeout=TIMEOUT_MS)
    await order(ana, "Bo", "Lower hand")
    await bo.page.locator('[data-control="hand"]:not(.active)').wait_for(timeout=TIMEOUT_MS)

    await order(ana, "Bo", "Remove")
    await ana.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await ana.page.wait_for_function("() => !document.querySelector('dialog')")
    await order(ana, "Bo", "Remove")
    await ana.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await says(bo.tab, "You were removed from the meeting")
    await bo.page.get_by_role("button", name="Join again").click()
    await bo.page.locator("#name").wait_for()
    await ana.wait_for_tiles("Ana (you)")
    assert ana.tab.errors == bo.tab.errors == []


@pytest.mark.slow
async def test_what_the_room_forbids_can_not_be_turned_on(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "rights", "Ana")
    bo = await MeetingPage.join(tabs, server.url, "rights", "Bo")
    await ana.wait_for_pictures("Bo")
    await ana.choose("Meeting options")
    for name in ("Turn on the microphone", "Share the screen", "Write in the chat"):
        await switch(ana, name)
    await told(bo, "Ana has muted you")
    for control, hint in (("microphone", "The hosts keep microphones off"), ("share", "Only hosts share their screen")):
        await bo.page.locator(f'[data-control="{control}"][aria-label="{hint}"]:disabled').wait_for(timeout=TIMEOUT_MS)
    await bo.page.keyboard.press("Control+d")
    await told(bo, "The hosts keep microphones off")
    await bo.page.locator('[data-control="microphone"].off:disabled').wait_for()
    await bo.press("chat")
    await bo.page.locator("#chat-text:disabled").wait_for()

    cy = await MeetingPage.join(tabs, server.url, "rights", "Cy")
    await cy.page.locator('[data-control="microphone"].off:disabled').wait_for()
    await bo.wait_for_pictures("Cy")
    await bo.tile("Cy").get_by_role("img", name="Microphone off").wait_for(timeout=TIMEOUT_MS)
    await ana.press("people")
    await order(ana, "Cy", "Allow microphone")
    await cy.press("microphone")
    await ana.tile("Cy").get_by_role("img", name="Microphone off").wait_for(state="hidden", timeout=TIMEOUT_MS)
    identity = await cy.id()

    async def cy_is_heard() -> bool:
        slots = [
            slot["mid"] for slot in await ana.slots() if slot["participant"] == identity and slot["kind"] == "audio"
        ]
        sounds = (await ana.sample()).inbound("audio")
        return any(sounds.get(mid, {}).get("totalAudioEnergy", 0) > 0 for mid in slots)

    await eventually(cy_is_heard, within_s=15, what="Ana hears Cy, who may speak now")
    await order(ana, "Bo", "Make host")
    await told(bo, "You lead the meeting now")
    await bo.page.locator('[data-control="microphone"].off:enabled').wait_for(timeout=TIMEOUT_MS)
    assert ana.tab.errors == bo.tab.errors == cy.tab.errors == []
