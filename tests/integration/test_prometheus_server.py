"""A real Prometheus scrapes a real server: every panel draws something, and alerts fire on faults that happen to the server."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest

from benchmarks.process import ServerProcess
from tests.harness.prometheus import ROOT, RULES, Prometheus, prometheus
from tests.harness.stats import eventually
from tests.harness.wrtc_client import WrtcHttpClient

STOPPED_S = 0.8
"""How long the machine takes the server off the processor: more than any alert on slowness allows."""
DRAWS_NOTHING = (
    "ciranda_packets_dropped_total",
    "ciranda_takeovers_total",
    "ciranda_direct_messages_refused_total",
    "ciranda_moderation_total",
    "ciranda_tcp_closed_total",
    "ciranda_http_connections_closed_total",
    "ciranda_sockets_closed_total",
    "ciranda_refused_total",
    "ciranda_texts_refused_total",
)
"""Panels that are empty as long as all is well and nobody has to keep order."""


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[tuple[ServerProcess, Prometheus]]:
    """A server in a process of its own, with a call on, and Prometheus."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ServerProcess())
        scraper = await stack.enter_async_context(prometheus(tmp_path, server.url))
        publisher = await stack.enter_async_context(WrtcHttpClient())
        viewer = await stack.enter_async_context(WrtcHttpClient())
        await publisher.publish(f"{server.url}/whip/studio")
        await viewer.watch(f"{server.url}/whep/studio")
        yield server, scraper


@contextmanager
def stopped(server: ServerProcess) -> Iterator[None]:
    """All threads of the server stand still meanwhile."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def test_it_is_scraped_drawn_and_watched(watched: tuple[ServerProcess, Prometheus]) -> None:
    server, scraper = watched
    await _draws_every_panel(scraper)
    await _is_calm(scraper)

    with stopped(server):
        await asyncio.sleep(STOPPED_S)  # the fault itself
    await scraper.fires("CirandaEventLoopLags")
    await scraper.fires("CirandaForwardingSlow")
    assert not {"CirandaDown", "CirandaSendBufferFull"} & await scraper.firing()

    os.kill(server.pid, signal.SIGKILL)
    await scraper.fires("CirandaDown")


async def _draws_every_panel(scraper: Prometheus) -> None:
    dashboard = json.loads((ROOT / "metrics" / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(expressions) >= len(dashboard["panels"]) >= 10

    for expression in expressions:
        asked = expression.replace("$instance", ".*")

        async def draws(asked: str = asked) -> bool:
            return bool(await scraper.query(asked))

        if any(name in expression for name in DRAWS_NOTHING):
            await scraper.query(asked)  # Prometheus understands it
        else:
            await eventually(draws, within_s=15, what=f"{expression} draws something")
    assert await scraper.value("ciranda_rooms") == 1
    assert await scraper.value("sum(ciranda_tracks)") == 2
    assert await scraper.value('up{job="ciranda"}') == 1


async def _is_calm(scraper: Prometheus) -> None:
    """All rules are in, Prometheus can evaluate them, and they find nothing in a server that is well."""
    (group,) = (await scraper.api("rules"))["groups"]
    rules = {rule["name"]: rule["health"] for rule in group["rules"]}
    assert len(rules) == RULES.read_text().count("- alert: ")
    assert set(rules.values()) == {"ok"}, group

    async def calm() -> bool:
        return not {"CirandaDown", "CirandaEventLoopLags"} & await scraper.firing()

    # The worst lag is remembered for 15 s, and starting up beside other tests has one.
    await eventually(calm, within_s=20, what="no alert fires")
