"""What people do in a call beside talking: raise a hand, pin, share the link, share a screen twice."""

import pytest

from ciranda.server import Server
from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage

TIMEOUT_MS = 15_000
ROBOT = """
  const { Meeting } = await import('/static/client/index.js');
  const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 });
  const context = canvas.getContext('2d');
  setInterval(() => { context.fillStyle = `hsl(${Date.now() % 360} 60% 50%)`; context.fillRect(0, 0, 320, 240); }, 60);
  const drawn = canvas.captureStream(15).getVideoTracks()[0];
"""
"""A page of one's own, with a picture to publish."""


@pytest.mark.slow
async def test_hands_are_seen_also_by_those_who_come_later(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "hands", "Ana")
    bo = await MeetingPage.join(tabs, server.url, "hands", "Bo")
    for person in (ana, bo):
        await person.page.wait_for_function("() => ciranda.chatOpen")
    await ana.press("hand")
    await bo.tile("Ana").get_by_role("img", name="Raised hand").wait_for(timeout=TIMEOUT_MS)
    cy = await MeetingPage.join(tabs, server.url, "hands", "Cy")
    await cy.tile("Ana").get_by_role("img", name="Raised hand").wait_for(timeout=TIMEOUT_MS)
    await ana.press("hand")
    for person in (bo, cy):
        await person.tile("Ana").get_by_role("img", name="Raised hand").wait_for(state="hidden", timeout=TIMEOUT_MS)


async def test_pin_people_list_and_connection_details(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "pin", "Ana")
    bo = await MeetingPage.join(tabs, server.url, "pin", "Bo")
    await ana.wait_for_pictures("Bo")
    await ana.page.get_by_role("button", name="Pin Bo", exact=True).press("Enter")
    await ana.page.wait_for_function(
        '() => { const width = (name) => document.querySelector(`li.tile[aria-label="${name}"]`).clientWidth;'
        " return width('Bo') > 2 * width('Ana (you)'); }"
    )
    await ana.press("people")
    await ana.page.locator(".person", has_text="Bo").wait_for()
    assert await ana.page.locator(".person").count() == 2
    await bo.leave()
    await ana.page.locator(".person", has_text="Bo").wait_for(state="detached")
    await ana.page.locator(".alone").wait_for()
    await ana.choose("Connection details")
    await ana.page.locator(".stats", has_text="GCM").wait_for(timeout=TIMEOUT_MS)


