"""Files dropped into a room: who may, how much, what others get, and that nothing of it runs or stays."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.harness.server_process import ServerProcess
from tests.integration.doors import KEYS, Doors, Member, doors, eventually, token

HTML = b"<script>alert(1)</script>"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Doors]:
    async with doors(files_directory=tmp_path) as open_doors:
        yield open_doors


def bearer(member: Member) -> dict[str, str]:
    return {"Authorization": f"Bearer {member.welcome['resume']}"}


async def share(
    house: Doors, headers: dict[str, str], data: Any = b"hello", *, name: str = "notes.txt", room: str = "blue"
) -> tuple[int, dict[str, Any]]:
    """Status and answer."""
    address = house.url(f"/files/{room}")
    async with house.http.post(address, params={"name": name}, data=data, headers=headers) as response:
        return response.status, await response.json()


async def test_a_file_comes_and_goes_as_it_is(house: Doors) -> None:
    ana = await house.member("Ana")
    assert ana.welcome["limits"]["file_bytes"] == 26_214_400
    body = os.urandom(1_000_000)
    status, file = await share(house, bearer(ana) | {"Content-Type": "image/png"}, body, name="Ação 🎉.png")
    assert status == 201
    assert file == {"id": file["id"], "name": "Ação 🎉.png", "size": 1_000_000, "type": "image/png", "url": file["url"]}
    async with house.http.get(house.url(file["url"])) as response:
        assert await response.read() == body
        headers = response.headers
        assert headers["Content-Type"] == "image/png"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Content-Disposition"].startswith("attachment; ")
        assert headers["Content-Disposition"].endswith("filename*=UTF-8''A%C3%A7%C3%A3o%20%F0%9F%8E%89.png")
        assert "Access-Control-Allow-Origin" not in headers
    async with house.http.get(house.url(file["url"]), headers={"Range": "bytes=10-19"}) as response:
        assert (response.status, await response.read()) == (206, body[10:20])


@pytest.mark.parametrize("said", ["text/html", "image/svg+xml", "text/javascript", "application/pdf", "x", "a/b;c=d"])
async def test_what_could_run_is_given_out_as_bytes(house: Doors, said: str) -> None:
    ana = await house.member("Ana")
    _, file = await share(house, bearer(ana) | {"Content-Type": said}, HTML, name="a.html")
    async with house.http.get(house.url(file["url"])) as response:
        assert (response.status, response.headers["Content-Type"]) == (200, "application/octet-stream")
        assert await response.read() == HTML


async def test_only_who_is_in_the_room_shares_and_the_secret_is_not_the_address(house: Doors) -> None:
    ana, eve = await house.member("Ana"), await house.member("Eve", room="red")
    assert (await share(house, {}))[0] == 401
    assert (await share(house, {"Authorization": "Bearer x"}))[0] == 401
    assert (await share(house, bearer(eve)))[0] == 401
    assert (await share(house, bearer(ana), room="nowhere"))[0] == 401
    assert (await share(house, bearer(ana), room="files"))[0] == 404
    status, file = await share(house, bearer(ana))
    assert status == 201
    assert ana.welcome["resume"] not in file["url"]
    await ana.send(type="leave")
    await ana.closed()
    assert (await share(house, bearer(ana)))[0] == 401


@pytest.mark.parametrize("path", ["x", "..%2F..%2Fetc%2Fpasswd", ".lock", "%00", "x" * 300])
async def test_what_is_no_file_is_not_found(house: Doors, path: str) -> None:
    ana = await house.member("Ana")
    await share(house, bearer(ana))
    async with house.http.get(house.url(f"/files/blue/{path}")) as response:
        assert response.status == 404


async def test_a_file_is_in_its_room_only_and_goes_with_it(house: Doors, tmp_path: Path) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await house.member("Eve", room="red")
    _, file = await share(house, bearer(ana))
    async with house.http.get(house.url(f"/files/red/{file['id']}")) as response:
        assert response.status == 404
    await ana.send(type="leave")
    await bo.until("participant_left")
    async with house.http.get(house.url(file["url"])) as response:
        assert response.status == 200
    await bo.send(type="end")
    await bo.closed()
    async with house.http.get(house.url(file["url"])) as response:
        assert response.status == 404
    [folder] = tmp_path.iterdir()
    assert [path.name for path in folder.iterdir()] == [".lock"]


async def test_nothing_stays_when_the_server_ends(tmp_path: Path) -> None:
    async with doors(files_directory=tmp_path) as house:
        await share(house, bearer(await house.member("Ana")))
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []


async def test_permissions_and_the_rooms_state_count(tmp_path: Path) -> None:
    async with doors(files_directory=tmp_path, api_key=KEYS) as house:
        ana = await house.member(token=token("blue", roomAdmin=True))
        mute = await house.member(token=token("blue", canPublishData=False))
        bo = await house.member(token=token("blue"))
        assert (await share(house, bearer(mute)))[0] == 403
        await ana.send(type="room", chat=False)
        await bo.until("room")
        assert (await share(house, bearer(bo)))[0] == 403
        assert (await share(house, bearer(ana)))[0] == 201


async def chunks(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(size)
        await asyncio.sleep(0)


async def test_what_is_too_large_is_refused_announced_or_not(tmp_path: Path) -> None:
    async with doors(files_directory=tmp_path, max_file_bytes=100_000, max_room_file_bytes=150_000) as house:
        ana = await house.member("Ana")
        assert ana.welcome["limits"]["file_bytes"] == 100_000
        assert (await share(house, bearer(ana), bytes(100_001)))[0] == 413
        status, answer = await share(house, bearer(ana), chunks(10_000, 11))
        assert (status, answer["code"]) == (413, "too_large")
        assert (await share(house, bearer(ana), bytes(100_000)))[0] == 201
        status, answer = await share(house, bearer(ana), bytes(100_000))
        assert (status, answer["code"]) == (507, "limit_reached")
        assert len([path for path in tmp_path.glob("*/*") if path.name != ".lock"]) == 1


async def test_an_upload_that_is_cut_off_leaves_nothing(house: Doors, tmp_path: Path) -> None:
    ana = await house.member("Ana")
    url = URL(house.url("/files/blue"))
    _, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST {url.path} HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: {bearer(ana)['Authorization']}\r\n"
    writer.write(f"{head}Content-Length: 1000000\r\n\r\n".encode() + bytes(200_000))
    await eventually(lambda: any(path.stat().st_size for path in tmp_path.glob("*/*")))
    writer.transport.abort()
    await eventually(lambda: [path.name for path in tmp_path.glob("*/*")] == [".lock"])


async def test_who_floods_is_slowed_down(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    statuses = [(await share(house, bearer(ana), b"x"))[0] for _ in range(30)]
    assert statuses[:15] == [201] * 15
    assert statuses[-1] == 429
    assert (await share(house, bearer(bo)))[0] == 201


async def test_without_a_place_on_the_disk_there_is_a_clear_error(tmp_path: Path) -> None:
    async with doors(files_directory=tmp_path / "missing") as house:
        status, answer = await share(house, bearer(await house.member("Ana")))
        assert (status, answer["code"]) == (507, "limit_reached")


async def test_an_upload_that_stands_still_ends(house: Doors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling.files.STALL_S", 0.05)
    ana = await house.member("Ana")
    ended = asyncio.Event()

    async def stands_still() -> AsyncIterator[bytes]:
        yield bytes(1_000)
        await ended.wait()

    try:
        status, answer = await share(house, bearer(ana) | {"Connection": "close"}, stands_still())
    finally:
        ended.set()
    assert (status, answer["code"]) == (408, "request_timeout")
    assert [path.name for path in tmp_path.glob("*/*")] == [".lock"]


async def left_by(how: signal.Signals, folder: Path) -> list[Path]:
    """Files on the disk after a server with one shared file was ended so."""
    async with ServerProcess("--files-directory", str(folder)) as server, aiohttp.ClientSession() as http:
        member = await Member(await http.ws_connect(f"{server.url}/ws/blue")).join()
        async with http.post(f"{server.url}/files/blue", data=b"secret", headers=bearer(member)) as response:
            assert response.status == 201
        assert len(list(folder.glob("*/*"))) == 2
        await server.end(how)
    return list(folder.glob("*/*"))


async def test_a_server_that_is_stopped_takes_its_files_with_it(tmp_path: Path) -> None:
    assert await left_by(signal.SIGTERM, tmp_path) == []


async def test_what_a_killed_server_leaves_goes_when_the_next_one_starts(tmp_path: Path) -> None:
    assert len(await left_by(signal.SIGKILL, tmp_path)) == 2
    async with doors(files_directory=tmp_path):
        assert list(tmp_path.iterdir()) == []
