"""A program that embeds the server: it sees the rooms, hears what happens in them, gives orders and makes tokens."""

import ast
import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import FunctionType

import aiohttp
import pytest

import ciranda
from ciranda import (
    Joined,
    Left,
    Observation,
    ReaderTooSlowError,
    RemoteError,
    RoomClosed,
    RoomOpened,
    Server,
    TrackChanged,
    TrackEnded,
    TrackPublished,
    WaitingChanged,
    Watch,
)
from sfu.ids import RoomName
from tests.harness.mounted import mounted
from tests.integration.doors import KEYS, PATIENCE_S, Doors, Member, doors
from tests.integration.offers import write_offer

SOURCES = [{"mid": "0", "source": "microphone", "muted": False}]


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors(resume_seconds=0.1) as open_doors:
        yield open_doors


async def following(watch: Watch) -> Observation:
    async with asyncio.timeout(PATIENCE_S):
        return await anext(watch)


async def test_everything_that_happens_is_told_in_order(house: Doors) -> None:
    with house.server.rooms.watch() as watch:
        ana = await house.member("Ana")
        assert await following(watch) == RoomOpened(RoomName("blue"))
        joined = await following(watch)
        assert isinstance(joined, Joined)
        assert (joined.person.id, joined.person.name, joined.person.hidden) == (ana.id, "Ana", False)

        answer = await ana.offer(write_offer("audio sendonly"), tracks=SOURCES)
        published = await following(watch)
        assert isinstance(published, TrackPublished)
        assert published.track.id == answer["tracks"][0]["id"]
        assert (published.person, published.track.source, published.track.muted) == (joined.person, "microphone", False)

        await ana.send(type="mute", track=published.track.id, muted=True)
        changed = await following(watch)
        assert isinstance(changed, TrackChanged)
        assert changed.track.muted

        await ana.offer(write_offer("audio inactive", version=3), request_id=2)
        ended = await following(watch)
        assert isinstance(ended, TrackEnded)
        assert ended.track.id == published.track.id

        await ana.send(type="leave")
        assert await following(watch) == Left(RoomName("blue"), joined.person, "left")
        assert await following(watch) == RoomClosed(RoomName("blue"))


async def test_rooms_are_a_mapping_of_values(house: Doors) -> None:
    rooms = house.server.rooms
    assert (len(rooms), list(rooms), rooms.get("blue")) == (0, [], None)
    ana = await house.member("Ana")
    seen = rooms["blue"]
    bo = await house.member("Bo")
    assert [person.name for person in seen.participants] == ["Ana"], "a value of then"
    assert [person.name for person in rooms["blue"].participants] == ["Ana", "Bo"]
    assert [person.id for person in rooms["blue"].participants] == [ana.id, bo.id]
    assert "blue" in rooms
    assert "red" not in rooms
    with pytest.raises(KeyError):
        rooms["red"]


async def test_a_room_is_made_changed_and_closed(house: Doors) -> None:
    rooms = house.server.rooms
    made = rooms.create("board", max_participants=1, metadata={"topic": "budget"})
    assert (made.max_participants, made.state.metadata, made.state.locked) == (1, {"topic": "budget"}, False)
    with pytest.raises(RemoteError) as refused:
        rooms.create("board")
    assert refused.value.code == "conflict"
    with pytest.raises(ValueError, match="loked"):
        rooms.create("other", loked=True)
    with pytest.raises(RemoteError):
        rooms.create("whip")
    assert list(rooms) == ["board"]
    assert rooms.change("board", locked=True).state.locked
    rooms.change("board", locked=False)

    ana = await house.member("Ana", "board")
    await rooms.close("board")
    assert (await ana.closed())[0] == "closed"
    assert list(rooms) == []


async def test_somebody_is_muted_and_removed(house: Doors) -> None:
    rooms = house.server.rooms
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await bo.offer(write_offer("audio sendonly"), tracks=SOURCES)
    rooms.mute("blue", bo.id)
    assert (await bo.until("muted"))["by"] is None
    assert rooms["blue"].participants[1].tracks[0].blocked
    with pytest.raises(KeyError):
        await rooms.remove("blue", "p_nobody")
    await rooms.remove("blue", bo.id)
    assert (await bo.closed())[0] == "removed"
    assert [person.id for person in rooms["blue"].participants] == [ana.id]


