"""Datagrams from nobody: an address that ICE never validated. A call in progress does not notice, and nothing is kept of them."""

import asyncio
import struct
import time
from itertools import product

import aioice.stun as stun
import pytest

from tests.harness.dtls_client import DtlsClient
from tests.harness.rtp_peer import RtpPeer
from tests.harness.stage import Scene, stage, waiting_bytes
from tests.harness.transport_client import until

LENGTHS = (1, 2, 11, 12, 13, 19, 20, 27, 28, 60, 1_200, 1_472, 1_500, 1_501, 2_049, 9_000)


async def test_every_first_byte_in_every_length() -> None:
    async with stage() as scene:
        dice = scene.random
        garbage = [bytes([first]) + dice.randbytes(length - 1) for first in range(256) for length in LENGTHS]
        await scene.flood(scene.stranger().send, [b"", *garbage])
        # 0 to 3 is STUN, 20 to 63 DTLS, 128 to 191 RTP; three of the lengths are more than anybody sends.
        await until(lambda: scene.dropped.get("too_large", 0) == 3 * 256)
        assert scene.dropped["unknown_first_byte"] == 144 * (len(LENGTHS) - 3)
        assert scene.dropped["unknown_address"] == 108 * (len(LENGTHS) - 3)


def checks(scene: Scene, peer: RtpPeer, count: int) -> list[bytes]:
    """Connectivity checks that name a participant's user fragment, with a password that is not theirs."""
    return [peer.request(use=True, password=scene.random.randbytes(12).hex()) for _ in range(count)]


async def test_checks_with_a_wrong_password() -> None:
    async with stage() as scene:
        await scene.flood(scene.stranger().send, checks(scene, scene.ana, 1_500))
        await until(lambda: scene.port.refused["stun_bad_integrity"] + scene.dropped.get("stranger_rate", 0) == 1_500)


async def test_checks_for_nobody() -> None:
    async with stage() as scene:
        requests = []
        for number in range(1_500):
            name = scene.random.randbytes(4).hex() if number % 3 else "x" * (number % 500) + ":" * (number % 7)
            message = stun.Message(
                stun.Method.BINDING,
                stun.Class.REQUEST,
                attributes={"USERNAME": name, "PRIORITY": 1, "ICE-CONTROLLING": 1},
            )
            message.add_message_integrity(b"whatever")
            requests.append(bytes(message))
        await scene.flood(scene.stranger().send, requests)
        refused = scene.port.refused
        await until(
            lambda: (
                refused["stun_unknown_ufrag"] + refused["stun_rate_limited"] + scene.dropped.get("stranger_rate", 0)
                > 1_400
            )
        )


async def test_stun_that_is_broken_somewhere() -> None:
    async with stage() as scene:
        good = scene.ana.request(use=True)
        broken = []
        for _ in range(2_000):
            message = bytearray(good)
            for _ in range(scene.random.randrange(1, 4)):
                message[scene.random.randrange(len(message))] = scene.random.randrange(256)
            message[0] &= 3
            broken.append(bytes(message[: scene.random.randrange(20, len(message) + 1)]))
        attribute = struct.pack("!HHIQI", 1, 0xFFFC, 0x2112A442, 0, 0) + bytes.fromhex("8000fff0")
        await scene.flood(scene.stranger().send, [*broken, attribute])


async def test_a_client_hello_from_an_address_that_no_check_came_from() -> None:
    async with stage() as scene:
        hello = b"".join(DtlsClient().step())
        records = [bytes([20 + n % 44]) + scene.random.randbytes(n % 1_400) for n in range(800)]
        socket = scene.stranger()
        await scene.flood(socket.send, [hello, *records, hello[:40], hello[13:]])
        await until(lambda: scene.dropped["unknown_address"] >= 800)
        with pytest.raises(BlockingIOError):
            socket.recv(2_048)


async def test_a_participants_own_packets_from_another_address() -> None:
    async with stage() as scene:
        overheard = [scene.ana.send_media("audio") for _ in range(40)] * 20
        await scene.flood(scene.stranger().send, overheard)
        await until(lambda: scene.dropped["unknown_address"] >= 800)


async def test_a_flood_of_stun_does_not_cost_others_their_consent() -> None:
    """More than the event loop can take: what waits for it is bounded, and there is still a place for the call's own checks."""
    async with stage() as scene:
        # One address alone would be held to its rate before the ring is full.
        sockets = [scene.stranger(f"127.0.0.{number}") for number in range(2, 10)]
        forged = checks(scene, scene.ana, 50)
        # The loop stands still, so all of it waits; the worker goes on reading.
        for socket, _ in product(sockets, range(25)):
            for datagram in forged:
                socket.send(datagram)
            while waiting_bytes(scene.port.address[1]):
                time.sleep(0.0005)
        full = scene.dropped["event_ring_full"]
        assert full > 0
        scene.ana.send(scene.ana.request())
        while waiting_bytes(scene.port.address[1]):
            time.sleep(0.0005)
        assert scene.dropped["event_ring_full"] == full


async def test_a_flood_of_stun_from_one_address_keeps_no_newcomer_out() -> None:
    async with stage() as scene:
        enemy = scene.stranger("127.0.0.2")
        forged = checks(scene, scene.ana, 50)
        flood = asyncio.create_task(scene.flood(enemy.send, forged * 10_000))
        try:
            await until(lambda: scene.dropped.get("stranger_rate", 0) > 0)
            before = scene.dropped["stranger_rate"]
            for _ in range(5):
                await scene.enemy()  # a friend, this time
            assert scene.dropped["stranger_rate"] > before
            assert "event_ring_full" not in scene.dropped
        finally:
            flood.cancel()
            await asyncio.gather(flood, return_exceptions=True)
