"""Whatever keeps somebody from meeting is said in plain words, with a way on."""

import time
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from playwright.async_api import Route

from ciranda.server import Server
from sfu.config import Settings
from tests.harness.chromium import Tab, Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.signaling import Signaling

KEY, SECRET = "desk", "a secret for the tests of the page"
NO_DEVICE = """Object.defineProperty(navigator.mediaDevices, 'getUserMedia', {
  value: async () => { throw new DOMException('', '%s'); } });"""


async def opened(tabs: Tabs, url: str, script: str = "", **context_options: Any) -> Tab:
    """The page at `url`, with a script that ran before it."""
    tab = await tabs.open("about:blank", instrumented=True, **context_options)
    if script:
        await tab.context.add_init_script(script=script)
    await tab.page.goto(url)
    return tab


async def ask_to_join(tab: Tab, name: str = "Ana") -> None:
    await tab.page.fill("#name", name)
    await tab.page.click("button[type=submit]")


async def says(tab: Tab, title: str) -> None:
    """An alert or the heading of a page with this text is seen."""
    await tab.page.locator(".notice.problem strong, h1").filter(has_text=title).wait_for(timeout=15_000)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("NotAllowedError", "Camera and microphone are blocked"),
        ("NotFoundError", "No camera and no microphone were found"),
        ("NotReadableError", "The camera is in use by another program"),
    ],
)
async def test_without_devices_one_is_told_why_and_can_join(tabs: Tabs, server: Server, error: str, words: str) -> None:
    tab = await opened(tabs, f"{server.url}/mute", NO_DEVICE % error)
    await tab.page.locator(".preview-problems", has_text=words).wait_for()
    await ask_to_join(tab)
    ana = MeetingPage(tab, "Ana")
    await ana.connected()
    await ana.wait_for_tiles("Ana (you)")


async def test_one_missing_device_leaves_the_other(tabs: Tabs, server: Server) -> None:
    no_camera = """const native = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      Object.defineProperty(navigator.mediaDevices, 'getUserMedia', { value: async (constraints) => {
        if (constraints.video) throw new DOMException('', 'NotFoundError'); return native(constraints); } });"""
    tab = await opened(tabs, f"{server.url}/half", no_camera)
    await tab.page.locator(".preview-problems", has_text="No camera was found.").wait_for()
    await tab.page.get_by_role("button", name="Mute microphone").wait_for()


async def forgotten_and_back(tab: Tab, room: str) -> None:
    """A page that was in the room is loaded again when its invitation is good for nothing any more."""
    await tab.page.evaluate(
        "(room) => sessionStorage.setItem(`ciranda.session.${room}`, JSON.stringify({ resume: 'gone', name: 'Ana' }))",
        room,
    )
    await tab.page.reload()
    await tab.page.locator(".end-ways button").wait_for()
    assert await tab.page.locator(".end-ways button").all_inner_texts() == ["To the start page"]
    await tab.page.locator(".end-ways button").click()
    await tab.page.get_by_role("button", name="New meeting").wait_for()


async def test_a_name_is_needed(tabs: Tabs, server: Server) -> None:
    tab = await opened(tabs, f"{server.url}/nameless")
    await ask_to_join(tab, "  ")
    await tab.page.get_by_role("alert").filter(has_text="Please enter your name.").wait_for()


async def test_a_full_room(tabs: Tabs) -> None:
    async with Server(Settings(http_port=0, media_port=0, max_participants=1)) as server:
        ana = await MeetingPage.join(tabs, server.url, "small", "Ana")
        tab = await opened(tabs, f"{server.url}/small")
        await ask_to_join(tab, "Bo")
        await says(tab, "This meeting is full")
        await ana.leave()
        await says(ana.tab, "You left the meeting")
        await tab.page.get_by_role("button", name="Join now").click()
        await MeetingPage(tab, "Bo").connected()


async def test_who_waits_in_vain_is_told_and_can_wait_again(tabs: Tabs) -> None:
    async with (
        Server(Settings(http_port=0, media_port=0, waiting_seconds=2, max_waiting=1)) as server,
        Signaling(server.url, "door") as ana,
    ):
        await ana.join("Ana")
        await ana.send({"type": "room", "waiting_room": True})
        cid = await opened(tabs, f"{server.url}/door")
        dan = await opened(tabs, f"{server.url}/door")
        await ask_to_join(cid, "Cid")
        await cid.page.get_by_role("heading", name="Waiting to be let in").wait_for()
        await ask_to_join(dan, "Dan")
        await says(dan, "Too many people are waiting")
        await says(cid, "Nobody has let you in")
        await dan.page.get_by_role("button", name="Join now").click()
        await dan.page.get_by_role("heading", name="Waiting to be let in").wait_for()


async def test_tokens(tabs: Tabs) -> None:
    async with Server(Settings(http_port=0, media_port=0, api_key=(f"{KEY}:{SECRET}",))) as server:
        grant = {"iss": KEY, "sub": "ana", "video": {"room": "vip", "roomJoin": True}}
        valid = jwt.encode({**grant, "exp": int(time.time()) + 60}, SECRET, algorithm="HS256")
        expired = jwt.encode({**grant, "exp": int(time.time()) - 60}, SECRET, algorithm="HS256")
        for token, title in (
            ("", "This meeting needs an invitation"),
            ("#token=nonsense", "This invitation is not valid"),
            (f"#token={expired}", "This invitation has expired"),
        ):
            tab = await opened(tabs, f"{server.url}/vip{token}")
            await ask_to_join(tab)
            await says(tab, title)
            if title.endswith("expired"):
                await tab.page.get_by_role("alert").get_by_role("button", name="To the start page").click()
                await tab.page.get_by_role("button", name="New meeting").wait_for()
                await tab.page.goto(f"{server.url}/vip{token}")
                await forgotten_and_back(tab, "vip")
            await tab.close()
        tab = await opened(tabs, f"{server.url}/vip#token={valid}")
        await ask_to_join(tab)
        await MeetingPage(tab, "Ana").connected()


