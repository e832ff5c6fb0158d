"""Operators see at /status what the server carries, and each room from inside; with API keys a token is asked for."""

import time

import jwt

from ciranda.server import Server
from sfu.config import Settings
from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage

KEY, SECRET = "desk", "a secret for the tests of the operators' page"
TIMEOUT_MS = 20_000


def figure(name: str) -> str:
    return f"""() => [...document.querySelectorAll('.status-figures div')]
      .find((one) => one.querySelector('dt').textContent === '{name}')?.querySelector('dd').textContent"""


async def test_rooms_traffic_and_workers_are_seen_and_a_room_from_inside(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "watched", "Ana")
    tab = await tabs.open(f"{server.url}/status")
    page = tab.page
    await page.locator("h1", has_text="Server status").wait_for(timeout=TIMEOUT_MS)
    await page.wait_for_function(f"() => ({figure('People')})() === '1'", timeout=TIMEOUT_MS)
    await page.wait_for_function(f"() => /bit/.test(({figure('Incoming')})())", timeout=TIMEOUT_MS)
    await page.locator(".trend polyline[points*=' ']").nth(7).wait_for(state="attached", timeout=TIMEOUT_MS)
    workers = page.get_by_role("region", name="Media workers")
    host, port = server.media_addresses[0]
    await workers.get_by_text(f"{host}:{port}").wait_for()
    await page.get_by_role("link", name="watched").click()
    await page.locator("h1", has_text="watched").wait_for(timeout=TIMEOUT_MS)
    people = page.get_by_role("region", name="People")
    await (
        people.locator("tr", has_text="Ana")
        .filter(has_text="connected")
        .filter(has_text="bit/s")
        .wait_for(timeout=TIMEOUT_MS)
    )
    await page.get_by_role("region", name="layer by layer").locator("tr", has_text="camera").first.wait_for()
    await ana.leave()
    await page.locator(".notice.problem", has_text="There is no such room now").wait_for(timeout=TIMEOUT_MS)
    await page.get_by_role("link", name="Back to the server").click()
    await page.get_by_text("No rooms are open.").wait_for(timeout=TIMEOUT_MS)
    assert tab.errors == []


async def test_with_api_keys_a_token_opens_it_for_this_tab(tabs: Tabs) -> None:
    grant = {"iss": KEY, "sub": "ana", "exp": int(time.time()) + 600}
    operator = jwt.encode({**grant, "video": {"roomList": True}}, SECRET, algorithm="HS256")
    guest = jwt.encode({**grant, "video": {"room": "tea", "roomJoin": True}}, SECRET, algorithm="HS256")
    async with Server(Settings(http_port=0, media_port=0, api_key=(f"{KEY}:{SECRET}",))) as server:
        tab = await tabs.open(f"{server.url}/status")
        for token, refusal in ((guest, "it lacks roomList"), ("nonsense", "This is no valid token")):
            await tab.page.fill("#token", token)
            await tab.page.get_by_role("button", name="Show status").click()
            await tab.page.locator(".field-problem", has_text=refusal).wait_for(timeout=TIMEOUT_MS)
        brazilian = (await tabs.open(f"{server.url}/status", locale="pt-BR")).page
        for address, refusal in (("", "falta roomList"), ("#room=tea", "falta roomAdmin")):
            await brazilian.goto(f"{server.url}/status{address}")
            await brazilian.fill("#token", guest)
            await brazilian.get_by_role("button", name="Mostrar").click()
            await brazilian.locator(".field-problem", has_text=refusal).wait_for(timeout=TIMEOUT_MS)
        await tab.page.fill("#token", operator)
        await tab.page.get_by_role("button", name="Show status").click()
        await tab.page.get_by_text("No rooms are open.").wait_for(timeout=TIMEOUT_MS)
        await tab.page.reload()
        await tab.page.get_by_text("No rooms are open.").wait_for(timeout=TIMEOUT_MS)
        other = await tabs.open(f"{server.url}/status")
        await other.page.locator("#token").wait_for(timeout=TIMEOUT_MS)
