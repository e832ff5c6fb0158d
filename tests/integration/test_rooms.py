"""The room model on a real node: who is told what, what fills which slot, and what a limit or a lost socket does."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from sfu.config import Settings
from sfu.errors import LimitError, PermissionDeniedError, RemoteError, SdpError
from sfu.events import (
    Closed,
    ParticipantJoined,
    ParticipantLeft,
    RoomEvent,
    SlotsChanged,
    SlotsNeeded,
    TrackAdded,
    TrackChanged,
    TrackRemoved,
)
from sfu.ids import Mid, RoomName, TrackId
from sfu.negotiation.negotiated import Role
from sfu.node import Node
from sfu.participant import Participant
from sfu.permissions import JoinRequest, Permissions
from sfu.views import Source
from tests.integration.doors import eventually
from tests.integration.offers import write_offer

ROOM = RoomName("dance")
CAMERA = {Mid("0"): Source.MICROPHONE, Mid("1"): Source.CAMERA}
PUBLISH = ("audio sendonly", "video sendonly")


class Person:
    """A participant and everything that its front door was told."""

    def __init__(self, node: Node, request: JoinRequest) -> None:
        self.events: list[RoomEvent] = []
        self.participant: Participant = node.join(ROOM, request, self.events.append)

    async def offer(self, *lines: str, connection: str = "c1", version: int = 2) -> str:
        offer = write_offer(*lines, version=version)
        return await self.participant.negotiate(offer, connection=connection, sources=CAMERA)

    def told(self, *kinds: type[RoomEvent]) -> list[RoomEvent]:
        return [event for event in self.events if isinstance(event, kinds)]

    def filling(self) -> list[tuple[str, str | None]]:
        """(mid, source of what fills it) of each slot."""
        return [(slot.mid, slot.track.source.value if slot.track else None) for slot in self.participant.slots]


Join = Callable[..., Person]


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    node = Node(Settings(media_port=0, resume_seconds=0.1, max_participants=5, max_tracks=3, max_slots=6))
    await node.start()
    yield node
    await node.close()


@pytest.fixture
def join(node: Node) -> Join:
    def joins(name: str = "Ana", **more: object) -> Person:
        return Person(node, JoinRequest(name, **more))  # type: ignore[arg-type]

    return joins


async def test_others_hear_of_a_join_of_tracks_and_of_a_leave(join: Join, node: Node) -> None:
    ana, bob = join("Ana"), join("Bob")
    assert [event.participant.name for event in ana.told(ParticipantJoined)] == ["Bob"]  # type: ignore[union-attr]
    await bob.offer(*PUBLISH)
    assert [event.track.source for event in ana.told(TrackAdded)] == [Source.MICROPHONE, Source.CAMERA]  # type: ignore[union-attr]
    assert [view.name for view in node.rooms[ROOM].others(ana.participant)] == ["Bob"]
    await bob.participant.leave("left")
    assert ana.events[-1] == ParticipantLeft(bob.participant.id, "left")
    assert bob.events[-1] == Closed("left")
    assert bob.told(ParticipantJoined, TrackAdded) == []


async def test_a_hidden_viewer_is_neither_announced_nor_listed(join: Join, node: Node) -> None:
    ana = join("Ana")
    viewer = join("Viewer", hidden=True, role=Role(publish=False, subscribe=True))
    assert ana.events == []
    assert node.rooms[ROOM].others(ana.participant) == ()
    await viewer.participant.leave("left")
    assert ana.events == []


async def test_slots_are_filled_whoever_comes_first(join: Join) -> None:
    early = join("Early")
    await early.offer("audio recvonly", "video recvonly")
    assert early.filling() == [("0", None), ("1", None)]
    ana = join("Ana")
    await ana.offer(*PUBLISH)
    late = join("Late")
    await late.offer("audio recvonly", "video recvonly")
    assert early.filling() == late.filling() == [("0", "microphone"), ("1", "camera")]
    assert isinstance(early.told(SlotsChanged)[-1], SlotsChanged)
    await ana.participant.leave("left")
    assert early.filling() == late.filling() == [("0", None), ("1", None)]


async def test_more_slots_are_asked_for_once(join: Join) -> None:
    ana, bob = join("Ana"), join("Bob")
    await ana.offer("audio recvonly")
    await bob.offer(*PUBLISH)
    assert ana.told(SlotsNeeded) == [SlotsNeeded(0, 1)]
    await ana.offer("audio recvonly", "video recvonly", version=3)
    assert ana.told(SlotsNeeded) == [SlotsNeeded(0, 1)]
    assert ana.filling() == [("0", "microphone"), ("1", "camera")]


async def test_a_pinned_viewer_receives_from_one_person_only(join: Join) -> None:
    ana, bob = join("Ana"), join("Bob", identity="bob@example.org")
    await ana.offer(*PUBLISH)
    await bob.offer(*PUBLISH)
    viewer = join("Viewer", pinned="bob@example.org", hidden=True)
    await viewer.offer("video recvonly", "video recvonly")
    owners = [slot.track.owner if slot.track else None for slot in viewer.participant.slots]
    assert owners == [bob.participant.id, None]


async def test_pins_come_before_others_and_muted_tracks_after_them(join: Join) -> None:
    ana, bob, eve = join("Ana"), join("Bob"), join("Eve")
    await ana.offer(*PUBLISH)
    await bob.offer(*PUBLISH)
    await eve.offer("video recvonly")

    def shown() -> str | None:
        track = eve.participant.slots[0].track
        return track.owner if track else None

    assert shown() == ana.participant.id
    eve.participant.pin([bob.participant.id])
    assert shown() == bob.participant.id
    eve.participant.pin([])
    camera = next(track for track in bob.participant.tracks.values() if track.source is Source.CAMERA)
    bob.participant.set_muted(camera.id, True)
    assert shown() == ana.participant.id
    assert eve.told(TrackChanged)[-1].track.muted  # type: ignore[union-attr]


async def test_muting_what_is_not_ones_own_is_refused(join: Join) -> None:
    ana, bob = join("Ana"), join("Bob")
    await ana.offer(*PUBLISH)
    with pytest.raises(RemoteError):
        bob.participant.set_muted(next(iter(ana.participant.tracks)), True)
    with pytest.raises(RemoteError):
        bob.participant.set_muted(TrackId("t_nothing"), True)


async def test_a_later_offer_may_name_another_source(join: Join) -> None:
    ana, bob = join("Ana"), join("Bob")
    await ana.offer(*PUBLISH)
    again = {Mid("0"): Source.MICROPHONE, Mid("1"): Source.SCREEN}
    await ana.participant.negotiate(write_offer(*PUBLISH, version=3), connection="c1", sources=again)
    assert [event.track.source for event in bob.told(TrackChanged)] == [Source.SCREEN]  # type: ignore[union-attr]
    assert bob.told(TrackRemoved) == []


async def test_a_reload_replaces_the_connection_and_not_the_participant(join: Join) -> None:
    ana, bob = join("Ana"), join("Bob")
    await bob.offer("audio recvonly", "video recvonly")
    await ana.offer(*PUBLISH)
    old = list(ana.participant.tracks)
    await ana.offer(*PUBLISH, connection="c2")
    assert [event.track_id for event in bob.told(TrackRemoved)] == old  # type: ignore[union-attr]
    assert len(bob.told(TrackAdded)) == 4
    assert bob.told(ParticipantLeft) == []
    assert bob.filling() == [("0", "microphone"), ("1", "camera")]


async def test_a_refused_offer_leaves_everything_as_it_was(join: Join) -> None:
    ana, bob = join("Ana"), join("Bob")
    await ana.offer(*PUBLISH)
    tracks = dict(ana.participant.tracks)
    with pytest.raises(SdpError):
        await ana.participant.negotiate("v=0\r\nnonsense", connection="c1", sources={})
    with pytest.raises(SdpError):
        await ana.participant.negotiate("v=0\r\nnonsense", connection="c2", sources={})
    with pytest.raises(LimitError):
        await ana.offer(*PUBLISH, *PUBLISH, connection="c2")
    with pytest.raises(LimitError):
        await ana.offer(*PUBLISH, *["video recvonly"] * 7, version=3)
    assert dict(ana.participant.tracks) == tracks
    assert bob.told(TrackRemoved) == []
    assert len(bob.told(TrackAdded)) == 2


async def test_a_lost_socket_is_a_leave_only_after_a_while(join: Join) -> None:
    ana, bob = join("Ana"), join("Bob")
    ana.participant.detach()
    assert bob.told(ParticipantLeft) == []
    await eventually(lambda: bob.told(ParticipantLeft) == [ParticipantLeft(ana.participant.id, "timeout")])


async def test_a_resumed_participant_stays(join: Join, node: Node) -> None:
    ana, bob = join("Ana"), join("Bob")
    ana.participant.detach()
    assert node.resume("wrong", ROOM) is None
    assert node.resume(ana.participant.resume_token, RoomName("other")) is None
    assert node.resume(ana.participant.resume_token, ROOM) is ana.participant
    ana.participant.attach(ana.events.append)
    eve = join("Eve")
    eve.participant.detach()
    await eventually(lambda: eve.participant.left)
    assert not ana.participant.left
    assert [event.participant_id for event in bob.told(ParticipantLeft)] == [eve.participant.id]  # type: ignore[union-attr]


async def test_a_full_room_refuses_and_an_empty_one_is_forgotten(join: Join, node: Node) -> None:
    people = [join(f"Number {number}") for number in range(5)]
    with pytest.raises(LimitError) as caught:
        join("One too many")
    assert caught.value.code == "room_full"
    await asyncio.gather(*(person.participant.leave("left") for person in people))
    assert node.rooms == {}


async def test_what_a_token_forbids_is_not_negotiated(join: Join) -> None:
    ana = join("Ana", permissions=Permissions(publish=False))
    bob = join("Bob")
    await ana.offer(*PUBLISH)
    assert ana.participant.tracks == {}
    assert bob.told(TrackAdded) == []


async def test_a_token_for_some_sources_lets_no_other_be_published(join: Join) -> None:
    ana = join("Ana", permissions=Permissions(sources=frozenset({Source.MICROPHONE})))
    with pytest.raises(PermissionDeniedError):
        await ana.offer(*PUBLISH)
    with pytest.raises(PermissionDeniedError):
        # A picture under the name of a microphone.
        await ana.participant.negotiate(
            write_offer("video sendonly"), connection="c1", sources={Mid("0"): Source.MICROPHONE}
        )
    with pytest.raises(PermissionDeniedError):
        await ana.participant.negotiate(write_offer("audio sendonly"), connection="c1", sources={})
    assert ana.participant.tracks == {}
    await ana.offer("audio sendonly")
    assert [track.source for track in ana.participant.tracks.values()] == [Source.MICROPHONE]


async def test_closing_the_node_tells_everybody_and_frees_the_transports(join: Join, node: Node) -> None:
    ana, bob = join("Ana"), join("Bob")
    await ana.offer(*PUBLISH)
    await node.close()
    assert ana.events[-1] == bob.events[-1] == Closed("shutting_down")
    assert node.rooms == {}
    with pytest.raises(LimitError):
        join("Late")
