"""What the front doors hand out opens a real coturn, for relays to the server alone; and it stays out of the logs."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aioice.stun
import aioice.turn
import pytest
from pydantic import SecretStr

from sfu.config import Settings
from signaling.context import CONTEXT
from signaling.ice_servers import IceServers
from tests.harness.coturn import HOST, SECRET, Coturn, coturn, free_port
from tests.integration.doors import Doors, doors
from tests.integration.offers import PUBLISH, WATCH

LINK = re.compile(r'<(\S+)>; rel="ice-server"; username="([^"]+)"; credential="([^"]+)"; credential-type="password"')
UNAUTHORIZED, FORBIDDEN = 401, 403


@pytest.fixture
async def turn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Coturn]:
    async with coturn(tmp_path_factory.mktemp("coturn")) as running:
        yield running


class Peer(asyncio.DatagramProtocol):
    """Knows when its relay is given back."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def connection_lost(self, _: Exception | None) -> None:
        self.gone.set()


@asynccontextmanager
async def relayed(turn: Coturn, username: str | None, credential: str | None) -> AsyncIterator[Any]:
    """A relay by UDP; `TransactionFailed` if it is refused."""
    transport, peer = await aioice.turn.create_turn_endpoint(
        Peer, server_addr=(HOST, turn.port), username=username, password=credential
    )
    yield transport
    transport.close()
    await asyncio.wait_for(peer.gone.wait(), 5)


async def allocate(turn: Coturn, username: str | None, credential: str | None) -> None:
    async with relayed(turn, username, credential) as relay:
        assert relay.get_extra_info("sockname")[0] == HOST


async def refusal(attempt: Any) -> int:
    """The STUN error code with which this fails."""
    with pytest.raises(aioice.stun.TransactionFailed) as caught:
        await attempt
    code: int = caught.value.response.attributes["ERROR-CODE"][0]
    return code


async def link(house: Doors, path: str, offer: str) -> tuple[str, str, str]:
    """URL, username and credential of the only TURN server that this door names."""
    headers = {"Content-Type": "application/sdp"}
    async with house.http.post(house.url(path), data=offer, headers=headers) as response:
        assert response.status == 201, await response.text()
        (found,) = map(LINK.fullmatch, response.headers.getall("Link"))
    assert found is not None
    url, username, credential = found.groups()
    return url, username, credential


async def test_every_door_hands_out_what_coturn_takes(turn: Coturn) -> None:
    async with doors(turn_server=(turn.url("udp"),), turn_secret=SECRET) as house:
        (welcomed,) = (await house.member()).welcome["ice_servers"]
        handed = [
            (*welcomed["urls"], welcomed["username"], welcomed["credential"]),
            await link(house, "/whip/blue", PUBLISH),
            await link(house, "/whep/blue", WATCH),
        ]
    assert len({username for _, username, _ in handed}) == 3, "one is nobody else's"
    for url, username, credential in handed:
        assert url == turn.url("udp")
        await allocate(turn, username, credential)


async def test_whoever_stays_is_handed_the_next_one_in_time(turn: Coturn) -> None:
    async with doors() as house:
        settings = house.server.settings.model_copy(update=_given(turn) | {"turn_ttl_seconds": 2})
        house.server._app[CONTEXT].ice_servers = IceServers(settings)
        member = await house.member()
        (first,) = member.welcome["ice_servers"]
        for _ in range(3):
            ((last,),) = ((await member.until("ice_servers"))["ice_servers"],)
        await allocate(turn, last["username"], last["credential"])
        assert int(last["username"].split(":")[0]) > int(first["username"].split(":")[0])
        assert last["username"].endswith(member.id)
        assert await refusal(allocate(turn, first["username"], first["credential"])) == UNAUTHORIZED


async def test_only_the_server_is_reached_through_it(turn: Coturn) -> None:
    """The deployed configuration, with the server's own address replaced by loopback's."""
    (server,) = _servers(turn).for_participant("p_ana", time.time())
    async with relayed(turn, server.username, server.credential) as relay:
        protocol = relay._TurnTransport__inner_protocol
        await protocol.channel_bind(0x4000, (HOST, 3478))
        for number, outside in enumerate(("172.30.0.30", "192.0.2.1", "169.254.169.254"), start=0x4001):
            assert await refusal(protocol.channel_bind(number, (outside, 80))) == FORBIDDEN


async def test_others_get_none(turn: Coturn) -> None:
    now = time.time()
    (good,) = _servers(turn).for_participant("p_ana", now)
    (stale,) = _servers(turn).for_participant("p_ana", now - 2 * 86_400)
    (forged,) = _servers(turn, secret="a-secret-of-somebody-else").for_participant("p_ana", now)
    for username, credential in (
        (stale.username, stale.credential),
        (forged.username, forged.credential),
        (good.username, forged.credential),
        (stale.username, good.credential),
        ("p_ana", good.credential),
    ):
        assert await refusal(allocate(turn, username, credential)) == UNAUTHORIZED


async def test_nothing_of_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with doors(turn_server=("turn:turn.example.net",), turn_secret=SECRET, log_level="debug") as house:
        (welcomed,) = (await house.member()).welcome["ice_servers"]
        _, _, credential = await link(house, "/whip/blue", PUBLISH)
    assert caplog.records
    everything = caplog.text + "".join(repr(vars(record)) for record in caplog.records)
    for secret in (SECRET, welcomed["credential"], credential):
        assert secret not in everything


async def test_a_server_that_is_named_as_its_own_stun_server_says_so_and_names_it_for_direct_calls_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    port = free_port()
    own, other = f"stun:localhost:{port}", "stun:stun.example.net:19302"
    async with doors(media_port=port, ice_server=(own, other)) as house:
        welcome = (await house.member()).welcome
    assert welcome["ice_servers"] == [{"urls": [other]}]
    assert welcome["direct_ice_servers"] == [{"urls": [own]}, {"urls": [other]}]
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert own in repr(vars(warning))


def _servers(turn: Coturn, *, secret: str = SECRET) -> IceServers:
    return IceServers(Settings(**_given(turn, secret=secret)))


def _given(turn: Coturn, *, secret: str = SECRET) -> dict[str, Any]:
    return {"turn_server": (turn.url("udp"),), "turn_secret": SecretStr(secret)}
