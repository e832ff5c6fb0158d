"""Closing a server: everybody is told why, sessions end, and it takes no longer than it may."""

import asyncio
import time

import aiohttp
import pytest

from ciranda.server import Server
from tests.integration.doors import doors
from tests.integration.offers import PUBLISH, WATCH

SDP = {"Content-Type": "application/sdp"}


async def test_everybody_is_told_why() -> None:
    async with doors() as house:
        ana, bo = await house.member("Ana"), await house.member("Bo")
        await ana.offer(PUBLISH)
        async with house.http.post(house.url("/whep/blue"), data=WATCH, headers=SDP) as response:
            assert response.status == 201
        closing = asyncio.create_task(house.server.close())
        assert await ana.closed() == ("shutting_down", 1001)
        assert await bo.closed() == ("shutting_down", 1001)
        await closing
        assert not house.server.node.rooms


async def test_newcomers_are_turned_away_meanwhile() -> None:
    async with doors() as house:
        context = house.server.node
        context.closing = True
        late = await house.socket()
        assert (await late.expect("error"))["code"] == "shutting_down"
        assert await late.closed() == ("shutting_down", 1001)
        async with house.http.post(house.url("/whip/blue"), data=PUBLISH, headers=SDP) as response:
            assert response.status == 503
            assert "Retry-After" in response.headers


async def test_a_client_that_does_not_answer_does_not_hold_it_up() -> None:
    async with doors(shutdown_seconds=3) as house:
        ana = await house.member("Ana")
        connection = ana.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.pause_reading()
        started = time.monotonic()
        await house.server.close()
        assert time.monotonic() - started < 8


async def test_nothing_listens_afterwards() -> None:
    async with doors() as house:
        await house.member("Ana")
        url, media = house.server.url, house.server.media_addresses
        await house.server.close()
        with pytest.raises(aiohttp.ClientConnectorError):
            await house.http.get(url)
        await house.server.close()
    async with Server(http_port=int(url.rpartition(":")[2]), media_port=media[0][1]) as again:
        assert again.url == url


async def test_no_task_outlives_the_server() -> None:
    before = asyncio.all_tasks()
    async with doors() as house:
        ana = await house.member("Ana")
        await ana.offer(PUBLISH)
        await house.http.post(house.url("/whip/blue"), data=PUBLISH, headers=SDP)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
