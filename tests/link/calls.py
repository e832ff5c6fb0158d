"""What the tests of calls over a bad network share: who is who on the server, and whether a picture moves."""

import asyncio
import time
from collections.abc import Callable

import sfu.participant
from ciranda.server import Server
from sfu.dataplane.types import EngineCounters
from tests.harness.link_emulator import LinkEmulator
from tests.harness.participant import Participant
from tests.harness.stats import Sample, Stat, eventually

ROOM = "link"


def counters(server: Server) -> EngineCounters:
    """Of the only worker."""
    found: EngineCounters = server.node.ports[0].engine.counters()
    return found


def on_server(server: Server, person: Participant) -> sfu.participant.Participant:
    """The server's object for this client."""
    return next(p for p in server.node.rooms[next(iter(server.node.rooms))].participants.values() if p.id == person.id)


def follows(server: Server, person: Participant, link: LinkEmulator) -> bool:
    """Whether the server sends to where the client is now."""
    connection = on_server(server, person).connection
    return connection is not None and connection.transport.selected_address in link.upstream_addresses


async def picture(viewer: Participant, publisher: Participant) -> Stat:
    """Statistics of the stream in which the viewer gets the publisher's video; empty where there is none."""
    mid = viewer.slot_of(publisher, "video")
    return (await viewer.sample()).inbound("video").get(mid or "", {})


async def frames(viewer: Participant, publisher: Participant) -> int:
    return int((await picture(viewer, publisher)).get("framesDecoded", 0))


async def decodes(viewer: Participant, publisher: Participant, *, more: int = 5, within_s: float = 10.0) -> float:
    """Waits until the viewer has decoded some more frames of the publisher's; gives the seconds that it took."""
    started = time.monotonic()
    wanted = await frames(viewer, publisher) + more

    async def grew() -> bool:
        return await frames(viewer, publisher) >= wanted

    await eventually(grew, within_s=within_s, what=f"{viewer.name} decodes {publisher.name}")
    return time.monotonic() - started


async def see_each_other(*people: Participant) -> None:
    """Everybody's video is decoded by everybody else."""
    pairs = [(viewer, publisher) for viewer in people for publisher in people if viewer is not publisher]
    for viewer, publisher in pairs:
        await viewer.receives(publisher)
    await asyncio.gather(*(decodes(viewer, publisher, more=20) for viewer, publisher in pairs))


async def watch(viewer: Participant, publisher: Participant) -> None:
    """A client that publishes nothing offers lines to receive on, and sees the publisher."""
    viewer.add_slots(1, 1)
    await viewer.negotiate()
    await viewer.receives(publisher)
    await decodes(viewer, publisher, more=20)


async def until(condition: Callable[[], bool], *, within_s: float = 10.0, what: str) -> None:
    async def holds() -> bool:
        return condition()

    await eventually(holds, within_s=within_s, what=what)


def departures(person: Participant) -> list[str]:
    """What this client was told of others' leaving or taking back."""
    gone = ("participant_left", "track_removed")
    return [message["type"] for message in person.signaling.log if message["type"] in gone]


def growth(before: Sample, after: Sample, mid: str, name: str) -> float:
    """How much a counter of the inbound video stream on this m-line grew."""
    old, new = (sample.inbound("video")[mid] for sample in (before, after))
    return float(new.get(name, 0)) - float(old.get(name, 0))
