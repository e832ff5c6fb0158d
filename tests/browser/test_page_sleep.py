"""The machine sleeps in a meeting: the server lets the place go, and afterwards the page takes one again by itself."""

import asyncio
import time

import pytest

from ciranda.server import Server
from sfu.config import Settings
from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.sleeper import sleeper
from tests.harness.stats import eventually
from tests.harness.wrtc_client import WrtcParticipant
from tests.link.calls import departures, until

BACK_S = 5.0
"""From waking up."""
SHORT = {"heartbeat_seconds": 2.0, "resume_seconds": 1.0, "consent_seconds": 4.0}
PRESENT = """(before) => ciranda.self.id !== before && ciranda.state === 'joined'
  && ciranda.connectionState === 'connected' && ciranda.chatOpen && ciranda.participants.size === 2"""


def names(server: Server) -> list[str]:
    return sorted(p.name for room in server.node.rooms.values() for p in room.participants.values())


@pytest.mark.parametrize(
    ("asleep_s", "times"),
    [(1.0, SHORT), pytest.param(60.0, {}, marks=[pytest.mark.slow, pytest.mark.timeout(240)])],
    ids=["short", "a minute"],
)
async def test_it_is_back_without_a_reload(asleep_s: float, times: dict[str, float]) -> None:
    async with (
        sleeper() as machine,
        Server(Settings(http_port=0, media_port=0, **times)) as server,  # type: ignore[arg-type]
        WrtcParticipant(server.url, "sleep", "Bo") as bo,
        WrtcParticipant(server.url, "sleep", "Cy", publish=False),
    ):
        tabs = Tabs(machine.browser)
        ana = await MeetingPage.join(tabs, server.url, "sleep", "Ana")
        await ana.wait_for_pictures("Bo")
        first = await ana.id()
        await ana.page.evaluate("() => { globalThis.sameDocument = true; }")
        machine.sleep()
        await asyncio.sleep(asleep_s)
        await until(lambda: names(server) == ["Bo", "Cy"], within_s=60, what="the server gives Ana's place up")
        machine.wake()
        started = time.monotonic()

        async def present() -> bool:
            return bool(await ana.page.evaluate(PRESENT, first))

        await eventually(present, within_s=30, what="Ana is back")
        took = time.monotonic() - started
        assert took < BACK_S
        assert names(server) == ["Ana", "Bo", "Cy"], "nobody is there twice"
        await ana.wait_for_pictures("Bo")
        again = await ana.id()
        await until(lambda: any(s["participant"] == again for s in bo.signaling.slots), what="Bo gets her again")
        assert await ana.page.evaluate("() => sameDocument")
        assert departures(bo).count("participant_left") == 1
        await tabs.close()


@pytest.mark.slow
async def test_a_nap_shorter_than_that_is_seen_by_nobody(server: Server) -> None:
    async with (
        sleeper() as machine,
        WrtcParticipant(server.url, "nap", "Bo") as bo,
        WrtcParticipant(server.url, "nap", "Cy", publish=False),
    ):
        tabs = Tabs(machine.browser)
        ana = await MeetingPage.join(tabs, server.url, "nap", "Ana")
        await ana.wait_for_pictures("Bo")
        identity = await ana.id()
        machine.sleep()
        await asyncio.sleep(6)
        machine.wake()

        async def decoded() -> int:
            return sum(int(s.get("framesDecoded", 0)) for s in (await ana.sample()).inbound("video").values())

        before = await decoded()

        async def grew() -> bool:
            return await decoded() > before + 20

        await eventually(grew, within_s=20, what="the picture moves again")
        assert await ana.id() == identity
        assert "participant_left" not in departures(bo)
        await tabs.close()


@pytest.mark.slow
async def test_a_tab_whose_scripts_stand_still_keeps_its_place(tabs: Tabs) -> None:
    """Hidden tabs run their timers once a minute, frozen ones not at all: what the server asks is answered by the browser."""
    patient = Settings(http_port=0, media_port=0, heartbeat_seconds=1.0, resume_seconds=0.5)
    async with Server(patient) as server, WrtcParticipant(server.url, "frozen", "Bo") as bo:
        ana = await MeetingPage.join(tabs, server.url, "frozen", "Ana")
        devtools = await ana.tab.context.new_cdp_session(ana.page)
        await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        await asyncio.sleep(5)
        assert names(server) == ["Ana", "Bo"]
        assert departures(bo) == []
        await devtools.send("Page.setWebLifecycleState", {"state": "active"})
        assert await ana.page.evaluate("() => ciranda.state") == "joined"
