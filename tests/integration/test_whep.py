"""WHEP over HTTP: what differs from WHIP. A viewer is hidden, gets a slot for each m-line, and may come first."""

from collections.abc import AsyncIterator

import pytest

from sfu.participant import Participant
from tests.integration.doors import KEYS, Doors, doors, token
from tests.integration.offers import PUBLISH, WATCH, fragment, write_offer

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors() as open_doors:
        yield open_doors


async def watch(house: Doors, offer: str = WATCH, query: str = "", **headers: str) -> str:
    async with house.http.post(house.url(f"/whep/blue{query}"), data=offer, headers=SDP | headers) as response:
        assert response.status == 201, await response.text()
        assert "a=sendonly\r\n" in await response.text()
        return response.headers["Location"]


def viewer(house: Doors) -> Participant:
    [found] = [p for room in house.server.node.rooms.values() for p in room.participants.values() if p.hidden]
    return found


def filled(house: Doors) -> list[str | None]:
    """Who is in the viewer's slots."""
    return [slot.track.owner if slot.track else None for slot in viewer(house).slots]


async def test_viewers_are_hidden(house: Doors) -> None:
    ana = await house.member("Ana")
    location = await watch(house, query="?name=Viewer")
    bo = await house.member("Bo")
    assert [who["name"] for who in bo.welcome["participants"]] == ["Ana"]
    assert (await ana.expect("participant_joined"))["participant"]["name"] == "Bo"
    async with house.http.delete(house.url(location)) as response:
        assert response.status == 200
    await ana.quiet()


async def test_a_viewer_may_come_before_the_publisher(house: Doors) -> None:
    await watch(house)
    assert filled(house) == [None, None]
    ana = await house.member("Ana")
    await ana.offer(PUBLISH)
    assert filled(house) == [ana.id, ana.id]
    await ana.send(type="leave")
    await ana.closed()
    assert filled(house) == [None, None]


async def test_there_are_as_many_slots_as_m_lines(house: Doors) -> None:
    await watch(house, write_offer("audio recvonly", *["video recvonly"] * 4))
    assert len(viewer(house).slots) == 5


async def test_one_person_can_be_picked(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await ana.offer(PUBLISH)
    await watch(house, query=f"?participant={bo.id}")
    assert filled(house) == [None, None]
    await bo.offer(PUBLISH)
    assert filled(house) == [bo.id, bo.id]


@pytest.mark.parametrize(
    ("offer", "status"),
    [(PUBLISH, 422), (write_offer("data"), 422), ("v=0", 400), (write_offer(*["video recvonly"] * 65), 422)],
)
async def test_offers_that_watch_nothing_leave_nothing(house: Doors, offer: str, status: int) -> None:
    async with house.http.post(house.url("/whep/blue"), data=offer, headers=SDP) as response:
        assert response.status == status, await response.text()
    assert not house.server.node.rooms


@pytest.mark.parametrize("query", ["?participant=", "?participant=" + "x" * 300])
async def test_a_participant_must_be_named_sensibly(house: Doors, query: str) -> None:
    async with house.http.post(house.url(f"/whep/blue{query}"), data=WATCH, headers=SDP) as response:
        assert response.status == 400


async def test_ice_can_be_restarted(house: Doors) -> None:
    location = await watch(house)
    headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}
    async with house.http.patch(house.url(location), data=fragment("another1"), headers=headers) as response:
        assert response.status == 200
        assert "a=ice-ufrag:" in await response.text()


async def test_players_find_the_endpoint_by_its_content_type(house: Doors) -> None:
    async with house.http.head(house.url("/whep/blue")) as response:
        assert response.status == 200
        assert response.content_type == "application/sdp"


async def test_watching_needs_permission() -> None:
    async with doors(api_key=KEYS) as house:
        url = house.url("/whep/blue")
        headers = SDP | {"Authorization": f"Bearer {token('blue', canSubscribe=False)}"}
        async with house.http.post(url, data=WATCH, headers=headers) as response:
            assert response.status == 403
        await watch(house, Authorization=f"Bearer {token('blue', canPublish=False)}")


async def test_a_session_of_one_door_is_none_of_the_other(house: Doors) -> None:
    location = await watch(house)
    async with house.http.delete(house.url(location.replace("/whep/", "/whip/"))) as response:
        assert response.status == 404
