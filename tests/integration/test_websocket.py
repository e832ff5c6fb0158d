"""The WebSocket protocol from a client's side: joining, seeing others come and go, offers and answers, small messages."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.doors import KEYS, Doors, doors, token
from tests.integration.offers import DATA, PUBLISH, WATCH


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors() as open_doors:
        yield open_doors


async def test_the_first_one_is_alone(house: Doors) -> None:
    ana = await house.member("  Ana\n")
    assert ana.welcome["participant"] == {"id": ana.id, "name": "Ana", "tracks": [], "admin": True, "hand": None}
    assert ana.welcome["participants"] == []
    assert ana.welcome["resumed"] is False
    assert ana.welcome["room"] == "blue"
    sources = ["camera", "microphone", "screen", "screen_audio"]
    everything = {"publish": True, "subscribe": True, "data": True, "admin": True, "sources": sources}
    assert ana.welcome["permissions"] == everything
    assert ana.welcome["state"] == {
        "locked": False,
        "waiting_room": False,
        "microphone": True,
        "camera": True,
        "screen": True,
        "chat": True,
        "direct": True,
        "metadata": {},
    }


async def test_the_nameless_get_a_name(house: Doors) -> None:
    ana = await house.member("\u202e \x00")
    assert ana.welcome["participant"]["name"] == "Guest"


async def test_others_are_told_who_comes_and_goes(house: Doors) -> None:
    ana = await house.member("Ana")
    bo = await house.member("Bo")
    assert [who["name"] for who in bo.welcome["participants"]] == ["Ana"]
    joined = await ana.expect("participant_joined")
    assert joined["participant"] == {"id": bo.id, "name": "Bo", "tracks": [], "admin": False, "hand": None}
    await bo.send(type="leave")
    assert await bo.closed() == ("left", 1000)
    assert await ana.expect("participant_left") == {"type": "participant_left", "participant": bo.id, "reason": "left"}


async def test_rooms_do_not_hear_each_other(house: Doors) -> None:
    ana = await house.member("Ana", room="blue")
    await house.member("Bo", room="red")
    await ana.quiet()


async def test_an_offer_makes_tracks_that_others_hear_of(house: Doors) -> None:
    ana = await house.member("Ana")
    bo = await house.member("Bo")
    answer = await bo.offer(
        PUBLISH,
        request_id=5,
        tracks=[{"mid": "0", "source": "microphone", "muted": True}, {"mid": "1", "source": "hologram"}],
    )
    assert answer["id"] == 5
    assert answer["sdp"].startswith("v=0\r\n")
    assert [track["mid"] for track in answer["tracks"]] == ["0", "1"]
    await ana.expect("participant_joined")
    added = [(await ana.expect("track_added"))["track"] for _ in range(2)]
    assert [track["id"] for track in added] == [track["id"] for track in answer["tracks"]]
    assert [(track["kind"], track["source"], track["muted"]) for track in added] == [
        ("audio", "microphone", True),
        ("video", "unknown", False),
    ]


async def test_a_newcomer_hears_of_tracks_in_the_welcome(house: Doors) -> None:
    ana = await house.member("Ana")
    answer = await ana.offer(PUBLISH)
    bo = await house.member("Bo")
    listed = bo.welcome["participants"][0]["tracks"]
    assert [track["id"] for track in listed] == [track["id"] for track in answer["tracks"]]


async def test_slots_come_after_the_answer_that_made_them(house: Doors) -> None:
    ana = await house.member("Ana")
    tracks = (await ana.offer(PUBLISH))["tracks"]
    bo = await house.member("Bo")
    await bo.send(type="offer", id=1, connection="c", sdp=WATCH)
    assert (await bo.next())["type"] == "answer"
    slots = (await bo.expect("slots"))["slots"]
    assert {slot["track"] for slot in slots if slot["track"]} == {track["id"] for track in tracks}
    assert {slot["participant"] for slot in slots if slot["track"]} == {ana.id}


async def test_a_client_with_too_few_slots_is_asked_for_more(house: Doors) -> None:
    ana = await house.member("Ana")
    await ana.offer(PUBLISH)
    bo = await house.member("Bo")
    await bo.offer(DATA)
    assert await bo.until("slots_needed") == {"type": "slots_needed", "audio": 1, "video": 1}


async def test_muting_is_told_to_the_others(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    track = (await bo.offer(PUBLISH))["tracks"][0]["id"]
    await bo.send(type="mute", track=track, muted=True)
    changed = await ana.until("track_changed")
    assert (changed["participant"], changed["track"]["id"], changed["track"]["muted"]) == (bo.id, track, True)


async def test_muting_what_is_not_yours_is_refused(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    track = (await ana.offer(PUBLISH))["tracks"][0]["id"]
    for muted, code in ((True, "permission_denied"), (False, "bad_request")):
        await bo.send(type="mute", track=track, muted=muted)
        while (error := await bo.next())["type"] != "error":
            pass
        assert (error["code"], error["fatal"]) == (code, False)


async def test_pins_are_taken(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await ana.expect("participant_joined")
    await ana.send(type="pin", participants=[bo.id, "p_nobody"])
    await ana.quiet()


async def test_a_bad_offer_harms_nothing(house: Doors) -> None:
    ana = await house.member("Ana")
    first = await ana.offer(PUBLISH)
    await ana.send(type="offer", id=2, connection="c-1", sdp="v=0\r\ns=oops\r\n")
    error = await ana.until("error")
    assert (error["code"], error["id"], error["fatal"]) == ("bad_sdp", 2, False)
    assert error["message"].startswith("line 2: ")
    again = await ana.offer(PUBLISH, request_id=3)
    assert again["tracks"] == first["tracks"]


async def test_another_connection_replaces_the_first(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    old = (await bo.offer(PUBLISH, connection="before"))["tracks"]
    new = (await bo.offer(PUBLISH, connection="after"))["tracks"]
    assert {track["id"] for track in old}.isdisjoint(track["id"] for track in new)
    removed = {(await ana.until("track_removed"))["track"] for _ in old}
    assert removed == {track["id"] for track in old}
    added = {(await ana.expect("track_added"))["track"]["id"] for _ in new}
    assert added == {track["id"] for track in new}


async def test_tokens_decide_names_and_permissions() -> None:
    async with doors(api_key=KEYS) as house:
        ana = await house.member("Somebody else", token=token("blue", canPublish=False))
        nothing = {"publish": False, "subscribe": True, "data": False, "admin": False, "sources": []}
        assert ana.welcome["permissions"] == nothing
        assert (await ana.offer(PUBLISH))["tracks"] == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "token_required"),
        ("nonsense", "invalid_token"),
        (token("red"), "permission_denied"),
        (token("blue", expires_in_s=-60), "token_expired"),
    ],
)
async def test_without_a_fitting_token_nobody_gets_in(given: str | None, code: str) -> None:
    async with doors(api_key=KEYS) as house:
        eve = await house.socket()
        await eve.send(type="join", version=1, name="Eve", token=given)
        error = await eve.expect("error")
        assert (error["code"], error["fatal"]) == (code, True)
        assert await eve.closed() == (code, 1008)
        assert not house.server.node.rooms


async def test_ice_servers_are_handed_out() -> None:
    async with doors(ice_server=("stun:stun.example.net",)) as house:
        ana = await house.member()
        assert ana.welcome["ice_servers"] == [{"urls": ["stun:stun.example.net"]}]


async def test_the_servers_own_port_is_the_first_stun_server_for_direct_calls_and_none_for_the_way_to_the_server() -> (
    None
):
    async with doors(ice_server=("stun:stun.example.net",), advertise_ip=("192.0.2.1", "2001:db8::1")) as house:
        welcome = (await house.member()).welcome
        assert welcome["ice_servers"] == [{"urls": ["stun:stun.example.net"]}]
        own, other = welcome["direct_ice_servers"]
        assert own == {"urls": [f"stun:192.0.2.1:{house.server.media_addresses[0][1]}"]}
        assert other == {"urls": ["stun:stun.example.net"]}
