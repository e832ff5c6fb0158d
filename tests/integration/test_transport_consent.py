"""Consent while the data plane answers the routine checks: it holds, it ends, and it guards the address."""

import asyncio

import pytest

from sfu.media_port import MediaPort
from sfu.transport import Disconnected
from tests.harness.transport_client import until
from tests.integration.test_transport import Side, connected
from tests.integration.test_transport import port as port


async def test_routine_checks_never_reach_the_loop_and_keep_consent(
    port: MediaPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    side, client = await connected(port, silence_s=0.6, consent_s=2.0)
    seen: list[bytes] = []
    monkeypatch.setattr(port, "_stun", lambda data, *_: seen.append(data))
    last = began = asyncio.get_running_loop().time()
    while last < began + 2.5:
        answer = await client.check(use=True)
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == client.address
        last = asyncio.get_running_loop().time()
        await asyncio.sleep(0.05)
    assert seen == []
    assert not side.seen(Disconnected)
    await until(lambda: side.reasons == ["consent_expired"])
    assert side.seen(Disconnected)
    assert 1.9 < asyncio.get_running_loop().time() - last < 3.0
    client.send(client.request())
    await until(lambda: len(seen) == 1)
    client.close()


async def test_routine_checks_hold_an_address_against_others(port: MediaPort) -> None:
    side, client = await connected(port, silence_s=0.5)
    thief = Side(port)
    thief.transport.start(client.remote)
    for _ in range(14):
        await client.check()
        await asyncio.sleep(0.05)
    with pytest.raises(TimeoutError):
        await client.ask(client.request(local=thief.transport.local_parameters, use=True), seconds=0.1)
    assert port.counters == {"ice_address_taken": 1}
    assert side.transport.selected_address == client.address
    client.close()
    await side.transport.close()
    await thief.transport.close()


async def test_a_closed_transport_answers_no_routine_check(port: MediaPort) -> None:
    side, client = await connected(port)
    await client.check()
    await side.transport.close()
    assert (await client.check()).error_code == 401
    client.close()
