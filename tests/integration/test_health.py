"""`/healthz`, `/readyz`, and what surrounds every response: headers that keep browsers strict, errors as JSON."""

import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from yarl import URL

from ciranda.server import Server
from sfu.config import Settings
from tests.harness.certificate import self_signed
from tests.integration.doors import Doors, doors


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors() as open_doors:
        yield open_doors


async def test_alive_and_accepting(house: Doors) -> None:
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        async with house.http.get(house.url(path)) as response:
            assert (response.status, await response.json()) == (200, {"status": status})


async def test_several_servers_in_one_process() -> None:
    async with doors() as one, doors() as two:
        assert one.server.url != two.server.url
        assert one.server.media_addresses != two.server.media_addresses
        ana, bo = await one.member("Ana"), await two.member("Bo")
        assert ana.welcome["participants"] == bo.welcome["participants"] == []
        assert "ciranda_participants 1.0" in await one.metrics()


async def test_a_port_that_is_taken_leaves_nothing_open(house: Doors) -> None:
    port = int(house.server.url.rpartition(":")[2])
    second = Server(http_port=port, media_port=0)
    with pytest.raises(OSError, match=r"(?i)address already in use"):
        await second.start()
    assert second.media_addresses == ()
    media = house.server.media_addresses[0][1]
    with pytest.raises(OSError, match=f"127.0.0.1:{media}/udp for media: Address already in use"):
        await Server(http_port=0, media_port=media).start()


async def test_over_ipv6() -> None:
    async with doors(http_host="::1") as house:
        assert house.server.url.startswith("http://[::1]:")
        ana = await house.member("Ana")
        assert ana.welcome["room"] == "blue"
        async with house.http.get(house.url("/api/v1/rooms")) as response:
            assert response.status == 200


async def test_one_socket_for_both_families() -> None:
    async with doors(http_host="::", media_host="127.0.0.1", insecure=True) as house:
        port = house.server.url.rpartition(":")[2]
        for host in ("127.0.0.1", "[::1]"):
            async with house.http.get(f"http://{host}:{port}/healthz") as response:
                assert response.status == 200


async def test_over_tls(tmp_path: Path) -> None:
    chain, private = self_signed(tmp_path)
    async with doors(tls_cert=chain, tls_key=private) as house:
        assert house.server.url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=str(chain))
        async with house.http.get(house.url("/healthz"), ssl=trusting) as response:
            assert response.status == 200
        ana = await (await house.socket(ssl=trusting)).join()
        assert ana.welcome["room"] == "blue"


def test_open_rooms_stay_on_loopback() -> None:
    with pytest.raises(ValueError, match="http_host"):
        Server(http_host="0.0.0.0")
    Server(http_host="0.0.0.0", insecure=True)
    Server(http_host="0.0.0.0", api_key=("devkey:a-secret-that-is-long-enough",))


async def test_open_rooms_stay_on_loopback_with_settings_nobody_checked() -> None:
    unchecked = Settings(http_port=0, media_port=0).model_copy(update={"http_host": "0.0.0.0"})
    with pytest.raises(ValueError, match="loopback"):
        await Server(unchecked).start()


async def test_every_response_keeps_browsers_strict(house: Doors) -> None:
    for path in ("/", "/blue", "/healthz", "/nowhere/at/all", "/ws/blue", "/whip/blue", "/static/nothing.js"):
        async with house.http.get(house.url(path)) as response:
            policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert "camera=(self)" in response.headers["Permissions-Policy"]
            assert response.headers["Server"] == "ciranda"
            assert response.headers["X-Request-Id"]


async def test_a_strange_host_does_not_get_into_the_policy(house: Doors) -> None:
    async with house.http.get(house.url("/"), headers={"Host": "a;script-src *"}) as response:
        assert "script-src *" not in response.headers["Content-Security-Policy"]


async def test_the_page_is_served_for_every_room(house: Doors) -> None:
    async with house.http.get(house.url("/")) as response:
        page = await response.text()
        assert response.content_type == "text/html"
        etag = response.headers["ETag"]
    async with house.http.get(house.url("/blue")) as response:
        assert await response.text() == page
    async with house.http.get(house.url("/blue"), headers={"If-None-Match": etag}) as response:
        assert response.status == 304
    async with house.http.get(house.url("/static/client/index.js")) as response:
        assert response.content_type == "text/javascript"


async def test_modules_are_compressed_for_those_who_take_it(house: Doors) -> None:
    url = house.url("/static/client/index.js")
    seen = {}
    for accepted in ("gzip, br", "identity", "gzip;q=0", ""):
        async with house.http.get(url, headers={"Accept-Encoding": accepted}) as response:
            encoding = response.headers.get("Content-Encoding")
            assert (encoding == "gzip") is (accepted == "gzip, br")
            assert "Accept-Encoding" in response.headers["Vary"]
            seen[encoding, response.headers["ETag"]] = await response.read()
    assert len(seen) == 2
    assert len(set(seen.values())) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/whip",
        "/ws",
        "/static",
        "/api",
        "/api/v1",
        "/x%00y",
        "/a%2F..%2Fb",
        "/static/..%2Fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/client",
        "/%ff",
        "/" + "x" * 65,
    ],
)
async def test_there_is_nothing_else(house: Doors, path: str) -> None:
    async with house.http.get(URL(house.url(path), encoded=True)) as response:
        assert response.status == 404
        assert (await response.json())["code"] == "not_found"


async def test_a_browser_gets_the_page_for_a_name_that_is_none(house: Doors) -> None:
    for encoding in ("gzip", "identity"):
        headers = {"Accept": "text/html,application/xhtml+xml", "Accept-Encoding": encoding}
        async with house.http.get(house.url("/" + "x" * 65), headers=headers) as response:
            assert response.status == 404
            assert "<html" in await response.text()


async def test_the_page_names_files_that_browsers_keep_for_good(house: Doors) -> None:
    async with house.http.get(house.url("/")) as response:
        html = await response.text()
        assert response.headers["Cache-Control"] == "no-cache"
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', html)
    assert len(named) > 10
    for path in named:
        async with house.http.get(house.url(path)) as response:
            assert response.status == 200, path
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    version = named[0].split("/")[2]
    for path in (f"/static/{named[0].split('/', 3)[3]}", named[0].replace(version, f"v-{'0' * 16}")):
        async with house.http.get(house.url(path)) as response:
            assert (response.status, response.headers["Cache-Control"]) == (200, "no-cache"), path
