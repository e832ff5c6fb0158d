"""WHIP and WHEP sessions with a real client behind them: they end with the transport, by DELETE, or when nobody comes."""

import asyncio

import webrtc

from tests.harness.stats import eventually
from tests.harness.wrtc_client import WrtcHttpClient
from tests.integration.doors import Doors, doors
from tests.integration.offers import PUBLISH


async def connected(client: WrtcHttpClient) -> None:
    async def now() -> bool:
        return client.connection.connection_state == webrtc.RTCPeerConnectionState.connected

    await eventually(now, within_s=10, what="connected")


async def empty(house: Doors) -> None:
    async def now() -> bool:
        return not house.server.node.rooms

    await eventually(now, within_s=10, what="everybody has left")


async def test_a_client_that_hangs_up_ends_its_session() -> None:
    async with doors() as house, WrtcHttpClient() as publisher:
        ana = await house.member("Ana", room="studio")
        session = await publisher.publish(house.url("/whip/studio"))
        await connected(publisher)
        publisher.connection.close()
        assert (await ana.until("participant_left"))["reason"] == "left"
        assert await publisher.delete(session) == 404


async def test_delete_ends_a_live_session() -> None:
    async with doors() as house, WrtcHttpClient() as viewer:
        session = await viewer.watch(house.url("/whep/studio"))
        await connected(viewer)
        assert await viewer.delete(session) == 200
        await empty(house)
        assert await viewer.delete(session) == 404


async def test_a_session_whose_client_never_comes_ends() -> None:
    async with doors(ice_timeout_seconds=0.2) as house:
        headers = {"Content-Type": "application/sdp"}
        async with house.http.post(house.url("/whip/studio"), data=PUBLISH, headers=headers) as response:
            session = response.headers["Location"]
        await empty(house)
        async with house.http.delete(house.url(session)) as response:
            assert response.status == 404


async def test_many_come_and_go() -> None:
    async with doors() as house:
        clients = [WrtcHttpClient() for _ in range(4)]
        for client in clients:
            await client.__aenter__()
        await asyncio.gather(*(client.watch(house.url("/whep/studio")) for client in clients))
        await asyncio.gather(*(connected(client) for client in clients))
        assert "ciranda_participants 4.0" in await house.metrics()
        for client in clients:
            await client.__aexit__()
        await empty(house)
        assert "ciranda_participants 0.0" in await house.metrics()
