"""Transports on a media port over loopback: connecting, talking, moving, restarting, and every way to end."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sfu.dataplane.types import SrtpProfile
from sfu.dtls import Certificate
from sfu.errors import LocalError, SdpError
from sfu.media_port import MediaPort
from sfu.transport import (
    ChannelOpened,
    Closed,
    Connected,
    Disconnected,
    Message,
    Reconnected,
    RemoteParameters,
    SctpParameters,
    Transport,
    TransportEvent,
)
from tests.harness.transport_client import AiortcClient, UdpClient, until

CERTIFICATE = Certificate()


class Side:
    """A transport and what it reported."""

    def __init__(self, port: MediaPort, **settings: float) -> None:
        self.events: list[TransportEvent] = []
        self.transport = Transport(port, certificate=CERTIFICATE, on_event=self.events.append, **settings)

    def seen(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def reasons(self) -> list[str]:
        return [event.reason for event in self.events if isinstance(event, Closed)]


@pytest.fixture
async def port() -> AsyncIterator[MediaPort]:
    one = MediaPort("127.0.0.1", 0)
    await one.start()
    yield one
    await one.close()
    assert one._endpoints == {}
    assert one._ufrags == {}
    assert one._holders == {}


async def connected(port: MediaPort, **settings: float) -> tuple[Side, UdpClient]:
    side = Side(port, **settings)
    client = await UdpClient.open(port.address, side.transport.local_parameters)
    side.transport.start(client.remote)
    await client.connect()
    await until(lambda: bool(side.seen(Connected)))
    return side, client


async def test_aiortc_connects_talks_and_is_told_when_it_ends(port: MediaPort) -> None:
    side, client = Side(port), AiortcClient()
    assert side.transport.state == "new"
    side.transport.start(client.remote)
    assert side.transport.state == "checking"
    await client.connect(side.transport.local_parameters)
    channel = await client.open("chat")
    got: list[str] = []
    channel.on("message", got.append)
    channel.send("olá")
    await until(lambda: bool(side.seen(Message)))
    assert side.transport.send_message("chat", "ciranda")
    assert not side.transport.send_message("nobody", "x")
    await until(lambda: bool(got))
    assert got == ["ciranda"]
    (first, *rest) = side.events
    assert isinstance(first, Connected)
    assert first.profile is SrtpProfile.AEAD_AES_128_GCM
    assert 0 <= first.ice_s < 5
    assert 0 < first.dtls_s < 5
    assert rest == [ChannelOpened("chat"), Message("chat", "olá")]
    await side.transport.close()
    await until(lambda: client.dtls.state == "closed")
    assert side.reasons == ["closed"]
    await client.close()


async def test_srtp_is_understood_from_the_first_packet_on(port: MediaPort) -> None:
    side, client = Side(port), AiortcClient()
    side.transport.start(client.remote)
    await client.connect(side.transport.local_parameters)
    packet = b"\x80\x60" + (1).to_bytes(2, "big") + bytes(4) + (7).to_bytes(4, "big") + b"payload"
    for number in range(5):
        await client.dtls._send_rtp(packet[:2] + number.to_bytes(2, "big") + packet[4:])
    received = port.engine.transport_stats
    await until(lambda: received(side.transport.handle).packets_received == 5)
    await side.transport.close()
    await client.close()


async def test_media_alone_is_no_silence(port: MediaPort) -> None:
    side, client = Side(port, silence_s=0.2), AiortcClient()
    side.transport.start(client.remote)
    await client.connect(side.transport.local_parameters)
    deadline = asyncio.get_running_loop().time() + 0.6
    number = 0
    while asyncio.get_running_loop().time() < deadline:
        number += 1
        await client.dtls._send_rtp(b"\x80\x60" + number.to_bytes(2, "big") + bytes(7) + b"\x07payload")
        await asyncio.sleep(0.02)
    assert not side.seen(Disconnected)
    await until(lambda: bool(side.seen(Disconnected)))
    await side.transport.close()
    await client.close()


async def test_data_ends_a_silence(port: MediaPort) -> None:
    side, client = Side(port, silence_s=0.2), AiortcClient()
    side.transport.start(client.remote)
    await client.connect(side.transport.local_parameters)
    channel = await client.open("chat")
    await until(lambda: side.transport.state == "disconnected")
    channel.send("back")
    await until(lambda: bool(side.seen(Message)))
    assert side.seen(Reconnected)
    assert side.transport.state == "connected"
    await side.transport.close()
    await client.close()


async def test_a_transport_that_was_never_started_outlives_its_port() -> None:
    port = MediaPort("127.0.0.1", 0)
    await port.start()
    side = Side(port)
    await port.close()
    await side.transport.close()
    assert side.reasons == ["closed"]


async def test_a_client_that_hangs_up(port: MediaPort) -> None:
    side, client = Side(port), AiortcClient()
    side.transport.start(client.remote)
    await client.connect(side.transport.local_parameters)
    await until(lambda: side.transport.state == "connected")
    await client.close()
    await until(lambda: side.reasons == ["closed_by_peer"])
    assert side.transport.state == "closed"


async def test_another_certificate_than_signalled(port: MediaPort) -> None:
    side, client = Side(port), AiortcClient()
    side.transport.start(RemoteParameters((("sha-256", "AB:CD"),), SctpParameters()))
    connecting = asyncio.create_task(client.connect(side.transport.local_parameters))
    await until(lambda: side.reasons == ["fingerprint_mismatch"])
    assert not side.seen(Connected)
    await asyncio.wait_for(connecting, 10)
    await client.close()


async def test_a_fragmented_client_hello_out_of_order(port: MediaPort) -> None:
    side = Side(port)
    client = await UdpClient.open(port.address, side.transport.local_parameters, padding=1_500)
    side.transport.start(client.remote)
    await client.check(use=True)
    fragments = client.dtls.step()
    assert len(fragments) > 1
    for datagram in reversed(fragments):
        client.send(datagram)
    await client.finish()
    await until(lambda: side.transport.state == "connected")
    client.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_third_of_the_handshake_lost_each_way(port: MediaPort, seed: int) -> None:
    side = Side(port, dtls_timeout_s=60.0)
    client = await UdpClient.open(port.address, side.transport.local_parameters)
    side.transport.start(client.remote)
    luck = random.Random(seed)
    client.inbound = client.outbound = lambda datagram: datagram[0] < 4 or luck.random() > 0.33
    await client.connect(seconds=60)
    await until(lambda: side.transport.state == "connected")
    client.close()


async def test_dtls_from_an_address_that_ice_has_not_validated_is_not_even_answered(port: MediaPort) -> None:
    side = Side(port)
    client = await UdpClient.open(port.address, side.transport.local_parameters)
    stranger = await UdpClient.open(port.address, side.transport.local_parameters)
    side.transport.start(client.remote)
    stranger.hello()
    await client.check()
    stranger.hello()
    client.hello()
    await client.finish()
    assert stranger.dtls_received == 0
    for one in (client, stranger):
        one.close()


async def test_no_handshake_in_time(port: MediaPort) -> None:
    side = Side(port, dtls_timeout_s=0.1)
    client = await UdpClient.open(port.address, side.transport.local_parameters)
    side.transport.start(client.remote)
    await client.check()
    assert side.transport.state == "connecting"
    await until(lambda: side.reasons == ["dtls_timeout"])
    client.close()


async def test_no_check_in_time(port: MediaPort) -> None:
    side = Side(port, ice_timeout_s=0.1)
    side.transport.start(RemoteParameters(()))
    await until(lambda: side.reasons == ["ice_timeout"])


async def test_silence_return_and_the_end_of_consent(port: MediaPort) -> None:
    side, client = await connected(port, silence_s=0.1, consent_s=0.5)
    client.dtls.ssl.send(b"the handshake is over here, too")
    client.send(*client.dtls.output())
    await until(lambda: bool(side.seen(Disconnected)))
    assert side.transport.state == "disconnected"
    await client.check()
    assert side.seen(Reconnected)
    assert side.transport.state == "connected"
    received = client.dtls_received
    await until(lambda: side.reasons == ["consent_expired"])
    await asyncio.sleep(0)
    assert client.dtls_received == received, "without consent not even a close_notify is sent"
    client.close()


async def test_a_new_address_is_followed_when_it_is_nominated_and_not_before(port: MediaPort) -> None:
    side, client = await connected(port)
    home = client.address
    await client.move()
    forged = await client.check(password="x" * 24, use=True)
    assert forged.error_code == 401
    await client.check()
    assert side.transport.selected_address == home
    await client.check(use=True)
    assert side.transport.selected_address == client.address
    await side.transport.close()
    await until(lambda: client.closed_by_server)
    client.close()


async def test_ice_restart_keeps_the_connection(port: MediaPort) -> None:
    side, client = await connected(port)
    old = client.local
    side.transport.restart_ice()
    client.local = side.transport.local_parameters
    assert client.local.ufrag != old.ufrag
    assert (await client.check(local=old)).error_code is None, "the old path lives until the new one is there"
    await client.move()
    await client.check(use=True)
    assert (await client.check(local=old)).error_code == 401
    assert list(port._ufrags) == [client.local.ufrag]
    assert side.transport.selected_address == client.address
    assert side.transport.state == "connected"
    await side.transport.close()
    await until(lambda: client.closed_by_server)
    client.close()


async def test_data_channels_that_a_later_offer_adds(port: MediaPort) -> None:
    side, client = Side(port), AiortcClient()
    side.transport.start(RemoteParameters(client.remote.fingerprints))
    await client.connect(side.transport.local_parameters)
    await until(lambda: side.transport.state == "connected")
    side.transport.update(client.remote)
    await client.open("chat")
    await until(lambda: side.seen(ChannelOpened) == [ChannelOpened("chat")])
    with pytest.raises(SdpError):
        side.transport.update(RemoteParameters((("sha-256", "AB"),)))
    await side.transport.close()
    await client.close()


async def test_misuse_is_loud(port: MediaPort) -> None:
    side = Side(port)
    with pytest.raises(LocalError):
        side.transport.update(RemoteParameters(()))
    side.transport.start(RemoteParameters(()))
    with pytest.raises(LocalError):
        side.transport.start(RemoteParameters(()))
    await side.transport.close()
    with pytest.raises(LocalError):
        side.transport.start(RemoteParameters(()))


async def test_it_ends_once_whoever_asks(port: MediaPort) -> None:
    side, client = await connected(port)
    handle = side.transport.handle
    await asyncio.gather(*(side.transport.close() for _ in range(3)))
    side.transport.fail("internal_error")
    assert side.reasons == ["closed"]
    with pytest.raises(KeyError):
        port.engine.transport_stats(handle)
    assert not side.transport.send_message("chat", "late")
    side.transport.restart_ice()
    client.close()


async def test_closing_from_within_an_event(port: MediaPort) -> None:
    reported: list[TransportEvent] = []

    def hear(event: TransportEvent) -> None:
        reported.append(event)
        transport.fail("closed")

    transport = Transport(port, certificate=CERTIFICATE, on_event=hear)
    client = await UdpClient.open(port.address, transport.local_parameters)
    transport.start(client.remote)
    await client.connect()
    await until(lambda: client.closed_by_server)
    assert [type(event) for event in reported] == [Connected, Closed]
    client.close()


async def test_a_listener_that_fails_is_logged_and_stops_nothing(port: MediaPort) -> None:
    def fail(_: TransportEvent) -> None:
        raise ValueError("ours")

    transport = Transport(port, certificate=CERTIFICATE, on_event=fail)
    client = await UdpClient.open(port.address, transport.local_parameters)
    transport.start(client.remote)
    await client.connect()
    await until(lambda: transport.state == "connected")
    await transport.close()
    assert port.counters["internal_error"] == 2
    client.close()


async def test_a_port_that_closes_ends_its_transports() -> None:
    port = MediaPort("127.0.0.1", 0)
    await port.start()
    side, client = await connected(port)
    await port.close()
    await port.close()
    assert side.reasons == ["shutting_down"]
    await until(lambda: client.closed_by_server)
    client.close()
    with pytest.raises(RuntimeError):
        _ = port.address


async def test_over_ipv6() -> None:
    port = MediaPort("::1", 0)
    await port.start()
    side, client = await connected(port)
    assert side.transport.selected_address == client.address
    assert client.address[0] == "::1"
    await port.close()
    client.close()


async def test_nothing_is_left_of_a_hundred_transports(port: MediaPort) -> None:
    _, stays = await connected(port)
    tasks = len(asyncio.all_tasks())
    for _ in range(100):
        side, client = await connected(port)
        await side.transport.close()
        client.close()
    assert len(asyncio.all_tasks()) == tasks
    assert len(port._endpoints) == len(port._ufrags) == 1
    assert len(port._timers) < 100
    stays.close()