async def test_who_waits_is_told_and_let_in(house: Doors) -> None:
    rooms = house.server.rooms
    rooms.create("door", waiting_room=True)
    ana = await house.member("Ana", "door")
    assert ana.welcome["permissions"]["admin"], "the first is the host, and does not wait"
    with rooms.watch() as watch:
        bo = await house.waiter("Bo", "door")
        waits = await following(watch)
        assert isinstance(waits, WaitingChanged)
        assert [(one.id, one.name) for one in waits.waiting] == [(bo.ticket["id"], "Bo")]
        assert rooms.admit("door", [bo.ticket["id"]]) == 1
        await bo.expect("welcome")
        joined = await following(watch)
        assert isinstance(joined, Joined)
        assert joined.person.name == "Bo"
        emptied = await following(watch)
        assert isinstance(emptied, WaitingChanged)
        assert not emptied.waiting
        cy = await house.waiter("Cy", "door")
        assert rooms.refuse("door") == 1
        assert (await cy.until_error())["code"] == "refused"


async def test_a_token_lets_its_bearer_in() -> None:
    async with doors(api_key=KEYS) as house:
        watch = house.server.rooms.watch()
        token = house.server.token("blue", name="Ana", identity="u-17", admin=True)
        ana = await house.member("whatever", token=token)
        assert ana.welcome["permissions"]["admin"]
        assert isinstance(await following(watch), RoomOpened)
        joined = await following(watch)
        assert isinstance(joined, Joined)
        assert (joined.person.name, joined.person.identity) == ("Ana", "u-17")


async def test_open_rooms_need_no_token(house: Doors) -> None:
    with pytest.raises(ValueError, match="api_key"):
        house.server.token("blue")


async def test_watching_ends_with_the_server() -> None:
    async with Server(http_port=0, media_port=0) as server:
        watch = server.rooms.watch()
        server.rooms.create("tea")
    async with asyncio.timeout(PATIENCE_S):
        assert [event async for event in watch] == [RoomOpened(RoomName("tea")), RoomClosed(RoomName("tea"))]
        assert [event async for event in server.rooms.watch()] == [], "nothing will follow"


async def test_a_reader_who_is_too_slow_is_told_so(house: Doors) -> None:
    rooms = house.server.rooms
    slow, other = rooms.watch(most_waiting=2), rooms.watch()
    for name in ("a", "b", "c"):
        rooms.create(name)
    assert [await following(slow), await following(slow)] == [RoomOpened(RoomName("a")), RoomOpened(RoomName("b"))]
    with pytest.raises(ReaderTooSlowError):
        await following(slow)
    assert [event async for event in slow] == []
    assert [(await following(other)).room for _ in range(3)] == ["a", "b", "c"], "others hear everything"


async def test_the_readmes_program_does_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(ciranda.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    program = FunctionType(compile(source, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), {})
    running = asyncio.ensure_future(program())
    said = ""
    async with asyncio.timeout(PATIENCE_S):
        while "\n" not in said:
            await asyncio.sleep(0.01)
            said += capsys.readouterr().out
    running.cancel()
    await asyncio.wait([running])
    assert said == "RoomOpened(room='board') ['board']\n"


def test_what_embeds_it_finds_its_names_in_one_place() -> None:
    assert all(hasattr(ciranda, name) for name in ciranda.__all__)
    assert ciranda.__version__


async def test_below_a_path_of_another_application() -> None:
    server = Server(media_port=0)
    async with aiohttp.ClientSession() as http, mounted(server) as url:
        assert server.running
        async with http.get(f"{url}/meet/tea") as page:
            named = re.findall(r'(?:src|href)="([^"]+)"', await page.text())
        assert any(path.endswith("/app.js") for path in named)
        for path in filter(None, named):
            async with http.get(url + path) as file:
                assert file.status == 200, path
        async with http.get(f"{url}/meet/api/v1/openapi.json") as described:
            assert (await described.json())["servers"] == [{"url": "/meet"}]
        async with http.get(f"{url}/healthz") as elsewhere:
            assert elsewhere.status == 404, "the rest is the other application's"

        offer = write_offer("audio sendonly")
        headers = {"Content-Type": "application/sdp", "Origin": "https://elsewhere.example"}
        async with http.post(f"{url}/meet/whip/tea", data=offer, headers=headers) as published:
            assert published.status == 201
            assert published.headers["Location"].startswith("/meet/whip/tea/")
            assert published.headers["Access-Control-Allow-Origin"] == "*"
            session = published.headers["Location"]
        async with http.delete(url + session) as ended:
            assert ended.status == 200

        ana = await Member(await http.ws_connect(f"{url}/meet/ws/tea")).join("Ana")
        assert [person.name for person in server.rooms["tea"].participants] == ["Ana"]
        closing = asyncio.ensure_future(ana.closed())
    assert (await closing)[0] == "shutting_down"
    assert not server.running


async def test_what_cannot_start_below_another_leaves_nothing_open(server: Server) -> None:
    _, port = server.media_addresses[0]
    second = Server(media_port=port)
    with pytest.raises(OSError, match=str(port)):
        async with mounted(second):
            pass
    assert not second.running
