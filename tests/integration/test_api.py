"""`/api/v1`: rooms are made, changed and ended, people are muted, let in and removed; every answer is as documented."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.harness.api import PREFIX, Api
from tests.integration.doors import KEYS, Doors, Member, doors, eventually, token
from tests.integration.offers import PUBLISH, WATCH

MICROPHONE = [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors() as open_doors:
        yield open_doors


async def publishes(member: Member) -> list[str]:
    """Ids of microphone and camera."""
    return [track["id"] for track in (await member.offer(PUBLISH, tracks=MICROPHONE))["tracks"]]


async def test_every_operation_does_what_it_says(house: Doors) -> None:
    api = await Api.of(house)
    assert await api("GET", "/rooms") == (200, {"rooms": []})
    status, room = await api("POST", "/rooms", {"name": "blue", "waiting_room": True, "metadata": {"topic": "tea"}})
    assert (status, room["participants"], room["empty_ttl_seconds"]) == (201, [], 300)
    ana = await house.member("Ana")
    assert ana.welcome["state"]["metadata"] == {"topic": "tea"}
    assert ana.welcome["permissions"]["admin"] is True
    cid = await house.waiter("Cid")
    _, room = await api("GET", "/rooms/blue")
    assert [who["name"] for who in room["waiting"]] == ["Cid"]
    assert await api("POST", "/rooms/blue/admit", {"waiting": [cid.ticket["id"]]}) == (200, {"count": 1})
    await cid.expect("welcome")
    await cid.send(type="leave")
    await cid.closed()
    await house.waiter("Bo")
    assert await api("POST", "/rooms/blue/refuse", {}) == (200, {"count": 1})
    _, room = await api("PATCH", "/rooms/blue", {"waiting_room": False, "max_participants": 3})
    assert (room["state"]["waiting_room"], room["max_participants"]) == (False, 3)
    bo = await house.member("Bo")
    assert bo.welcome["limits"]["participants"] == 3
    microphone, camera = await publishes(bo)
    await ana.offer(WATCH)
    assert await api("POST", f"/rooms/blue/participants/{bo.id}/mute", {}) == (204, None)
    muted = await bo.until("muted")
    assert (muted["track"], muted["by"], muted["may_unmute"]) == (microphone, None, True)
    assert await api("POST", f"/rooms/blue/participants/{bo.id}/mute", {"track": camera}) == (204, None)
    assert (await bo.until("muted"))["track"] == camera
    allowed = {"source": "screen", "allowed": False}
    assert await api("POST", f"/rooms/blue/participants/{bo.id}/allow", allowed) == (204, None)
    assert "screen" not in (await bo.until("permissions"))["permissions"]["sources"]
    _, room = await api("GET", "/rooms/blue")
    tracks = {
        track["id"]: (track["muted"], track["blocked"]) for who in room["participants"] for track in who["tracks"]
    }
    assert tracks == {microphone: (True, True), camera: (True, True)}
    status, whole = await api("GET", "/status")
    assert (whole["rooms"], whole["participants"], whole["tracks"]) == (1, 2, {"audio": 1, "video": 1})
    assert whole["moderation"]["mute"] == {"done": 2}
    assert await api("DELETE", f"/rooms/blue/participants/{bo.id}") == (204, None)
    assert await bo.closed() == ("removed", 1000)
    assert await api("DELETE", "/rooms/blue") == (204, None)
    assert await ana.closed() == ("closed", 1000)
    assert await api("GET", "/openapi.json") == (200, api.document)
    done = {(method, path) for method, path, status in api.called if status < 300}
    assert done == {(method.upper(), path) for path, item in api.document["paths"].items() for method in item}


REFUSALS: list[tuple[str, str, object, int]] = [
    ("GET", "/rooms/nowhere", None, 404),
    ("GET", "/rooms/api", None, 400),
    ("PATCH", "/rooms/nowhere", {}, 404),
    ("DELETE", "/rooms/nowhere", None, 404),
    ("POST", "/rooms", {"name": "blue"}, 409),
    ("POST", "/rooms", {"name": "a b"}, 400),
    ("POST", "/rooms", {"name": "status"}, 400),
    ("POST", "/rooms", {}, 400),
    ("POST", "/rooms", {"name": "red", "colour": "red"}, 400),
    ("POST", "/rooms", {"name": "red", "max_participants": 0}, 400),
    ("POST", "/rooms", {"name": "red", "max_participants": 10**6}, 400),
    ("POST", "/rooms", {"name": "red", "locked": "yes"}, 400),
    ("POST", "/rooms", {"name": "red", "metadata": []}, 400),
    ("POST", "/rooms", {"name": "red", "metadata": {"x": "y" * 5_000}}, 400),
    ("POST", "/rooms", {"name": "red", "metadata": {"x": "y" * 50_000}}, 413),
    ("POST", "/rooms", {"name": "red", "empty_ttl_seconds": 0}, 400),
    ("PATCH", "/rooms/blue", {"max_participants": 10**6}, 400),
    ("PATCH", "/rooms/blue", {"empty_ttl_seconds": -1}, 400),
    ("POST", "/rooms/blue/admit", {"waiting": "all"}, 400),
    ("POST", "/rooms/blue/participants/p_nobody/mute", {}, 404),
    ("POST", "/rooms/blue/participants/p_nobody/allow", {"source": "camera", "allowed": True}, 404),
    ("DELETE", "/rooms/blue/participants/p_nobody", None, 404),
    ("POST", "/rooms/blue/participants/ANA/mute", {"track": "t_nothing"}, 404),
    ("POST", "/rooms/blue/participants/ANA/mute", {"source": "hologram"}, 400),
    ("POST", "/rooms/blue/participants/ANA/allow", {"source": "camera"}, 400),
]


async def test_what_cannot_be_done_is_refused_as_documented(house: Doors) -> None:
    api, ana = await Api.of(house), await house.member("Ana")
    for method, path, body, status in REFUSALS:
        found, answer = await api(method, path.replace("ANA", ana.id), body)
        assert found == status, (method, path, answer)
    assert list(house.server.node.rooms) == ["blue"]
    await ana.quiet()


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"name":"red","name":"red"}', '{"name":NaN}', "[" * 9_000])
async def test_what_is_no_json_object_is_refused(house: Doors, text: str) -> None:
    api = await Api.of(house)
    status, _ = await api("POST", "/rooms", data=text, headers={"Content-Type": "application/json"})
    assert status == 400
    status, _ = await api("POST", "/rooms", data="{}", headers={"Content-Type": "text/plain"})
    assert status == 415


async def test_a_room_that_was_made_is_kept_for_a_while_and_no_longer(house: Doors) -> None:
    api = await Api.of(house)
    await api("POST", "/rooms", {"name": "blue", "empty_ttl_seconds": 1, "locked": True})
    await eventually(lambda: not house.server.node.rooms)
    await api("POST", "/rooms", {"name": "blue", "chat": False})
    ana = await house.member("Ana")
    await ana.send(type="leave")
    await ana.closed()
    assert (await api("GET", "/rooms/blue"))[0] == 200
    assert (await house.member("Ana")).welcome["state"]["chat"] is False
    assert await api("DELETE", "/rooms/blue") == (204, None)
    assert await api("POST", "/rooms", {"name": "red", "empty_ttl_seconds": None})
    assert await api("DELETE", "/rooms/red") == (204, None)
    assert not house.server.node.rooms


async def test_who_waits_keeps_an_empty_room() -> None:
    async with doors(api_key=KEYS) as house:
        api = await Api.of(house, bearer=token("blue", roomAdmin=True))
        await api("POST", "/rooms", {"name": "blue", "empty_ttl_seconds": 1, "waiting_room": True})
        ana = await house.waiter("Ana", token=token("blue"))
        room = house.room()
        room.tick(room.empty_since_s + 100)
        assert house.server.node.rooms
        await ana.send(type="leave")
        await ana.closed()
        await eventually(lambda: not house.server.node.rooms)


async def test_a_room_may_be_smaller_than_the_servers_limit(house: Doors) -> None:
    api = await Api.of(house)
    await api("POST", "/rooms", {"name": "blue", "max_participants": 1})
    await house.member("Ana")
    eve = await house.socket()
    await eve.send(type="join", version=1)
    assert (await eve.expect("error"))["code"] == "room_full"


async def test_two_who_make_the_same_room_at_once(house: Doors) -> None:
    api = await Api.of(house)
    made = await asyncio.gather(*(api("POST", "/rooms", {"name": "blue"}) for _ in range(5)))
    assert sorted(status for status, _ in made) == [201, 409, 409, 409, 409]


async def test_full_servers_say_so() -> None:
    async with doors(max_rooms=1) as house:
        api = await Api.of(house)
        assert (await api("POST", "/rooms", {"name": "blue"}))[0] == 201
        status, answer = await api("POST", "/rooms", {"name": "red"})
        assert (status, answer["code"]) == (503, "limit_reached")


async def test_with_keys_each_part_needs_its_own_claim() -> None:
    async with doors(api_key=KEYS) as house:
        nobody = await Api.of(house)
        admin = Api(house, nobody.document, bearer=token("blue", roomAdmin=True))
        lister = Api(house, nobody.document, bearer=token("", roomList=True))
        maker = Api(house, nobody.document, bearer=token("", roomCreate=True))
        guest = Api(house, nobody.document, bearer=token("blue"))
        everything: list[tuple[str, str, Any]] = [
            ("GET", "/status", None),
            ("GET", "/rooms", None),
            ("POST", "/rooms", {"name": "red"}),
            ("GET", "/rooms/red", None),
            ("PATCH", "/rooms/red", {"locked": True}),
            ("POST", "/rooms/red/admit", {}),
            ("POST", "/rooms/red/refuse", {}),
            ("POST", "/rooms/red/participants/p_x/mute", {}),
            ("POST", "/rooms/red/participants/p_x/allow", {"source": "camera", "allowed": True}),
            ("DELETE", "/rooms/red/participants/p_x", None),
            ("DELETE", "/rooms/red", None),
        ]
        for method, path, body in everything:
            assert (await nobody(method, path, body))[0] == 401, path
            for caller in (guest, admin):
                found = (await caller(method, path, body))[0]
                assert found == (200 if path == "/rooms" and method == "GET" else 403), path
        assert (await lister("GET", "/status"))[0] == 200
        assert (await lister("POST", "/rooms", {"name": "red"}))[0] == 403
        assert (await maker("POST", "/rooms", {"name": "red"}))[0] == 201
        assert (await maker("GET", "/rooms/red"))[0] == 403
        assert (await admin("POST", "/rooms", {"name": "blue"}))[0] == 201
        assert (await admin("PATCH", "/rooms/blue", {"locked": True}))[0] == 200


async def test_an_operators_token_administers_every_room() -> None:
    async with doors(api_key=KEYS) as house:
        ana = await house.member(token=token("blue"))
        operator = await Api.of(house, bearer=token("", roomList=True, roomAdmin=True))
        assert (await operator("GET", "/rooms/blue"))[0] == 200
        assert (await operator("DELETE", "/rooms/blue"))[0] == 204
        assert await ana.closed() == ("closed", 1000)
        for bearer in (token("", roomAdmin=True), token("", roomList=True)):
            await house.member(token=token("blue"))
            other = Api(house, operator.document, bearer=bearer)
            assert (await other("GET", "/rooms/blue"))[0] == 403


async def test_other_methods_are_told_which_there_are(house: Doors) -> None:
    async with house.http.put(house.url(f"{PREFIX}/rooms")) as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET,POST")
