"""Who administers a room: by a token, or, where there are none, who came first; and that nobody else does anything."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.doors import KEYS, Doors, Member, doors, token
from tests.integration.offers import PUBLISH, WATCH

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors() as open_doors:
        yield open_doors


def admins(house: Doors) -> list[str]:
    return [p.name for p in house.room().participants.values() if p.permissions.admin]


async def test_the_first_in_an_open_room_is_its_host(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    assert (ana.welcome["permissions"]["admin"], bo.welcome["permissions"]["admin"]) == (True, False)
    assert [who["admin"] for who in bo.welcome["participants"]] == [True]


async def test_when_the_last_host_leaves_the_longest_present_is_one(house: Doors) -> None:
    ana, bo, cid = await house.member("Ana"), await house.member("Bo"), await house.member("Cid")
    await ana.send(type="leave")
    assert (await bo.until("permissions"))["permissions"]["admin"] is True
    changed = (await cid.until("participant_changed"))["participant"]
    assert (changed["id"], changed["admin"]) == (bo.id, True)
    assert admins(house) == ["Bo"]


async def test_a_host_whose_socket_is_lost_stays_host_while_it_may_come_back(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await ana.lose()
    back = await house.member("Ana", resume=ana.welcome["resume"])
    assert back.welcome["permissions"]["admin"] is True
    await bo.quiet()


async def test_publishers_and_viewers_by_http_are_no_hosts(house: Doors) -> None:
    async with house.http.post(house.url("/whip/blue"), data=PUBLISH, headers=SDP) as response:
        assert response.status == 201
    async with house.http.post(house.url("/whep/blue"), data=WATCH, headers=SDP) as response:
        assert response.status == 201
    ana, bo = await house.member("Ana"), await house.member("Bo")
    assert ana.welcome["permissions"]["admin"] is True
    await ana.send(type="leave")
    await bo.until("permissions")
    await bo.send(type="leave")
    await bo.closed()
    assert admins(house) == []
    assert (await house.member("Cid")).welcome["permissions"]["admin"] is True


async def test_a_host_makes_others_hosts(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await bo.send(type="promote", participant=bo.id)
    await bo.refused("permission_denied")
    await ana.send(type="promote", participant=bo.id)
    assert (await bo.until("permissions"))["permissions"]["admin"] is True
    assert (await ana.until("participant_changed"))["participant"]["admin"] is True
    assert admins(house) == ["Ana", "Bo"]
    await ana.send(type="leave")
    await ana.closed()
    assert admins(house) == ["Bo"]


async def test_with_tokens_only_they_say_who_administers() -> None:
    async with doors(api_key=KEYS) as house:
        bo = await house.member(token=token("blue", identity="bo"))
        ana = await house.member(token=token("blue", identity="ana", roomAdmin=True))
        assert bo.welcome["permissions"]["admin"] is False
        await ana.send(type="promote", participant=bo.id)
        await ana.refused("permission_denied")
        await ana.send(type="leave")
        await bo.until("participant_left")
        await bo.quiet()


DEEDS = (
    {"type": "hand", "raised": False, "participant": "ANA"},
    {"type": "mute", "track": "TRACK", "muted": True},
    {"type": "ask", "participant": "ANA", "source": "microphone", "muted": True},
    {"type": "mute_all", "source": "microphone"},
    {"type": "allow", "participant": "ANA", "source": "camera", "allowed": False},
    {"type": "promote", "participant": "EVE"},
    {"type": "remove", "participant": "ANA"},
    {"type": "retract", "message": "m_any"},
    {"type": "room", "locked": True},
    {"type": "admit"},
    {"type": "refuse"},
    {"type": "end"},
)


async def test_nobody_else_does_any_of_it(house: Doors) -> None:
    ana = await house.member("Ana")
    track = (await ana.offer(PUBLISH))["tracks"][0]["id"]
    await ana.send(type="hand", raised=True)
    await ana.until("participant_changed")
    eve: Member = await house.member("Eve")
    await ana.until("participant_joined")
    names = {"ANA": ana.id, "EVE": eve.id, "TRACK": track}
    for deed in DEEDS:
        await eve.send(
            **{key: names.get(value, value) if isinstance(value, str) else value for key, value in deed.items()}
        )
        await eve.refused("permission_denied")
    await ana.quiet()
    denied = {
        action for (action, outcome), count in house.server.node.moderation.items() if outcome == "denied" and count
    }
    assert denied == {str(deed["type"]).removesuffix("_all") for deed in DEEDS}


@pytest.mark.parametrize("deed", DEEDS, ids=[str(deed["type"]) for deed in DEEDS])
async def test_before_a_join_none_of_it_makes_sense(house: Doors, deed: dict[str, object]) -> None:
    eve = await house.socket()
    await eve.send(**deed)
    assert (await eve.expect("error"))["code"] == "not_joined"