async def test_the_link_is_copied_without_the_token(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(
        tabs, f"{server.url}", "link#token=secret", "Ana", permissions=["clipboard-read", "clipboard-write"]
    )
    await ana.page.get_by_role("button", name="Copy link").first.click()
    await ana.page.locator(".toast", has_text="Link copied").wait_for()
    link = await ana.page.evaluate("() => navigator.clipboard.readText()")
    assert link == f"{server.url}/link"
    tab = await tabs.open(link, instrumented=True)
    await tab.page.fill("#name", "Bo")
    await tab.page.click("button[type=submit]")
    await MeetingPage(tab, "Bo").wait_for_pictures("Ana")


async def test_the_link_is_sent_by_the_programs_of_the_system(tabs: Tabs, server: Server) -> None:
    tab = await tabs.open("about:blank", instrumented=True)
    await tab.context.add_init_script(script="navigator.share = async (what) => { globalThis.shared = what; };")
    await tab.page.goto(f"{server.url}/send#token=secret")
    await tab.page.fill("#name", "Ana")
    await tab.page.click("button[type=submit]")
    ana = MeetingPage(tab, "Ana")
    await ana.connected()
    await ana.choose("Send link")
    assert await ana.page.evaluate("() => globalThis.shared") == {"title": "send", "url": f"{server.url}/send"}


async def test_the_start_page_proposes_names_and_takes_links(tabs: Tabs, server: Server) -> None:
    tab = await tabs.open(server.url)
    name = tab.page.locator(".home-name strong")
    first = await name.inner_text()
    await tab.page.get_by_role("button", name="Another name").click()
    second = await name.inner_text()
    assert first != second
    await tab.page.get_by_role("button", name="New meeting").click()
    await tab.page.locator("#name").wait_for()
    assert tab.page.url == f"{server.url}/{second}"
    await tab.page.goto(server.url)
    await tab.page.fill("#room", "https://elsewhere.example/tea")
    await tab.page.keyboard.press("Enter")
    await tab.page.locator(".field-problem", has_text="no link of a meeting here").wait_for()
    await tab.page.fill("#room", f"{server.url}/{first}#token=secret")
    await tab.page.keyboard.press("Enter")
    await tab.page.locator("#name").wait_for()
    assert tab.page.url == f"{server.url}/{first}#token=secret"
    assert tab.errors == []


async def test_the_client_module_serves_other_pages(tabs: Tabs, server: Server) -> None:
    """A page of one's own: a drawn picture is published, what comes back is decoded, without any view of ours."""
    ana = await MeetingPage.join(tabs, server.url, "module", "Ana")
    robot = await tabs.open(f"{server.url}/", instrumented=True)
    await robot.page.evaluate(
        f"async () => {{ {ROBOT}"
        """
          const meeting = new Meeting();
          globalThis.robot = meeting;
          meeting.addEventListener('chat', ({ detail }) => meeting.sendChat(`you said ${detail.text}`));
          await meeting.join({ room: 'module', name: 'Robot' });
          await meeting.publish(drawn, 'camera');
        }"""
    )
    await ana.wait_for_pictures("Robot")
    await robot.page.wait_for_function("() => robot.chatOpen")
    await ana.page.wait_for_function("() => ciranda.chatOpen")
    await ana.press("chat")
    await ana.say("hello")
    await ana.wait_for_message("Robot", "you said hello")
    await robot.page.evaluate("() => robot.leave()")
    await ana.wait_for_tiles("Ana (you)")


async def test_a_track_published_while_an_offer_is_made_goes_along_with_the_next(tabs: Tabs, server: Server) -> None:
    """As after a reload, when the devices are there within the same moment as the server's welcome."""
    ana = await MeetingPage.join(tabs, server.url, "moment", "Ana")
    robot = await tabs.open(f"{server.url}/", instrumented=True)
    await robot.page.evaluate(
        f"async () => {{ {ROBOT}"
        """
          const meeting = globalThis.robot = new Meeting();
          globalThis.problems = [];
          meeting.addEventListener('error', ({ detail }) => problems.push(String(detail)));
          const describe = RTCPeerConnection.prototype.setLocalDescription;
          RTCPeerConnection.prototype.setLocalDescription = async function (...description) {
            RTCPeerConnection.prototype.setLocalDescription = describe;
            await describe.apply(this, description);
            globalThis.published = meeting.publish(drawn, 'camera');
          };
          await meeting.join({ room: 'moment', name: 'Robot' });
        }"""
    )
    await ana.wait_for_pictures("Robot")
    await robot.page.evaluate("() => published")
    assert await robot.page.evaluate("() => problems") == []
    assert await robot.page.evaluate("() => connections[0].connectionState") == "connected"


async def test_a_screen_is_shared_twice_and_the_camera_goes_on(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "again", "Ana")
    bo = await MeetingPage.join(tabs, server.url, "again", "Bo")
    await bo.wait_for_pictures("Ana")
    for _ in range(2):
        await ana.press("share")
        await bo.tile("Screen of Ana", playing=True).wait_for(timeout=TIMEOUT_MS)
        await ana.press("share")
        await bo.wait_for_tiles("Bo (you)", "Ana")
    await bo.wait_for_pictures("Ana")
    lines = await ana.page.evaluate("() => connections[0].localDescription.sdp.match(/^m=/gm).length")
    assert lines <= 7, "a line that is no longer used is used again"
    assert ana.tab.errors == bo.tab.errors == []
