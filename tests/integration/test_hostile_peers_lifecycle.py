"""Coming and going two hundred times, closing with everything half done, many servers in one process: nothing is left over."""

import asyncio
import gc
import os
import resource
import time
from collections import Counter
from pathlib import Path

from ciranda.server import Server
from tests.harness.rtp_peer import LINES, RtpPeer
from tests.harness.stage import COUNTED
from tests.harness.transport_client import until
from tests.integration.doors import Doors, doors
from tests.integration.offers import PUBLISH

CYCLES = 200
WARM_UP = 80
GROWTH_BYTES = 4 << 20
"""Of the process, its clients included, over the cycles after the warm-up. A leaked transport of the data plane holds some 30 kB,
one of OpenSSL's connections as much: 120 of them would show."""


def memory() -> int:
    """Bytes that are resident."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def objects() -> Counter[str]:
    gc.collect()
    counts = Counter(type(thing).__name__ for thing in gc.get_objects() if type(thing) in COUNTED)
    counts["tasks"] = len(asyncio.all_tasks())
    counts["files"] = len(os.listdir("/proc/self/fd"))
    return counts


async def come_and_go(house: Doors, host: RtpPeer, number: int) -> None:
    """Joins, publishes, is heard by the host, hears the host, and goes in one of four ways."""
    await host.check()  # consent: on a slow machine this takes longer than 30 s
    guest = await RtpPeer.enter(await house.member(f"guest {number}"))
    before = sum(map(len, host.heard.values()))
    async with asyncio.timeout(20):
        while not any(guest.heard.values()) or sum(map(len, host.heard.values())) == before:
            for peer in (host, guest):
                peer.send_media("audio")
                peer.send_media("video", keyframe=True)
            await asyncio.sleep(0.002)
    way = number % 4
    if way == 0:
        await guest.member.send(type="leave")
    elif way == 1:
        guest.goodbye()
        await guest.member.lose()
    elif way == 2:
        await guest.member.lose()
    else:
        await guest.member.socket.close()
    guest.vanish()
    await guest.member.socket.close()
    await until(lambda: len(house.server.node.ports[0]._endpoints) == 1)


async def test_two_hundred_come_and_go() -> None:
    async with doors(resume_seconds=0.01, join_burst=1_000) as house:
        host = await RtpPeer.enter(await house.member("host"))
        with host.listening():
            for number in range(WARM_UP):
                await come_and_go(house, host, number)
            before, held = objects(), memory()
            for number in range(WARM_UP, CYCLES):
                await come_and_go(house, host, number)
                host.heard.clear()
                host.sequence_numbers.clear()
                host.rtcp.clear()
                host.log.clear()
            await until(lambda: not objects() - before)
            assert memory() - held < GROWTH_BYTES
            port = house.server.node.ports[0]
            assert (len(port._endpoints), len(port._ufrags), len(port._holders)) == (1, 1, 1)
            assert len(port._timers) < 100
        host.vanish()


async def half_done(house: Doors) -> list[RtpPeer]:
    """Somebody at every stage between a socket and a call."""
    await house.socket()
    await house.member("joined")
    peers = [RtpPeer(await house.member(f"stage {stage}")) for stage in range(5)]
    for peer in peers:
        await peer.negotiate((*LINES, "data"))
    for peer in peers[1:]:
        await peer.check(use=True)
    peers[2].hello()
    for peer in peers[3:]:
        await peer.connect()
        peer.secure()
    peers[4].dtls.ssl.send(bytes(100))
    for datagram in peers[4].dtls.output():
        peers[4].send(datagram)
    async with house.http.post(
        house.url("/whip/blue"), data=PUBLISH, headers={"Content-Type": "application/sdp"}
    ) as response:
        assert response.status == 201
    return peers


async def test_closing_with_everything_half_done() -> None:
    before = objects()
    await close_half_done()
    await until(lambda: not objects() - before)


async def close_half_done() -> None:
    async with doors(shutdown_seconds=3.0) as house:
        peers = await half_done(house)
        host, _, port = house.server.url.removeprefix("http://").partition(":")
        _, half = await asyncio.open_connection(host, int(port))
        half.write(
            b"POST /whip/blue HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\nContent-Length: 500\r\n\r\nv=0"
        )
        await half.drain()
        started_s = time.monotonic()
        await house.server.close()
        assert time.monotonic() - started_s < 4.5
        assert house.server.node.rooms == {}
        # Who had keys was told over DTLS as well.
        await until(lambda: peers[3].closed_by_server and peers[4].closed_by_server)
        for peer in peers:
            peer.vanish()
        half.close()


async def test_many_servers_in_one_process() -> None:
    """Each has its own rooms and its own port; one that closes takes nothing from the others."""
    before = objects()
    await open_and_close_many()
    await until(lambda: not objects() - before)


async def open_and_close_many() -> None:
    servers = [Server(http_port=0, media_port=0) for _ in range(6)]
    await asyncio.gather(*(server.start() for server in servers))
    assert len({server.media_addresses for server in servers} | {server.url for server in servers}) == 12
    await asyncio.gather(*(server.close() for server in servers[::2]))
    async with doors() as house:
        ana, ben = [await RtpPeer.enter(await house.member(name)) for name in ("ana", "ben")]
        await asyncio.gather(*(server.close() for server in servers[1::2]))
        async with asyncio.timeout(20):
            while not any(ben.heard.values()):
                ana.send_media("audio")
                await asyncio.sleep(0.005)
        for peer in (ana, ben):
            peer.goodbye()
