"""The sockets around the links: who is forwarded to whom, over IPv4 and IPv6, and what a change of addresses does."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from tests.harness.link import Conditions, Fate
from tests.harness.link_emulator import Address, LinkEmulator
from tests.harness.transport_client import until

ANSWER = (
    "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "a=candidate:1 1 udp 2130706431 {host} {port} typ host\r\n"
    "a=candidate:2 1 udp 2130706430 192.0.2.1 {port} typ host\r\n"
    "a=candidate:3 1 tcp 1518280447 {host} {port} typ host tcptype passive\r\n"
    "a=end-of-candidates\r\n"
)


class Peer(asyncio.DatagramProtocol):
    """A UDP socket that remembers what came, and from where."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, Address]] = []

    @classmethod
    async def open(cls, host: str) -> "Peer":
        peer = cls()
        peer.transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: peer, local_addr=(host, 0)
        )
        return peer

    transport: asyncio.DatagramTransport

    @property
    def address(self) -> Address:
        name = self.transport.get_extra_info("sockname")
        return name[0], name[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.append((data, (addr[0], addr[1])))

    def send(self, data: bytes, to: Address) -> None:
        self.transport.sendto(data, to)

    async def hears(self, count: int) -> None:
        await until(lambda: len(self.heard) >= count)


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as made:
            made.bind(("::1", 0))
    except OSError:
        return False
    return True


HOSTS = ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback"))]


@pytest.fixture(params=HOSTS)
async def peers(request: pytest.FixtureRequest) -> AsyncIterator[list[Peer]]:
    """The server, and two addresses of a client."""
    opened = [await Peer.open(request.param) for _ in range(3)]
    yield opened
    for peer in opened:
        peer.transport.close()


async def test_each_address_of_the_client_is_another_to_the_server(peers: list[Peer]) -> None:
    server, one, two = peers
    async with LinkEmulator(server.address) as link:
        one.send(b"from one", link.address)
        two.send(b"from two", link.address)
        await server.hears(2)
        assert len({source for _, source in server.heard}) == 2
        assert {source for _, source in server.heard} == link.upstream_addresses
        for data, source in server.heard:
            server.send(data + b", back", source)
        await one.hears(1)
        await two.hears(1)
        assert one.heard == [(b"from one, back", link.address)]
        assert two.heard == [(b"from two, back", link.address)]


async def test_directions_are_separate(peers: list[Peer]) -> None:
    server, client, _ = peers
    async with LinkEmulator(server.address, down=Conditions(loss=1.0)) as link:
        client.send(b"hello", link.address)
        await server.hears(1)
        server.send(b"lost", server.heard[0][1])
        await until(lambda: link.down.counters[Fate.LOST] == 1)
        link.down.change(Conditions(delay_s=0.02))
        server.send(b"late", server.heard[0][1])
        await client.hears(1)
        assert client.heard == [(b"late", link.address)]


async def test_an_address_change_and_what_comes_to_the_old_one(peers: list[Peer]) -> None:
    server, client, _ = peers
    async with LinkEmulator(server.address) as link:
        client.send(b"before", link.address)
        await server.hears(1)
        old = server.heard[0][1]
        link.move(keep_old=True)
        client.send(b"after", link.address)
        await server.hears(2)
        new = server.heard[1][1]
        assert new != old
        server.send(b"to the old one", old)
        server.send(b"to the new one", new)
        await client.hears(2)
        link.forget_old()
        server.send(b"into the void", old)
        await until(lambda: link.blackholed == 1)
        server.send(b"to the new one again", new)
        await client.hears(3)
        assert [data for data, _ in client.heard][2:] == [b"to the new one again"]


async def test_answers_are_rewritten(peers: list[Peer]) -> None:
    server, _, _ = peers
    host, port = server.address
    async with LinkEmulator(server.address) as link:
        rewritten = link.rewrite(ANSWER.format(host=host, port=port))
        candidates = [line for line in rewritten.split("\r\n") if line.startswith("a=candidate")]
        assert candidates == [f"a=candidate:1 1 udp 2130706431 {link.address[0]} {link.address[1]} typ host"]
        assert rewritten.endswith("a=end-of-candidates\r\n")
