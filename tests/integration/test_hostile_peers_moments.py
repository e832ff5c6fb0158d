"""Two things at the same moment: resuming as the time runs out, faults in the middle of an offer, news while nobody listens."""

import pytest

from sfu.connection import Connection
from sfu.events import Closed, RoomEvent
from sfu.ids import RoomName
from sfu.permissions import JoinRequest
from tests.harness.transport_client import until
from tests.integration.doors import doors
from tests.integration.offers import PUBLISH, WATCH, write_offer

BLUE = RoomName("blue")


def nobody(_: RoomEvent) -> None:
    """Listens to nothing."""


async def test_coming_back_just_as_the_time_is_up() -> None:
    """The timer has fired, its work has not begun: who is back then stays. Who is not goes."""
    async with doors(resume_seconds=0) as house:
        heard: list[RoomEvent] = []
        ana, ben = (house.server.node.join(BLUE, JoinRequest(name=name), nobody) for name in ("Ana", "Ben"))
        for participant in (ana, ben):
            participant._expire()
        ana.attach(heard.append)
        ben.detach()
        await until(lambda: ben.left)
        assert not ana.left
        assert not [event for event in heard if isinstance(event, Closed)]


async def test_a_fault_of_ours_in_the_first_offer_leaves_no_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    async with doors() as house:
        ana = await house.member("Ana")
        port = house.server.node.ports[0]
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "_apply_slots", lambda *_: 1 // 0)
            await ana.send(type="offer", id=1, connection="c-1", sdp=PUBLISH)
            assert (await ana.expect("error"))["code"] == "internal"
        await until(lambda: not port._endpoints and not port._ufrags)


async def test_slots_that_were_needed_while_nobody_listened() -> None:
    """Whose socket was lost when somebody began to publish is asked for slots when it is back."""
    async with doors() as house:
        ana = await house.member("Ana")
        await ana.offer(write_offer("audio recvonly"))
        await ana.lose()
        participant = next(iter(house.server.node.rooms[BLUE].participants.values()))
        await until(lambda: not participant.attached)
        ben = await house.member("Ben")
        await ben.offer(PUBLISH)
        again = await (await house.socket()).join("Ana", resume=ana.welcome["resume"])
        assert again.welcome["resumed"]
        assert await again.until("slots_needed") == {"type": "slots_needed", "audio": 0, "video": 1}
        await again.offer(WATCH, request_id=2)


async def test_a_fault_in_one_room_leaves_the_others_their_speakers(monkeypatch: pytest.MonkeyPatch) -> None:
    async with doors() as house:
        node = house.server.node
        await house.member("Ana", "blue")
        await house.member("Ben", "red")
        heard: list[int] = []
        monkeypatch.setattr(node.rooms[BLUE], "hear", lambda *_: 1 // 0)
        monkeypatch.setattr(node.rooms[RoomName("red")], "hear", lambda now_ms, _: heard.append(now_ms))
        await until(lambda: len(heard) >= 3)
