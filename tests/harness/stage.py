"""A healthy call while somebody misbehaves: two who exchange audio and video, an enemy in their room, and what is counted.

`async with stage() as scene:` does the deeds in its body; at its end the call has lost nothing, every consent check was answered,
the event loop was never held for long, and the server holds what it held before the enemy came.
"""

import asyncio
import gc
import itertools
import os
import random
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from sfu.connection import Connection
from sfu.data_channels import DataChannels
from sfu.dataplane.types import EngineCounters
from sfu.dtls import DtlsServer
from sfu.participant import Participant
from sfu.protocol.ice import IceAgent
from sfu.room import Room
from sfu.slot import Slot
from sfu.track import Track
from sfu.transport import Transport
from sfu.waiting_room import Waiting
from signaling.websocket import Client
from tests.harness.rtp_peer import LINES, RtpPeer
from tests.harness.transport_client import until
from tests.integration.doors import Doors, doors

COUNTED = (Connection, DataChannels, DtlsServer, IceAgent, Participant, Room, Slot, Track, Transport, Client, Waiting)
"""None of these may be left over."""
INTERVAL_S = 0.01
"""Between two pairs of packets of one sender."""
BATCH = 50
"""Datagrams sent before the worker must have read them: the kernel's buffer is not what is tested."""
MAX_HELD_S = 0.5
"""CPU time of the loop's thread between two of its rounds, this process's clients included. CPU time, because a busy machine
also delays what is well-behaved; a collection of all garbage in a large test process takes 0.1 to 0.2 s of it."""


class Held:
    """The longest time that the event loop's thread computed before it came round."""

    def __init__(self) -> None:
        self.restart()
        self._task = asyncio.create_task(self._watch())

    def restart(self) -> None:
        """What was computed until now does not count."""
        self.worst_s = 0.0
        self._before_s = time.thread_time()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.001)
            now_s = time.thread_time()
            self.worst_s = max(self.worst_s, now_s - self._before_s)
            self._before_s = now_s

    def stop(self) -> None:
        self._task.cancel()


class Scene:
    """The server, the two, and the means of their enemy."""

    def __init__(self, house: Doors, ana: RtpPeer, ben: RtpPeer) -> None:
        self.house = house
        self.ana, self.ben = ana, ben
        self.random = random.Random(20_260_101)
        self.held = Held()
        self.room = "blue"
        self.enemies: list[RtpPeer] = []
        self._streams: dict[str, tuple[RtpPeer, int, RtpPeer, str]] = {}
        self._media = asyncio.create_task(self._talk())
        self._checks = asyncio.create_task(self._check())
        self._checked = 0
        self._sockets: list[socket.socket] = []

    # -- the server's insides ------------------------------------------------------------------------------------

    @property
    def port(self) -> Any:
        return self.house.server.node.ports[0]

    @property
    def counters(self) -> EngineCounters:
        counters: EngineCounters = self.port.engine.counters()
        return counters

    @property
    def dropped(self) -> dict[str, int]:
        """What the data plane refused, by reason, without what never happened."""
        return {reason: count for reason, count in self.counters.dropped.items() if count}

    def holdings(self) -> Counter[str]:
        """What the server holds for its clients."""
        gc.collect()
        held = Counter(type(thing).__name__ for thing in gc.get_objects() if type(thing) in COUNTED)
        held["files"] = len(os.listdir("/proc/self/fd"))
        held["endpoints"] = len(self.port._endpoints)
        held["ufrags"] = len(self.port._ufrags)
        held["addresses"] = len(self.port._holders)
        held["rooms"] = len(self.house.server.node.rooms)
        return held

    # -- for the enemy -------------------------------------------------------------------------------------------

    async def enemy(self, lines: Iterable[str] = LINES, **options: Any) -> RtpPeer:
        """Somebody in the same room, connected."""
        peer = await RtpPeer.enter(await self.house.member("eve", self.room), lines, **options)
        self.enemies.append(peer)
        return peer

    def stranger(self, host: str = "127.0.0.1") -> socket.socket:
        """A socket at this address of ours that no ICE check came from."""
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.bind((host, 0))
        made.connect(self.port.address)
        self._sockets.append(made)
        return made

    async def flood(self, send: Callable[[bytes], Any], datagrams: Iterable[bytes]) -> None:
        """Send all, no faster than the worker reads."""
        batch: list[bytes] = []
        for datagram in datagrams:
            batch.append(datagram)
            if len(batch) == BATCH:
                await self._send(send, batch)
                batch = []
        await self._send(send, batch)

    async def _send(self, send: Callable[[bytes], Any], batch: list[bytes]) -> None:
        for datagram in batch:
            send(datagram)
        await asyncio.sleep(0)
        await until(lambda: waiting_bytes(self.port.address[1]) < BATCH * 1_000)

    # -- the healthy call ----------------------------------------------------------------------------------------

    async def _talk(self) -> None:
        number = 0
        while True:
            for peer in (self.ana, self.ben):
                peer.send_media("audio")
                peer.send_media("video", keyframe=number % 20 == 0)
            number += 1
            await asyncio.sleep(INTERVAL_S)

    async def _check(self) -> None:
        while True:
            for peer in (self.ana, self.ben):
                await peer.check()
                self._checked += 1
            await asyncio.sleep(0.1)

    async def begin(self) -> None:
        """Both see and hear each other; from then on nothing may be lost."""
        for receiver, sender in ((self.ana, self.ben), (self.ben, self.ana)):
            await until(partial(_hears_two, receiver))
            for ssrc in receiver.heard:
                kind = "video" if ssrc in (receiver.slot_ssrc("3"), receiver.slot_ssrc("5")) else "audio"
                self._streams[f"{kind} {id(receiver)}"] = receiver, ssrc, sender, kind

    async def end(self) -> None:
        """The call ends; it must have been perfect."""
        self._media.cancel()
        assert not self._checks.done(), self._checks
        for receiver, ssrc, sender, kind in self._streams.values():
            last = sender.sent[kind] - 1
            with suppress(TimeoutError):
                await until(partial(_heard_last, receiver, ssrc, last), 5.0)
            numbers = receiver.heard[ssrc]
            assert numbers == list(range(numbers[0], last + 1)), f"{kind}: {_holes(numbers, last)}, {self.dropped}"
            sequence = receiver.sequence_numbers[ssrc]
            assert all(b == a + 1 & 0xFFFF for a, b in itertools.pairwise(sequence)), kind
        for peer in (self.ana, self.ben):
            assert peer.broken == 0
            await peer.check()
            assert "error" not in {message["type"] for message in peer.log}
            assert peer.reader is not None
            assert not peer.reader.done()

    async def dismiss(self) -> None:
        """Every enemy is gone, without a word over the socket."""
        for peer in self.enemies:
            with suppress(ConnectionError, AssertionError):
                await peer.member.lose()
            peer.goodbye()
        for made in self._sockets:
            made.close()

    def stop(self) -> None:
        """The two stop as well."""
        self._media.cancel()
        self._checks.cancel()
        self.held.stop()
        self.ana.vanish()
        self.ben.vanish()


