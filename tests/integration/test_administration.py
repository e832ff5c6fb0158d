"""`/api/v1`: who may look and act, and what happens to those acted upon, however they came in."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.doors import KEYS, Doors, doors, token
from tests.integration.offers import PUBLISH

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors() as open_doors:
        yield open_doors


async def test_rooms_are_listed_and_shown(house: Doors) -> None:
    ana = await house.member("Ana")
    await ana.offer(PUBLISH, tracks=[{"mid": "0", "source": "microphone", "muted": True}])
    async with house.http.get(house.url("/api/v1/rooms")) as response:
        [room] = (await response.json())["rooms"]
        assert (room["name"], room["participants"], room["tracks"]) == ("blue", 1, 2)
    async with house.http.get(house.url("/api/v1/rooms/blue")) as response:
        [person] = (await response.json())["participants"]
        assert (person["id"], person["name"], person["attached"]) == (ana.id, "Ana", True)
        assert person["tracks"][0]["source"] == "microphone"
        assert person["tracks"][0]["muted"] is True
        assert person["transport"]["packets_received"] == 0
        assert "resume" not in await response.text()


async def test_somebody_is_removed(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    async with house.http.delete(house.url(f"/api/v1/rooms/blue/participants/{ana.id}")) as response:
        assert response.status == 204
    assert await ana.closed() == ("removed", 1000)
    assert (await bo.until("participant_left"))["reason"] == "removed"
    again = await house.member("Ana", resume=ana.welcome["resume"])
    assert again.welcome["resumed"] is False


async def test_a_room_is_closed(house: Doors) -> None:
    ana = await house.member("Ana")
    async with house.http.post(house.url("/whip/blue"), data=PUBLISH, headers=SDP) as response:
        location = response.headers["Location"]
    async with house.http.delete(house.url("/api/v1/rooms/blue")) as response:
        assert response.status == 204
    assert await ana.closed() == ("closed", 1000)
    async with house.http.delete(house.url(location)) as response:
        assert response.status == 404
    async with house.http.get(house.url("/api/v1/rooms/blue")) as response:
        assert response.status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"X-Real-IP": "127.0.0.1"},
        {"Host": "rebound.example"},
        {"Host": "rebound.example:8080"},
        {"Host": "["},
    ],
)
async def test_without_keys_only_the_machine_itself_administers(house: Doors, headers: dict[str, str]) -> None:
    await house.member("Ana")
    for method, path in (("GET", "/api/v1/rooms"), ("GET", "/api/v1/rooms/blue"), ("DELETE", "/api/v1/rooms/blue")):
        async with house.http.request(method, house.url(path), headers=headers) as response:
            assert response.status == 403
            assert "Access-Control-Allow-Origin" not in response.headers


async def test_with_keys_a_token_says_who_administers_what() -> None:
    async with doors(api_key=KEYS) as house:
        for room in ("blue", "red"):
            await house.member("Ana", room=room, token=token(room))

        async def ask(method: str, path: str, bearer: str | None) -> tuple[int, object]:
            headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
            async with house.http.request(method, house.url(path), headers=headers) as response:
                return response.status, await response.json() if response.status == 200 else None

        assert (await ask("GET", "/api/v1/rooms", None))[0] == 401
        assert (await ask("GET", "/api/v1/rooms", "x"))[0] == 401
        assert await ask("GET", "/api/v1/rooms", token("blue")) == (200, {"rooms": []})
        admin = token("blue", roomAdmin=True)
        status, listed = await ask("GET", "/api/v1/rooms", admin)
        assert isinstance(listed, dict)
        assert [room["name"] for room in listed["rooms"]] == ["blue"]
        status, listed = await ask("GET", "/api/v1/rooms", token("", roomList=True))
        assert isinstance(listed, dict)
        assert sorted(room["name"] for room in listed["rooms"]) == ["blue", "red"]
        assert (await ask("GET", "/api/v1/rooms/red", admin))[0] == 403
        assert (await ask("DELETE", "/api/v1/rooms/red", admin))[0] == 403
        assert (await ask("GET", "/api/v1/rooms/blue", token("blue")))[0] == 403
        expired = token("blue", roomAdmin=True, expires_in_s=-60)
        assert (await ask("DELETE", "/api/v1/rooms/blue", expired))[0] == 401
        status, _ = await ask("DELETE", "/api/v1/rooms/blue", admin)
        assert status == 204
        assert list(house.server.node.rooms) == ["red"]
