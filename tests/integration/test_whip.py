"""WHIP over HTTP (RFC 9725): status codes, headers, entity tags, tokens, and sessions that leave nothing behind."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.integration.doors import KEYS, Doors, doors, token
from tests.integration.offers import PUBLISH, WATCH, fragment, write_offer

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors() as open_doors:
        yield open_doors


async def post(house: Doors, offer: str = PUBLISH, path: str = "/whip/blue", **headers: str) -> aiohttp.ClientResponse:
    response = await house.http.post(house.url(path), data=offer.encode(), headers=SDP | headers)
    await response.read()
    return response


async def patch(house: Doors, location: str, body: str, **headers: str) -> aiohttp.ClientResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await house.http.patch(house.url(location), data=body.encode(), headers=FRAGMENT | named)
    await response.read()
    return response


async def test_an_offer_is_answered_by_a_session(house: Doors) -> None:
    response = await post(house, path="/whip/blue?name=Encoder")
    assert response.status == 201
    assert response.content_type == "application/sdp"
    assert (await response.text()).startswith("v=0\r\n")
    assert "a=recvonly\r\n" in await response.text()
    assert response.headers["Location"].startswith("/whip/blue/")
    assert len(response.headers["Location"].rpartition("/")[2]) >= 32
    assert response.headers["ETag"].startswith('"')
    assert response.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
    ana = await house.member("Ana")
    [encoder] = ana.welcome["participants"]
    assert encoder["name"] == "Encoder"
    assert [track["kind"] for track in encoder["tracks"]] == ["audio", "video"]


@pytest.mark.parametrize(("count", "status"), [(16, 201), (17, 400)])
async def test_an_m_line_may_signal_several_ssrcs(house: Doors, count: int, status: int) -> None:
    ssrcs = "".join(f"a=ssrc:{number} cname:x\r\n" for number in range(1, count + 1))
    assert (await post(house, PUBLISH + ssrcs)).status == status


async def test_delete_ends_it(house: Doors) -> None:
    ana = await house.member("Ana")
    location = (await post(house)).headers["Location"]
    assert (await ana.expect("participant_joined"))["participant"]["name"] == "Guest"
    async with house.http.delete(house.url(location), headers={"If-Match": '"does-not-matter"'}) as response:
        assert response.status == 200
    assert (await ana.until("participant_left"))["reason"] == "left"
    async with house.http.delete(house.url(location)) as response:
        assert response.status == 404
    assert (await patch(house, location, fragment("ufrag1"), If_Match="*")).status == 404


async def test_trickled_candidates_are_no_content(house: Doors) -> None:
    created = await post(house)
    response = await patch(house, created.headers["Location"], fragment("ufrag1"), If_Match=created.headers["ETag"])
    assert response.status == 204
    assert "ETag" not in response.headers
    assert (await patch(house, created.headers["Location"], fragment("ufrag1"), If_Match="*")).status == 204
    listed = f'"other", {created.headers["ETag"]}'
    assert (await patch(house, created.headers["Location"], fragment("ufrag1"), If_Match=listed)).status == 204


async def test_new_credentials_restart_ice(house: Doors) -> None:
    created = await post(house)
    location, etag = created.headers["Location"], created.headers["ETag"]
    restarted = await patch(house, location, fragment("another1"), If_Match="*")
    assert restarted.status == 200
    assert restarted.content_type == "application/trickle-ice-sdpfrag"
    assert restarted.headers["ETag"] not in (etag, "")
    body = await restarted.text()
    assert "a=ice-ufrag:" in body
    assert "a=candidate:" in body
    assert body.partition("a=ice-ufrag:")[2].split()[0] not in await created.text()
    assert (await patch(house, location, fragment("another1"), If_Match=etag)).status == 412
    assert (await patch(house, location, fragment("another1"), If_Match=restarted.headers["ETag"])).status == 204


@pytest.mark.parametrize(
    ("match", "status"),
    [(None, 428), ('"wrong"', 412), ("wrong", 412), ("", 412), ('W/"{}"', 412), ("*", 204), ('"*"', 204)],
)
async def test_preconditions(house: Doors, match: str | None, status: int) -> None:
    created = await post(house)
    headers = {} if match is None else {"If_Match": match.replace("{}", created.headers["ETag"].strip('"'))}
    assert (await patch(house, created.headers["Location"], fragment("ufrag1"), **headers)).status == status


@pytest.mark.parametrize(
    ("body", "status"),
    [("", 400), ("a=ice-ufrag:x\r\n", 400), ("a=candidate:nonsense\r\n", 400), ("x" * 40_000, 413)],
)
async def test_bad_fragments_leave_the_session_alone(house: Doors, body: str, status: int) -> None:
    created = await post(house)
    location = created.headers["Location"]
    response = await patch(house, location, body, If_Match="*")
    assert response.status == status, await response.text()
    assert (await patch(house, location, fragment("ufrag1"), If_Match=created.headers["ETag"])).status == 204


@pytest.mark.parametrize(
    ("offer", "status", "code"),
    [
        ("", 400, "bad_sdp"),
        ("v=0", 400, "bad_sdp"),
        ("\x00" * 100, 400, "bad_sdp"),
        (WATCH, 422, "unprocessable"),
        (write_offer("audio sendonly", "exotic sendonly"), 422, "unprocessable"),
        (write_offer("audio sendonly", "video recvonly"), 422, "unprocessable"),
        (write_offer("data"), 422, "unprocessable"),
        (write_offer(*["audio sendonly"] * 9), 422, "limit_reached"),
        (PUBLISH.replace("a=setup:actpass", "a=setup:passive"), 400, "bad_sdp"),
        (PUBLISH + "a=x\r\n" * 60_000, 413, "too_large"),
    ],
)
async def test_offers_that_make_no_session_leave_nothing(house: Doors, offer: str, status: int, code: str) -> None:
    response = await post(house, offer)
    assert (response.status, (await response.json())["code"]) == (status, code)
    assert not house.server.node.rooms


async def test_offers_must_be_utf_8_and_application_sdp(house: Doors) -> None:
    url = house.url("/whip/blue")
    async with house.http.post(url, data=b"v=0\r\n\xff", headers=SDP) as response:
        assert response.status == 400
    for kind in ("application/json", "text/plain", "application/sdp2", ""):
        async with house.http.post(url, data=PUBLISH.encode(), headers={"Content-Type": kind}) as response:
            assert response.status == 415
    async with house.http.post(url, data=b"\x1f\x8b", headers=SDP | {"Content-Encoding": "gzip"}) as response:
        assert response.status == 415
    async with house.http.post(
        url, data=PUBLISH.encode(), headers={"Content-Type": "Application/SDP; charset=utf-8"}
    ) as response:
        assert response.status == 201


async def test_a_client_that_takes_no_sdp_is_not_served(house: Doors) -> None:
    assert (await post(house, Accept="application/json")).status == 406
    assert (await post(house, Accept="application/json, application/*;q=0.1")).status == 201


async def test_a_fragment_must_be_a_fragment(house: Doors) -> None:
    location = (await post(house)).headers["Location"]
    async with house.http.patch(
        house.url(location), data=PUBLISH.encode(), headers=SDP | {"If-Match": "*"}
    ) as response:
        assert response.status == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
async def test_other_methods_are_not_allowed_on_the_endpoint(house: Doors, method: str) -> None:
    async with house.http.request(method, house.url("/whip/blue")) as response:
        assert response.status == 405
        assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_other_methods_are_not_allowed_on_a_session(house: Doors, method: str) -> None:
    location = (await post(house)).headers["Location"]
    async with house.http.request(method, house.url(location)) as response:
        assert response.status == 405
        assert "PATCH" in response.headers["Allow"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_neither_endpoint_nor_session_has_a_representation(house: Doors, method: str) -> None:
    location = (await post(house)).headers["Location"]
    for path in ("/whip/blue", location):
        async with house.http.request(method, house.url(path)) as response:
            assert response.status == 204
            assert await response.read() == b""


async def test_pages_of_other_origins_may_use_it(house: Doors) -> None:
    preflight = {"Origin": "https://studio.example", "Access-Control-Request-Method": "POST"}
    async with house.http.options(house.url("/whip/blue"), headers=preflight) as response:
        assert response.status == 200
        assert response.headers["Accept-Post"] == "application/sdp"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        assert {"Authorization", "Content-Type", "If-Match"} <= set(
            response.headers["Access-Control-Allow-Headers"].split(", ")
        )
    created = await post(house, Origin="https://studio.example")
    assert {"Location", "ETag", "Link"} <= set(created.headers["Access-Control-Expose-Headers"].split(", "))
    for response in (await post(house, "v=0"), await patch(house, "/whip/blue/x", "")):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
    async with house.http.options(house.url(created.headers["Location"]), headers=preflight) as response:
        assert response.status == 200
        assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
        assert response.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"


async def test_origins_can_be_limited() -> None:
    async with doors(cors_origin=("https://studio.example",)) as house:
        allowed = await post(house, Origin="https://studio.example")
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://studio.example"
        assert allowed.headers["Vary"] == "Origin"
        other = await post(house, Origin="https://elsewhere.example")
        assert "Access-Control-Allow-Origin" not in other.headers


async def test_ice_servers_come_as_links() -> None:
    async with doors(ice_server=("stun:stun.example.net", "stun:stun.example.org:3479")) as house:
        assert (await post(house)).headers.getall("Link") == [
            '<stun:stun.example.net>; rel="ice-server"',
            '<stun:stun.example.org:3479>; rel="ice-server"',
        ]


@pytest.mark.parametrize("room", ["metrics", "a%20b", "a%2Fb", "x" * 65, "caf%C3%A9"])
async def test_there_are_no_such_rooms(house: Doors, room: str) -> None:
    assert (await post(house, path=f"/whip/{room}")).status == 404


async def test_a_session_belongs_to_its_room(house: Doors) -> None:
    location = (await post(house)).headers["Location"]
    async with house.http.delete(house.url(location.replace("/blue/", "/red/"))) as response:
        assert response.status == 404


async def test_tokens_are_checked_on_endpoint_and_session() -> None:
    async with doors(api_key=KEYS) as house:
        refused = await post(house)
        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        for given, status in [
            ("Basic abc", 401),
            ("Bearer", 401),
            ("Bearer nonsense", 401),
            (f"Bearer {token('blue', expires_in_s=-60)}", 401),
            (f"Bearer {token('red')}", 403),
            (f"Bearer {token('blue', canPublish=False)}", 403),
        ]:
            assert (await post(house, Authorization=given)).status == status, given
        ana = {"Authorization": f"Bearer {token('blue')}"}
        location = (await post(house, **ana)).headers["Location"]
        bo = {"Authorization": f"bearer {token('blue', identity='bo')}"}
        for headers, status in [
            ({}, 401),
            ({"Authorization": f"Bearer {token('red')}"}, 403),
            (bo, 404),
            ({"Authorization": f"Bearer {token('blue', expires_in_s=-60)}"}, 204),
            (ana, 204),
        ]:
            response = await patch(house, location, fragment("ufrag1"), If_Match="*", **headers)
            assert response.status == status
        async with house.http.delete(house.url(location), headers=ana) as gone:
            assert gone.status == 200