def _hears_two(peer: RtpPeer) -> bool:
    return sum(map(bool, peer.heard.values())) == 2


def _heard_last(peer: RtpPeer, ssrc: int, last: int) -> bool:
    return peer.heard[ssrc][-1] == last


def waiting_bytes(port: int) -> int:
    """What the kernel holds for the UDP socket of this port."""
    with open("/proc/net/udp") as table:
        lines = [line.split() for line in table if f":{port:04X} " in line[:24]]
    return sum(int(line[4].partition(":")[2], 16) for line in lines)


def _holes(numbers: list[int], last: int) -> str:
    missing = sorted(set(range(numbers[0], last + 1)) - set(numbers))
    return f"{len(missing)} of {last + 1 - numbers[0]} missing, first {missing[:5]}, last seen {numbers[-1]}"


@asynccontextmanager
async def stage(*, max_held_s: float = MAX_HELD_S, **settings: Any) -> AsyncIterator[Scene]:
    """See above. Enemies that are still there when the body ends lose their network."""
    lines = (*LINES, "audio recvonly", "video recvonly")
    async with doors(**({"resume_seconds": 0.1} | settings)) as house:
        house.files().store.open()  # it has one file of its own
        ana = await RtpPeer.enter(await house.member("ana"), lines)
        ben = await RtpPeer.enter(await house.member("ben"), lines)
        with ana.listening(), ben.listening():
            await ana.member.send(type="pin", participants=[ben.member.id])
            await ben.member.send(type="pin", participants=[ana.member.id])
            scene = Scene(house, ana, ben)
            try:
                await scene.begin()
                before = scene.holdings()
                gc.collect()
                gc.freeze()  # what other tests left in this process is not the server's, and takes half a second to look through
                scene.held.restart()
                yield scene
                worst_s = scene.held.worst_s
                gc.unfreeze()
                await scene.dismiss()
                await _settled(scene, before)
                await scene.end()
                assert worst_s < max_held_s, f"the loop was held for {worst_s:.3f} s"
                assert scene.port.refused["internal_error"] == 0
            finally:
                gc.unfreeze()
                await scene.dismiss()
                scene.stop()


async def _settled(scene: Scene, before: Counter[str]) -> None:
    """The server holds what it held before."""
    try:
        async with asyncio.timeout(10.0):
            while (now := scene.holdings()) - before:  # noqa: ASYNC110  # the garbage collector has no event
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"left over: {now - before}") from None
