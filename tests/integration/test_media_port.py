"""The media port against strangers: what is answered, how often, what is counted, and that nobody else is disturbed."""

import asyncio
import struct
from collections.abc import AsyncIterator

import aioice.stun as oracle
import pytest

from sfu.dtls import Certificate
from sfu.media_port import STRANGER_PER_SECOND, MediaPort
from sfu.protocol import stun
from sfu.transport import Transport, TransportEvent
from tests.harness.transport_client import UdpClient, until

CERTIFICATE = Certificate()
COOKIE = struct.pack("!I", stun.MAGIC_COOKIE)


@pytest.fixture
async def port() -> AsyncIterator[MediaPort]:
    one = MediaPort("127.0.0.1", 0)
    await one.start()
    yield one
    await one.close()


@pytest.fixture
async def client(port: MediaPort) -> AsyncIterator[UdpClient]:
    transport = Transport(port, certificate=CERTIFICATE, on_event=lambda _: None)
    one = await UdpClient.open(port.address, transport.local_parameters)
    transport.start(one.remote)
    yield one
    one.close()


def plain() -> bytes:
    return bytes(oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST))


async def test_a_plain_binding_request_is_answered(client: UdpClient) -> None:
    answer = await client.ask(plain())
    assert answer.attributes == {"XOR-MAPPED-ADDRESS": client.address}


async def test_plain_requests_are_answered_at_a_bounded_rate(port: MediaPort, client: UdpClient) -> None:
    for _ in range(150):
        client.send(plain())
    await until(lambda: port.counters.get("stun_rate_limited", 0) >= 150 - 3 * STRANGER_PER_SECOND)
    assert (await client.check()).error_code is None, "who is known is answered all the same"


async def test_an_unknown_user_fragment_is_refused(port: MediaPort, client: UdpClient) -> None:
    message = oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST, attributes={"USERNAME": "nobody:x"})
    message.add_message_integrity(b"whatever")
    assert (await client.ask(bytes(message))).error_code == 401
    assert port.counters == {"stun_unknown_ufrag": 1}


async def test_integrity_without_a_name_is_a_bad_request(port: MediaPort, client: UdpClient) -> None:
    message = oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST)
    message.add_message_integrity(b"whatever")
    assert (await client.ask(bytes(message))).error_code == 400
    assert port.counters == {"stun_bad_request": 1}


async def test_an_attribute_that_must_be_understood(port: MediaPort, client: UdpClient) -> None:
    data = b"\0\1\0\4" + COOKIE + bytes(12) + b"\x70\x01\0\0"
    answer = await client.ask(data)
    assert answer.error_code == 420
    assert port.counters == {"stun_unknown_attribute": 1}


HOSTILE = {
    "stun_malformed": [
        b"\0",
        b"\0\1\0\0" + COOKIE,
        b"\0\1\0\x08" + COOKIE + bytes(12) + b"\0\6\xff\xffabcd",
        b"\0\1\0\0" + b"\0\0\0\0" + bytes(12),
        b"\0" * 1_400,
    ],
    "stun_not_a_request": [
        b"\1\1\0\0" + COOKIE + bytes(12),
        b"\0\x11\0\0" + COOKIE + bytes(12),
        b"\0\3\0\0" + COOKIE + bytes(12),
    ],
}


@pytest.mark.parametrize("reason", sorted(HOSTILE))
async def test_hostile_datagrams_are_counted_and_disturb_nobody(
    port: MediaPort, client: UdpClient, reason: str
) -> None:
    for datagram in HOSTILE[reason]:
        client.send(datagram)
    await until(lambda: port.counters.get(reason) == len(HOSTILE[reason]))
    await client.connect()


async def test_hostile_dtls_ends_only_the_transport_that_it_came_to(port: MediaPort, client: UdpClient) -> None:
    events: list[TransportEvent] = []
    other = Transport(port, certificate=CERTIFICATE, on_event=events.append)
    hostile = await UdpClient.open(port.address, other.local_parameters)
    other.start(hostile.remote)
    await hostile.check()
    hostile.send(b"\x16\xfe\xfd" + bytes(8) + struct.pack("!H", 40) + b"\x01" + bytes(39))
    hostile.send(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28")
    await client.connect()
    await until(lambda: other.state == "closed")
    hostile.close()


async def test_a_forged_source_address_takes_nothing_from_its_owner(port: MediaPort, client: UdpClient) -> None:
    """The check is authentic, but comes (as if by forgery) from the address of another client."""
    await client.connect()
    owner = port._holders[client.address]
    thief = Transport(port, certificate=CERTIFICATE, on_event=lambda _: None)
    thief.start(client.remote)
    with pytest.raises(TimeoutError):
        await client.ask(client.request(local=thief.local_parameters, use=True), seconds=0.2)
    assert port.counters == {"ice_address_taken": 1}
    assert port._holders == {client.address: owner}
    assert thief.state == "checking"
    assert (await client.check()).error_code is None


async def test_the_address_of_a_silent_client_may_be_had(port: MediaPort) -> None:
    """As when a page is reloaded and gets the same port again."""
    first, second = (Transport(port, certificate=CERTIFICATE, on_event=lambda _: None, silence_s=0.1) for _ in range(2))
    client = await UdpClient.open(port.address, first.local_parameters)
    first.start(client.remote)
    second.start(client.remote)
    await client.connect()
    await asyncio.sleep(0.15)
    assert (await client.check(local=second.local_parameters)).error_code is None
    assert second.selected_address == client.address
    assert first.selected_address is None
    await first.close()
    await second.close()
    assert port._holders == {}
    client.close()


async def test_a_fault_of_ours_in_one_event_does_not_stop_the_others(port: MediaPort, client: UdpClient) -> None:
    broken = Transport(port, certificate=CERTIFICATE, on_event=lambda _: None)
    victim = await UdpClient.open(port.address, broken.local_parameters)
    broken.start(victim.remote)
    await victim.check()
    broken._dtls = object()  # type: ignore[assignment]  # a bug of ours, as bad as it gets
    victim.hello()
    await client.connect()
    assert port.counters["internal_error"] >= 1
    assert broken.state == "closed"
    victim.close()


async def test_a_port_for_both_families_answers_ipv4_as_ipv4() -> None:
    port = MediaPort("::", 0)
    await port.start()
    assert any(":" not in candidate.address[0] for candidate in port.candidates)
    transport = Transport(port, certificate=CERTIFICATE, on_event=lambda _: None)
    client = await UdpClient.open(("127.0.0.1", port.address[1]), transport.local_parameters)
    transport.start(client.remote)
    answer = await client.check(use=True)
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == client.address
    await client.connect()
    client.close()
    await port.close()


async def test_an_address_in_use_is_an_error(port: MediaPort) -> None:
    other = MediaPort(*port.address)
    with pytest.raises(OSError, match="in use"):
        await other.start()
    await other.close()


async def test_opening_and_closing_leaves_nothing() -> None:
    for _ in range(20):
        port = MediaPort("127.0.0.1", 0)
        await port.start()
        await port.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}
