"""The keyboard in a call: it reaches everything, its shortcuts are shown, space talks, and who writes is left alone."""

from tests.harness.meeting_page import MeetingPage
from tests.harness.stats import eventually

TIMEOUT_MS = 30_000
Pair = tuple[MeetingPage, MeetingPage]
FOCUSED = "() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.id"


async def leave_the_field(person: MeetingPage) -> None:
    await person.page.evaluate("() => document.activeElement.blur()")


async def test_the_keyboard_reaches_everything(pair: Pair) -> None:
    ana, _ = pair
    await leave_the_field(ana)
    reached = set()
    for _ in range(16):
        await ana.page.keyboard.press("Tab")
        reached.add(await ana.page.evaluate(FOCUSED))
    bar = {"Mute microphone", "Turn camera off", "Share screen", "React", "Raise hand", "More", "Leave meeting"}
    assert bar | {"Copy link", "People", "Chat", "Pin Bo", "Options for Bo"} <= reached
    await ana.page.locator('[data-control="chat"]').press("Enter")
    await ana.page.wait_for_function("() => document.activeElement.id === 'chat-text'")
    await ana.page.keyboard.press("Escape")
    await ana.page.wait_for_function("() => document.activeElement.dataset.control === 'chat'")


async def test_the_shortcuts_are_shown_and_do_what_they_say(pair: Pair) -> None:
    ana, bo = pair
    shown = ana.page.get_by_role("complementary", name="Keyboard shortcuts")
    for key in ("?", "Control+/"):
        await ana.page.keyboard.press(key)
        await shown.wait_for()
        await ana.page.keyboard.press("Escape")
        await shown.wait_for(state="hidden")
    await ana.choose("Keyboard shortcuts")
    rows = dict([row.split("\n") for row in await shown.locator(".keys-row").all_inner_texts()])
    assert rows["Microphone on or off"] == "Ctrl + D"
    assert rows["Talk while held, when muted"] == "Space"
    assert rows["This list"] == "? or Ctrl + /"

    await ana.page.keyboard.press("Control+e")
    await bo.page.locator('li.tile[aria-label="Ana"]:not(.playing)').wait_for(timeout=TIMEOUT_MS)
    await ana.page.get_by_role("button", name="Turn camera on").wait_for()
    await ana.page.keyboard.press("Control+e")
    await bo.wait_for_pictures("Ana")
    await ana.page.keyboard.press("Control+Alt+h")
    await bo.tile("Ana").get_by_role("img", name="Raised hand").wait_for(timeout=TIMEOUT_MS)
    await ana.page.keyboard.press("Control+Alt+h")
    await bo.tile("Ana").get_by_role("img", name="Raised hand").wait_for(state="hidden", timeout=TIMEOUT_MS)
    await ana.page.keyboard.press("Control+Alt+p")
    await ana.page.get_by_role("complementary", name="People").wait_for()
    await ana.page.keyboard.press("Control+Alt+c")
    await ana.page.get_by_role("complementary", name="Chat").wait_for()
    await ana.page.wait_for_function("() => document.activeElement.id === 'chat-text'")
    await ana.page.keyboard.type("what? now")
    assert await ana.page.input_value("#chat-text") == "what? now"
    assert await shown.count() == 0
    await ana.page.fill("#chat-text", "")
    await ana.page.keyboard.press("Escape")


async def test_space_talks_until_it_is_let_go_and_not_while_one_writes(pair: Pair) -> None:
    ana, bo = pair
    quiet = bo.tile("Ana").get_by_role("img", name="Microphone off")

    async def energy() -> float:
        return float(sum(s["totalAudioEnergy"] for s in (await bo.sample()).inbound("audio").values()))

    await ana.page.keyboard.press("Control+d")
    await quiet.wait_for(timeout=TIMEOUT_MS)
    await leave_the_field(ana)
    before = await energy()
    await ana.page.keyboard.down("Space")
    await quiet.wait_for(state="hidden", timeout=TIMEOUT_MS)
    await ana.page.locator(".toast", has_text="You can be heard while you hold the space bar").wait_for()

    async def heard() -> bool:
        return await energy() > before + 1e-5

    await eventually(heard, within_s=15, what="Bo hears Ana")
    await ana.page.keyboard.up("Space")
    await quiet.wait_for(timeout=TIMEOUT_MS)

    await ana.page.keyboard.down("Space")
    await quiet.wait_for(state="hidden", timeout=TIMEOUT_MS)
    await ana.page.evaluate("() => dispatchEvent(new Event('blur'))")  # another window has the keyboard now
    await quiet.wait_for(timeout=TIMEOUT_MS)
    await ana.page.keyboard.up("Space")

    await ana.press("chat")
    await ana.page.keyboard.type("a b")
    assert await ana.page.input_value("#chat-text") == "a b"
    await ana.page.fill("#chat-text", "")
    await ana.page.keyboard.press("Escape")
    assert await ana.page.evaluate("() => ciranda.published.get('microphone').muted")

    await ana.page.keyboard.press("?")
    await ana.page.get_by_role("switch", name="Keys without Ctrl").click()
    await ana.page.keyboard.press("Escape")
    await leave_the_field(ana)
    for key in ("?", "Space"):
        await ana.page.keyboard.down(key)
    assert await ana.page.locator(".panel:visible").count() == 0
    assert await ana.page.evaluate("() => ciranda.published.get('microphone').muted")
    for key in ("?", "Space"):
        await ana.page.keyboard.up(key)
    await ana.page.keyboard.press("Control+/")
    await ana.page.get_by_role("switch", name="Keys without Ctrl").click()
    await ana.page.keyboard.press("Escape")
    await ana.page.keyboard.press("Control+d")
    await quiet.wait_for(state="hidden", timeout=TIMEOUT_MS)
