"""Losing the socket is not leaving: within `resume_seconds` the same participant comes back and nobody else notices."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.doors import KEYS, Doors, doors, token
from tests.integration.offers import PUBLISH


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors() as open_doors:
        yield open_doors


async def test_a_lost_participant_comes_back_unnoticed(house: Doors) -> None:
    bo = await house.member("Bo")
    ana = await house.member("Ana")
    tracks = (await ana.offer(PUBLISH))["tracks"]
    for expected in ("participant_joined", "track_added", "track_added"):
        await bo.expect(expected)
    await ana.lose()
    back = await house.member("Another name", resume=ana.welcome["resume"])
    assert back.welcome["resumed"] is True
    assert back.welcome["participant"]["name"] == "Ana"
    assert back.id == ana.id
    assert [track["id"] for track in back.welcome["participant"]["tracks"]] == [track["id"] for track in tracks]
    assert [who["id"] for who in back.welcome["participants"]] == [bo.id]
    assert (await back.expect("slots"))["slots"] == []
    await bo.quiet()


async def test_one_who_closes_the_socket_without_leaving_may_come_back_too(house: Doors) -> None:
    ana = await house.member("Ana")
    await ana.socket.close()
    back = await house.member("Ana", resume=ana.welcome["resume"])
    assert back.id == ana.id


async def test_a_client_that_answers_no_ping_is_lost() -> None:
    async with doors(heartbeat_seconds=0.1, resume_seconds=0) as house:
        bo = await house.member("Bo")
        silent = await (await house.socket(autoping=False)).join("Silent")
        left = await bo.until("participant_left")
        assert (left["participant"], left["reason"]) == (silent.id, "timeout")
        await bo.quiet()


async def test_of_two_sockets_the_newer_stays(house: Doors) -> None:
    old = await house.member("Ana")
    new = await house.member("Ana", resume=old.welcome["resume"])
    assert await old.closed() == ("replaced", 1000)
    assert new.id == old.id
    await new.until("slots")
    await new.quiet()
    # The end of the old socket must not have detached the participant from the new one.
    room = house.server.node.rooms[next(iter(house.server.node.rooms))]
    assert [participant.attached for participant in room.participants.values()] == [True]


async def test_after_the_time_is_up_the_others_see_a_timeout() -> None:
    async with doors(resume_seconds=0.05) as house:
        bo = await house.member("Bo")
        ana = await house.member("Ana")
        await ana.lose()
        left = await bo.until("participant_left")
        assert (left["participant"], left["reason"]) == (ana.id, "timeout")
        again = await house.member("Ana", resume=ana.welcome["resume"])
        assert again.welcome["resumed"] is False
        assert again.id != ana.id


@pytest.mark.parametrize("resume", ["", "x", "é" * 100, "p_aaaaaaaaaaaa"])
async def test_a_wrong_resume_token_enters_afresh(house: Doors, resume: str) -> None:
    ana = await house.member("Ana")
    eve = await house.member("Eve", resume=resume)
    assert eve.welcome["resumed"] is False
    assert eve.id != ana.id


async def test_a_resume_token_is_good_in_its_room_only(house: Doors) -> None:
    ana = await house.member("Ana", room="blue")
    other = await house.member("Ana", room="red", resume=ana.welcome["resume"])
    assert other.welcome["resumed"] is False


async def test_who_has_left_cannot_resume(house: Doors) -> None:
    ana = await house.member("Ana")
    await ana.send(type="leave")
    await ana.closed()
    again = await house.member("Ana", resume=ana.welcome["resume"])
    assert again.welcome["resumed"] is False


async def test_coming_back_needs_no_token_but_coming_afresh_does() -> None:
    async with doors(api_key=KEYS) as house:
        ana = await house.member(token=token("blue"))
        await ana.lose()
        back = await house.member(resume=ana.welcome["resume"], token=token("blue", expires_in_s=-60))
        assert back.welcome["resumed"] is True
        eve = await house.socket()
        await eve.send(type="join", version=1, resume="guessed")
        assert (await eve.expect("error"))["code"] == "token_required"


async def test_two_joins_on_one_socket_are_refused(house: Doors) -> None:
    ana = await house.member("Ana")
    await ana.send(type="join", version=1, name="Eve")
    error = await ana.expect("error")
    assert (error["code"], error["fatal"]) == ("bad_request", False)
    await ana.quiet()
