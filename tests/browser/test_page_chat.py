"""The chat: late comers read what was said, nothing comes twice, secrets reach one person, files arrive as they are."""

from pathlib import Path

import pytest

from ciranda.server import Server
from sfu.config import Settings
from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage

TIMEOUT_MS = 30_000
TEXTS = "() => [...document.querySelectorAll('.chat-text')].map((p) => p.textContent)"
LOOKS_SENT = ".chat-bubble:not(.failed, .sending) .chat-text"
DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type: 'text/plain' }));
  const panel = document.querySelector('.chat');
  panel.dispatchEvent(new DragEvent('dragover', { dataTransfer: data, bubbles: true, cancelable: true }));
  const offered = getComputedStyle(document.querySelector('.chat-drop')).display;
  panel.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
  return offered;
}"""


async def talkers(tabs: Tabs, server: Server, room: str, *names: str) -> list[MeetingPage]:
    """In one room, with the chat open."""
    people = [await MeetingPage.join(tabs, server.url, room, name) for name in names]
    for person in people:
        await person.page.wait_for_function("() => ciranda.chatOpen")
        await person.press("chat")
    return people


async def test_late_comers_read_what_was_said_and_nothing_comes_twice(tabs: Tabs, server: Server) -> None:
    ana, bo = await talkers(tabs, server, "late", "Ana", "Bo")
    await ana.say("see https://example.org/a?b=1, and <b>this</b>")
    await bo.wait_for_message("Ana", "and <b>this</b>")
    await bo.say("thank you")
    await ana.wait_for_message("Bo", "thank you")
    link = bo.page.locator(".chat-text a")
    assert await link.get_attribute("href") == "https://example.org/a?b=1"
    assert await link.get_attribute("rel") == "noopener noreferrer"
    said = ["see https://example.org/a?b=1, and <b>this</b>", "thank you"]

    (cy,) = await talkers(tabs, server, "late", "Cy")
    await cy.wait_for_message("Bo", "thank you")
    assert await cy.page.evaluate(TEXTS) == said

    participant = next(p for room in server.node.rooms.values() for p in room.participants.values() if p.name == "Ana")
    assert participant.connection is not None
    before = await ana.page.evaluate("() => connections.length")  # with a direct one, perhaps
    await participant.connection.transport.close()  # a new peer connection: the history comes again
    await ana.page.wait_for_function(
        "(before) => connections.length > before && ciranda.chatOpen", arg=before, timeout=TIMEOUT_MS
    )
    await cy.say("welcome back")
    await ana.wait_for_message("Cy", "welcome back")
    assert await ana.page.evaluate(TEXTS) == [*said, "welcome back"]

    await bo.page.reload()
    await bo.connected()
    await bo.press("chat")
    await bo.wait_for_message("Cy", "welcome back")
    assert await bo.page.evaluate(TEXTS) == [*said, "welcome back"]
    assert ana.tab.errors == bo.tab.errors == cy.tab.errors == []


async def test_authors_and_hosts_take_messages_back(pair: tuple[MeetingPage, MeetingPage], tabs: Tabs) -> None:
    """Ana leads. What is gone is gone for everybody, file included, and for those who come later."""
    ana, bo = pair
    for person in pair:
        await person.page.wait_for_function("() => ciranda.chatOpen")
        await person.press("chat")
    await ana.say("from a host")
    await bo.say("my mistake")
    await bo.say("something rude")
    await bo.page.evaluate(DROP, ["secret.txt", "s3cret"])
    card = ana.page.get_by_role("link", name="Download secret.txt")
    address = await card.get_attribute("href", timeout=TIMEOUT_MS)
    await bo.wait_for_message("Ana", "from a host")
    assert await bo.page.get_by_role("button", name="Delete this message of Ana").count() == 0, "hosts only"

    async def delete(person: MeetingPage, text: str) -> None:
        message = person.page.locator(".chat-message", has_text=text)
        await message.hover()
        await message.get_by_role("button", name="Delete").click()
        await person.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        for reader in pair:
            await reader.page.locator(".chat-message", has_text=text).wait_for(state="detached", timeout=TIMEOUT_MS)

    await delete(bo, "my mistake")
    await ana.page.locator('[role="log"] .chat-gone', has_text="Message deleted").wait_for()
    await delete(ana, "something rude")
    await bo.page.locator(".chat-gone", has_text="Deleted by a host").wait_for()
    await delete(ana, "secret.txt")
    status = await ana.page.evaluate("async (address) => (await fetch(address)).status", address)
    assert status == 404
    cy = await MeetingPage.join(tabs, await ana.page.evaluate("location.origin"), "pair", "Cy")
    await cy.press("chat")
    await cy.wait_for_message("Ana", "from a host")
    assert await cy.page.evaluate(TEXTS) == ["from a host"]
    await cy.leave()
    for person in pair:
        await person.page.keyboard.press("Escape")


async def test_a_history_that_comes_before_the_call_is_drawn_is_read(
    pair: tuple[MeetingPage, MeetingPage], tabs: Tabs
) -> None:
    """On a busy machine the channel opens before the browser has worked through the answer."""
    ana, _ = pair
    await ana.page.wait_for_function("() => ciranda.chatOpen")
    await ana.press("chat")
    await ana.say("before you came")
    await ana.page.locator(LOOKS_SENT, has_text="before you came").wait_for()
    slow = """(() => {
      const native = RTCPeerConnection.prototype.setRemoteDescription;
      RTCPeerConnection.prototype.setRemoteDescription = async function (...answer) {
        await native.apply(this, answer);
        await new Promise((done) => setTimeout(done, 1_000));
      };
      const wait = globalThis.setTimeout;
      globalThis.setTimeout = (act, ms, ...more) => wait(act, ms === 250 ? 2_000 : ms, ...more); // nor is its own timer in time
    })();"""
    url = await ana.page.evaluate("location.origin")
    cy = await MeetingPage.join(tabs, url, "pair", "Cy", scripts=(slow,))
    await cy.press("chat")
    await cy.wait_for_message("Ana", "before you came")
    await cy.leave()
    await ana.page.keyboard.press("Escape")


@pytest.mark.slow
async def test_nothing_looks_sent_that_the_server_did_not_take(tabs: Tabs) -> None:
    """Two texts are let through, twenty refusals are said, the rest is silence."""
    async with Server(Settings(http_port=0, media_port=0, messages_per_second=0.5, message_burst=2)) as server:
        tab = await tabs.open("about:blank", instrumented=True)
        await tab.page.clock.install()
        await tab.page.goto(f"{server.url}/flood")
        await tab.page.fill("#name", "Ana")
        await tab.page.click("button[type=submit]")
        ana = MeetingPage(tab, "Ana")
        await ana.connected()
        await ana.page.wait_for_function("() => ciranda.chatOpen")
        await ana.press("chat")
        too_early = await ana.page.evaluate(
            """(looksSent) => {
              for (let number = 0; number < 30; number++) ciranda.sendChat(`text ${number}`);
              return document.querySelectorAll(looksSent).length;
            }""",
            LOOKS_SENT,
        )
        assert too_early == 0, "no answer yet"
        refused = ana.page.locator(".chat-bubble.failed")
        await refused.nth(19).wait_for(timeout=TIMEOUT_MS)
        silent = ana.page.locator(".chat-bubble.sending")
        await silent.get_by_role("img", name="Sending…").last.wait_for(timeout=TIMEOUT_MS)
        assert await silent.count() + await refused.count() == 28
        assert await silent.count() >= 4
        assert await ana.page.locator(LOOKS_SENT).all_inner_texts() == ["text 0", "text 1"]
        await ana.page.clock.fast_forward(8_500)
        await refused.nth(27).get_by_text("Not sent: the server does not answer.").wait_for(timeout=TIMEOUT_MS)
        assert await silent.count() == 0
        bo = await MeetingPage.join(tabs, server.url, "flood", "Bo")
        await bo.press("chat")
        await refused.last.get_by_role("button", name="Send again").click()
        await bo.wait_for_message("Ana", "text 29")
        await ana.page.locator(LOOKS_SENT, has_text="text 29").wait_for()
        assert await bo.page.evaluate(TEXTS) == ["text 0", "text 1", "text 29"]


@pytest.mark.slow
async def test_a_private_message_reaches_one_person_alone(tabs: Tabs, server: Server) -> None:
    ana, bo, cy = await talkers(tabs, server, "secret", "Ana", "Bo", "Cy")
    await ana.press("people")
    await ana.page.locator(".person").get_by_role("button", name="Options for Bo").click()
    await ana.page.get_by_role("button", name="Write privately").click()
    assert await ana.page.get_by_role("textbox", name="Message to Bo only").count() == 1
    await ana.say("between us")
    await ana.page.locator(".chat-group", has_text="only to Bo").wait_for()
    await (
        bo.page.locator(".chat-group", has_text="only to you")
        .filter(has_text="between us")
        .wait_for(timeout=TIMEOUT_MS)
    )
    await ana.page.select_option("#chat-to", label="Everybody")
    await ana.say("for all")
    await cy.wait_for_message("Ana", "for all")
    assert await cy.page.evaluate(TEXTS) == ["for all"]
    assert await bo.page.evaluate(TEXTS) == ["between us", "for all"]
    await ana.page.evaluate("() => ciranda.sendChat('too late', { to: 'p_gone' })")
    failed = ana.page.locator(".chat-bubble.failed", has_text="too late")
    await failed.get_by_role("alert").filter(has_text="Not sent: this person has left.").wait_for()
    assert await ana.page.locator(".chat-bubble.failed").count() == 1


async def test_files_are_chosen_or_dropped_and_fetched(tabs: Tabs, tmp_path: Path) -> None:
    async with Server(Settings(http_port=0, media_port=0, max_file_bytes=100_000)) as server:
        ana, bo = await talkers(tabs, server, "papers", "Ana", "Bo")
        page = tmp_path / "árvore & <b>.html"
        page.write_text("<script>document.title = 'never'</script>")
        await ana.page.set_input_files(".chat-form input[type=file]", page)
        card = bo.page.get_by_role("link", name="Download árvore & b.html")
        await card.wait_for(timeout=TIMEOUT_MS)
        async with bo.page.expect_download() as download:
            await card.click()
        fetched = await download.value
        assert Path(await fetched.path()).read_text() == page.read_text()
        assert fetched.suggested_filename.endswith(".html")

        assert await ana.page.evaluate(DROP, ["notes.txt", "dropped"]) == "grid"
        await bo.page.get_by_role("link", name="Download notes.txt").wait_for(timeout=TIMEOUT_MS)
        large = tmp_path / "large.bin"
        large.write_bytes(bytes(200_000))
        await ana.page.set_input_files(".chat-form input[type=file]", large)
        await ana.page.locator(".toast", has_text="large.bin is too large: at most 100 kB can be sent.").wait_for()
        assert ana.tab.errors == bo.tab.errors == []
        assert not [line for line in ana.tab.console + bo.tab.console if "Content Security Policy" in line]
