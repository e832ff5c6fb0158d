"""Locks and waiting rooms: who gets in, who waits and sees nothing, and what happens to those at the door when others move."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.integration.doors import KEYS, Doors, Member, doors, eventually, token
from tests.integration.offers import PUBLISH, WATCH

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors() as open_doors:
        yield open_doors


async def host(house: Doors, **state: bool) -> Member:
    """The first in the room, who has made it so."""
    ana = await house.member("Ana")
    await ana.send(type="room", **state)
    told = (await ana.until("room"))["state"]
    assert {name: told[name] for name in state} == state
    return ana


async def turned_away(house: Doors, code: str, **fields: object) -> None:
    eve = await house.socket()
    await eve.send(type="join", version=1, name="Eve", **fields)
    error = await eve.expect("error")
    assert (error["code"], error["fatal"]) == (code, True)
    assert (await eve.closed())[0] == code


async def test_nobody_new_gets_into_a_locked_room(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await ana.send(type="room", locked=True)
    await bo.until("room")
    await turned_away(house, "room_locked")
    for path, offer in (("whip", PUBLISH), ("whep", WATCH)):
        async with house.http.post(house.url(f"/{path}/blue"), data=offer, headers=SDP) as response:
            assert (response.status, (await response.json())["code"]) == (403, "room_locked")
    await bo.lose()
    assert (await house.member("Bo", resume=bo.welcome["resume"])).welcome["state"]["locked"] is True
    await ana.send(type="room", locked=False)
    await house.member("Cid")


async def test_administrators_pass_lock_and_waiting_room() -> None:
    async with doors(api_key=KEYS) as house:
        ana = await house.member(token=token("blue", roomAdmin=True))
        await ana.send(type="room", locked=True, waiting_room=True)
        await ana.until("room")
        await turned_away(house, "room_locked", token=token("blue", identity="eve"))
        await house.member(token=token("blue", identity="bo", roomAdmin=True))


async def test_who_waits_sees_nothing_of_the_room_until_let_in(house: Doors) -> None:
    ana = await host(house, waiting_room=True)
    cid = await house.waiter("Cid")
    assert set(cid.ticket) == {"type", "room", "id", "resume"}
    [listed] = (await ana.until("waiting_list"))["waiting"]
    assert (listed["id"], listed["name"], listed["removed"]) == (cid.ticket["id"], "Cid", False)
    await ana.offer(PUBLISH)
    await ana.send(type="hand", raised=True)
    await cid.quiet()
    for deed in ({"type": "pin", "participants": []}, {"type": "admit"}, {"type": "hand", "raised": True}):
        await cid.send(**deed)
        await cid.refused("not_joined")
    assert len(house.room().participants) == 1
    await ana.send(type="admit", waiting=[cid.ticket["id"]])
    welcome = await cid.expect("welcome")
    assert (welcome["resumed"], welcome["participants"][0]["name"]) == (False, "Ana")
    assert (await ana.until("participant_joined"))["participant"]["name"] == "Cid"
    assert (await ana.until("waiting_list"))["waiting"] == []
    await cid.offer(WATCH)


async def test_by_http_nobody_can_wait(house: Doors) -> None:
    await host(house, waiting_room=True)
    for path, offer in (("whip", PUBLISH), ("whep", WATCH)):
        async with house.http.post(house.url(f"/{path}/blue"), data=offer, headers=SDP) as response:
            assert (response.status, (await response.json())["code"]) == (403, "waiting_room")
    assert len(house.room().reception.waiting) == 0


async def test_who_is_refused_is_told(house: Doors) -> None:
    ana = await host(house, waiting_room=True)
    cid, dan = await house.waiter("Cid"), await house.waiter("Dan")
    await ana.send(type="refuse", waiting=[cid.ticket["id"]])
    assert (await cid.expect("error"))["code"] == "refused"
    assert await cid.closed() == ("refused", 1008)
    await dan.quiet()
    await ana.send(type="refuse")
    assert (await dan.expect("error"))["code"] == "refused"


async def test_all_are_let_in_at_once_in_their_order(house: Doors) -> None:
    ana = await host(house, waiting_room=True)
    people = [await house.waiter(f"Number {number}") for number in range(5)]
    await ana.send(type="admit")
    for person in people:
        person.welcome = await person.expect("welcome")
    names = [p.name for p in house.room().participants.values()]
    assert names == ["Ana", *(f"Number {number}" for number in range(5))]


async def test_turning_the_waiting_room_off_lets_everybody_in(house: Doors) -> None:
    ana = await host(house, waiting_room=True)
    cid = await house.waiter("Cid")
    await ana.send(type="room", waiting_room=False)
    await cid.expect("welcome")


async def test_a_lock_does_not_move_those_who_wait(house: Doors) -> None:
    ana = await host(house, waiting_room=True)
    cid = await house.waiter("Cid")
    await ana.send(type="room", locked=True)
    await ana.until("room")
    await turned_away(house, "room_locked")
    await ana.send(type="admit", waiting=[cid.ticket["id"]])
    await cid.expect("welcome")


async def test_a_full_room_leaves_them_waiting() -> None:
    async with doors(max_participants=2) as house:
        ana = await host(house, waiting_room=True)
        cid, dan = await house.waiter("Cid"), await house.waiter("Dan")
        await ana.send(type="admit")
        await cid.expect("welcome")
        await ana.refused("room_full")
        await dan.quiet()
        await cid.send(type="leave")
        await ana.until("participant_left")
        await ana.send(type="admit")
        await dan.expect("welcome")


async def test_waiting_ends_after_a_while() -> None:
    async with doors(waiting_seconds=0.3) as house:
        ana = await host(house, waiting_room=True)
        cid = await house.waiter("Cid")
        assert (await cid.expect("error"))["code"] == "waiting_timeout"
        assert await cid.closed() == ("waiting_timeout", 1013)
        while (await ana.until("waiting_list"))["waiting"]:
            pass


async def test_a_lost_socket_keeps_its_place_in_the_queue(house: Doors) -> None:
    ana = await host(house, waiting_room=True)
    cid, dan = await house.waiter("Cid"), await house.waiter("Dan")
    await cid.lose()
    back = await house.waiter("Somebody else", resume=cid.ticket["resume"])
    assert back.ticket["id"] == cid.ticket["id"]
    eve = await house.member("Eve", room="red", resume=cid.ticket["resume"])
    assert eve.welcome["resumed"] is False
    await ana.send(type="admit")
    assert (await back.expect("welcome"))["participant"]["name"] == "Cid"
    await dan.expect("welcome")


async def test_of_two_sockets_that_wait_as_one_the_newer_stays(house: Doors) -> None:
    ana = await host(house, waiting_room=True)
    old = await house.waiter("Cid")
    new = await house.waiter("Cid", resume=old.ticket["resume"])
    assert await old.closed() == ("replaced", 1000)
    await ana.send(type="admit")
    await new.expect("welcome")


async def test_who_is_let_in_while_the_socket_is_lost_is_in_when_it_comes_back(house: Doors) -> None:
    ana = await host(house, waiting_room=True)
    cid = await house.waiter("Cid")
    await cid.lose()
    waiting = house.room().reception.waiting
    await eventually(lambda: next(iter(waiting)).listener is None)
    await ana.send(type="admit")
    await ana.until("participant_joined")
    back = await house.member("Cid", resume=cid.ticket["resume"])
    # It has no peer connection and has been told nothing: this is no resumption to it.
    assert back.welcome["resumed"] is False
    assert (await ana.until("waiting_list"))["waiting"] == []
    await ana.quiet()


async def test_who_leaves_or_stays_away_waits_no_longer() -> None:
    async with doors(resume_seconds=0.05) as house:
        ana = await host(house, waiting_room=True)
        cid, dan = await house.waiter("Cid"), await house.waiter("Dan")
        await cid.send(type="leave")
        assert await cid.closed() == ("left", 1000)
        await dan.lose()
        while (await ana.until("waiting_list"))["waiting"]:
            pass
        await ana.send(type="admit", waiting=[cid.ticket["id"], dan.ticket["id"], "w_nobody"])
        await ana.quiet()


async def test_when_the_last_host_leaves_the_next_gets_the_list(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await ana.send(type="room", waiting_room=True)
    await ana.until("room")
    cid = await house.waiter("Cid")
    await ana.send(type="leave")
    assert (await bo.until("permissions"))["permissions"]["admin"] is True
    assert [who["name"] for who in (await bo.until("waiting_list"))["waiting"]] == ["Cid"]
    await bo.send(type="admit")
    await cid.expect("welcome")


async def test_when_everybody_leaves_the_meeting_is_over_for_those_at_the_door(house: Doors) -> None:
    ana = await host(house, waiting_room=True)
    cid = await house.waiter("Cid")
    await ana.send(type="leave")
    assert await cid.closed() == ("closed", 1000)
    await eventually(lambda: not house.server.node.rooms)
    assert (await house.member("Cid")).welcome["state"]["waiting_room"] is False


async def test_two_hosts_let_the_same_people_in_at_once(house: Doors) -> None:
    ana = await host(house, waiting_room=True)
    bo = await house.waiter("Bo")
    await ana.send(type="admit")
    bo.welcome = await bo.expect("welcome")
    await ana.send(type="promote", participant=bo.id)
    await bo.until("permissions")
    people = [await house.waiter(f"Number {number}") for number in range(10)]
    ids = [person.ticket["id"] for person in people]
    await asyncio.gather(
        ana.send(type="admit", waiting=ids), bo.send(type="admit", waiting=ids), bo.send(type="refuse")
    )
    for person in people:
        await person.expect("welcome")
    assert len(house.room().participants) == 12


async def test_letting_in_while_they_leave_lock_or_are_refused_harms_nobody(house: Doors) -> None:
    """Every order of events ends with somebody who is either in or told."""
    ana = await host(house, waiting_room=True)
    for number in range(20):
        person = await house.waiter(f"Number {number}")
        deeds = [
            ana.send(type="admit", waiting=[person.ticket["id"]]),
            ana.send(type="refuse", waiting=[person.ticket["id"]]),
            ana.send(type="room", locked=bool(number % 2)),
            person.send(type="leave"),
        ]
        await asyncio.gather(*(deeds[(number + shift) % 4] for shift in range(4)))
        while (last := await person.next())["type"] != "closed":
            pass
        assert last["reason"] in ("left", "refused")
        await ana.send(type="room", locked=False)
        await eventually(lambda: not house.room().state.locked)
    room = house.room()
    await eventually(lambda: len(room.participants) == 1 and len(room.reception.waiting) == 0)


async def test_a_crowd_at_the_door_is_bounded_and_costs_hosts_few_messages() -> None:
    async with doors(max_waiting=50, join_burst=1_000) as house:
        ana = await host(house, waiting_room=True)
        crowd = [await house.socket() for _ in range(80)]
        for number, eve in enumerate(crowd):
            await eve.send(type="join", version=1, name=f"Eve {number}")
        kinds = [(await eve.next())["type"] for eve in crowd]
        assert kinds.count("waiting") == 50
        assert house.closed_sockets.get("waiting_room_full", 0) + kinds.count("waiting") >= 50
        lists = 1
        while len((await ana.until("waiting_list"))["waiting"]) < 50:
            lists += 1
        assert lists < 25
        await ana.send(type="refuse")
        waiting = house.room().reception.waiting
        await eventually(lambda: len(waiting) == 0)
        await house.waiter("Cid")


async def test_where_nobody_is_left_who_could_let_them_in_the_first_at_the_door_is_the_host(house: Doors) -> None:
    ana = await host(house, waiting_room=True)
    await ana.send(type="room", waiting_room=False)
    await ana.until("room")
    async with house.http.post(house.url("/whip/blue"), data=PUBLISH, headers=SDP) as response:
        assert response.status == 201
    await ana.send(type="room", waiting_room=True)
    await ana.until("room")
    cid, dan = await house.waiter("Cid"), await house.waiter("Dan")
    await ana.send(type="leave")
    assert (await cid.expect("welcome"))["permissions"]["admin"] is True
    assert [who["name"] for who in (await cid.until("waiting_list"))["waiting"]] == ["Dan"]
    await cid.send(type="admit")
    await dan.expect("welcome")


async def test_who_waits_shares_no_files(house: Doors) -> None:
    await host(house, waiting_room=True)
    cid = await house.waiter("Cid")
    headers = {"Authorization": f"Bearer {cid.ticket['resume']}"}
    async with house.http.post(house.url("/files/blue"), data=b"x", headers=headers) as response:
        assert response.status == 401


async def test_a_crowd_of_one_address_leaves_places_for_others() -> None:
    """Behind a proxy, where the addresses are those that it saw."""
    async with doors(max_waiting=20, max_waiting_per_address=4, trusted_proxy=("127.0.0.1/32",)) as house:
        await host(house, waiting_room=True)
        kinds = []
        for number in range(10):
            eve = await house.socket(headers={"X-Forwarded-For": "192.0.2.1"})
            await eve.send(type="join", version=1, name=f"Eve {number}")
            kinds.append((await eve.next())["type"])
        assert kinds == ["waiting"] * 4 + ["error"] * 6
        await eventually(lambda: house.closed_sockets.get("waiting_room_full") == 6)
        ben = await house.socket(headers={"X-Forwarded-For": "192.0.2.2"})
        await ben.send(type="join", version=1, name="Ben")
        await ben.expect("waiting")