async def test_a_server_that_went_away_before_joining(tabs: Tabs) -> None:
    async with Server(Settings(http_port=0, media_port=0)) as server:
        tab = await opened(tabs, f"{server.url}/gone")
        await tab.page.locator("#name").wait_for()
    await ask_to_join(tab)
    await says(tab, "The server does not answer")
    assert await tab.page.get_by_role("button", name="Join now").is_enabled()


async def test_browsers_that_cannot_meet_say_where_one_can(tabs: Tabs, server: Server) -> None:
    address = f"{server.url}/old#token=mine"
    clipboard = ["clipboard-read", "clipboard-write"]
    tab = await opened(tabs, address, "delete globalThis.RTCPeerConnection;", permissions=clipboard)
    await says(tab, "This browser cannot hold meetings")
    await tab.page.get_by_text("Use a current Chrome, Edge, Firefox or Safari.").wait_for()
    await tab.page.get_by_role("button", name="Copy link").click()
    await tab.page.locator(".toast", has_text="Link copied").wait_for()
    assert await tab.page.evaluate("() => navigator.clipboard.readText()") == address
    insecure = "Object.defineProperty(globalThis, 'isSecureContext', { value: false });"
    tab = await opened(tabs, f"{server.url}/plain", insecure)
    await says(tab, "Camera and microphone need https")
    async with tab.page.expect_request(f"{server.url}/plain".replace("http:", "https:")):
        await tab.page.get_by_role("button", name="Open with https").click()


async def test_the_other_tab_takes_the_place(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "two-tabs", "Ana")
    token = await ana.page.evaluate("() => ciranda.resumeToken")
    other = await tabs.open(f"{server.url}/two-tabs", instrumented=True)
    await other.page.evaluate(
        "async ([room, resume]) => { sessionStorage.setItem(`ciranda.session.${room}`,"
        " JSON.stringify({ resume, name: 'Ana', microphone: false, camera: false })); }",
        ["two-tabs", token],
    )
    await other.page.reload()
    await says(ana.tab, "The meeting continues elsewhere")
    await ana.page.get_by_role("button", name="Continue here").wait_for()
    await MeetingPage(other, "Ana").connected()


async def test_sound_that_the_browser_holds_back_starts_with_a_click(tabs: Tabs, server: Server) -> None:
    held_back = """const native = HTMLMediaElement.prototype.play;
      globalThis.heldBack = true;
      HTMLMediaElement.prototype.play = function () {
        const refused = globalThis.heldBack && this.tagName === 'AUDIO';
        return refused ? Promise.reject(new DOMException('', 'NotAllowedError')) : native.call(this);
      };"""
    await MeetingPage.join(tabs, server.url, "sound", "Bo")
    tab = await opened(tabs, f"{server.url}/sound", held_back)
    await ask_to_join(tab)
    banner = tab.page.locator(".banner", has_text="The browser holds back the sound")
    await banner.wait_for()
    await tab.page.evaluate("() => { globalThis.heldBack = false; }")
    await banner.get_by_role("button", name="Turn on sound").click()
    await banner.wait_for(state="hidden")


async def test_a_page_of_which_a_part_did_not_arrive_loads_itself_again(tabs: Tabs, server: Server) -> None:
    """The network changes while it is loading, and is away for some time."""
    tab = await tabs.open("about:blank")
    lost: list[str] = []

    async def lose(route: Route) -> None:
        """A module, ahead of time and when it is needed; then the first two questions whether the server is there."""
        name = "question" if route.request.method == "HEAD" else urlsplit(route.request.url).path.rpartition("/")[2]
        if name in ("dom.js", "question") and lost.count(name) < 2:
            lost.append(name)
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await tab.page.route("**", lose)
    await tab.page.goto(f"{server.url}/late")
    await tab.page.locator("#name").wait_for()
    assert lost == ["dom.js", "dom.js", "question", "question"]
    assert await tab.page.evaluate("() => sessionStorage.getItem('ciranda.reloads')") is None


async def test_a_page_that_never_arrives_stops_trying_and_shows_a_way_on(tabs: Tabs, server: Server) -> None:
    tab = await tabs.open("about:blank")
    asked: list[str] = []

    async def lose(route: Route) -> None:
        asked.append(route.request.url)
        await route.abort("connectionreset")

    await tab.page.route("**/app.js", lose)
    await tab.page.goto(f"{server.url}/never")
    await tab.page.wait_for_function("() => sessionStorage.getItem('ciranda.reloads') === '6'")
    assert len(asked) == 6
    late = tab.page.locator("a.late")
    assert not await late.is_visible()
    await late.evaluate("(link) => link.getAnimations().forEach((animation) => animation.finish())")
    assert await late.is_visible()
    await tab.page.unroute("**/app.js")
    await late.click()
    await tab.page.locator("#name").wait_for()
