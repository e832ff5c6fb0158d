"""What a host does to others is done by the server, whatever their clients make of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sfu.ids import ParticipantId
from tests.integration.doors import KEYS, Doors, Member, doors, token
from tests.integration.offers import PUBLISH, WATCH, write_offer

TRACKS = [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors() as open_doors:
        yield open_doors


async def publishes(member: Member, sdp: str = PUBLISH, tracks: Any = TRACKS, **more: Any) -> dict[str, str]:
    """Source → track."""
    answer = await member.offer(sdp, tracks=tracks, **more)
    by_mid = {track["mid"]: track["id"] for track in answer["tracks"]}
    return {track["source"]: by_mid[track["mid"]] for track in tracks}


async def shown(viewer: Member) -> set[str]:
    """Tracks in the slots that the next message tells of."""
    slots = (await viewer.until("slots"))["slots"]
    return {slot["track"] for slot in slots if slot["track"]}


async def test_who_is_asked_to_mute_decides_it_themselves(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await publishes(bo)
    await ana.send(type="ask", participant=bo.id, source="microphone", muted=True)
    asked = await bo.until("asked")
    assert asked == {"type": "asked", "source": "microphone", "muted": True, "by": ana.id}
    room = house.room()
    assert not any(track.silent for p in room.participants.values() for track in p.tracks.values())


async def test_who_asked_is_told_of_a_no_once(house: Doors) -> None:
    ana, bo, eve = [await house.member(name) for name in ("Ana", "Bo", "Eve")]
    question = {"source": "camera", "muted": False}
    await ana.send(type="ask", participant=bo.id, **question)
    await bo.until("asked")
    for stranger, asker in ((eve, ana), (bo, eve)):
        await stranger.send(type="decline", participant=asker.id, **question)
        await stranger.refused("bad_request")
    await bo.send(type="decline", participant=ana.id, **question)
    assert await ana.until("declined") == {"type": "declined", "participant": bo.id, **question}
    await bo.send(type="decline", participant=ana.id, **question)
    await bo.refused("bad_request")
    await ana.quiet()
    for _ in range(40):
        for source in ("camera", "microphone", "screen"):
            await ana.send(type="ask", participant=bo.id, source=source, muted=False)
    await ana.quiet()
    assert len(house.room().participants[ParticipantId(bo.id)].questions) == 3


async def test_what_is_muted_leaves_all_slots_until_its_owner_unmutes_it(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    track = (await publishes(bo))["microphone"]
    await ana.offer(WATCH)
    assert track in await shown(ana)
    await ana.send(type="mute", track=track, muted=True)
    muted = await bo.until("muted")
    assert muted == {"type": "muted", "track": track, "source": "microphone", "by": ana.id, "may_unmute": True}
    assert (await ana.until("track_changed"))["track"]["muted"] is True
    assert track not in await shown(ana)
    late = await house.member("Late")
    assert [t["muted"] for who in late.welcome["participants"] for t in who["tracks"] if t["id"] == track] == [True]
    # Saying in an offer that it is not muted changes nothing: only its owner's `mute` does.
    await bo.offer(write_offer("audio sendonly", "video sendonly", version=3), request_id=2, tracks=TRACKS)
    await late.offer(WATCH)
    assert track not in await shown(late)
    await bo.send(type="mute", track=track, muted=False)
    assert track in await shown(late)


async def test_a_camera_is_turned_off_in_the_same_way(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    tracks = await publishes(bo)
    await ana.offer(WATCH)
    assert await shown(ana) == set(tracks.values())
    await ana.send(type="mute", track=tracks["camera"], muted=True)
    assert (await bo.until("muted"))["source"] == "camera"
    assert await shown(ana) == {tracks["microphone"]}


async def test_muting_twice_says_it_once(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    track = (await publishes(bo))["microphone"]
    for _ in range(2):
        await ana.send(type="mute", track=track, muted=True)
    await bo.until("muted")
    await ana.until("track_changed")
    await ana.quiet()
    await bo.quiet()


async def test_all_are_muted_but_hosts(house: Doors) -> None:
    ana, bo, cid = await house.member("Ana"), await house.member("Bo"), await house.member("Cid")
    await ana.send(type="promote", participant=cid.id)
    await publishes(ana)
    bos, _ = await publishes(bo), await publishes(cid)
    await ana.send(type="mute_all", source="microphone")
    assert (await bo.until("muted"))["track"] == bos["microphone"]
    room = house.room()
    silent = [t.id for p in room.participants.values() for t in p.tracks.values() if t.silent]
    assert silent == [bos["microphone"]]


async def test_where_the_room_does_not_allow_it_nobody_unmutes_until_a_host_allows_them(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    track = (await publishes(bo))["microphone"]
    await ana.send(type="room", microphone=False)
    assert (await ana.until("room"))["state"]["microphone"] is False
    assert (await bo.until("permissions"))["permissions"]["sources"] == ["camera", "screen", "screen_audio"]
    assert (await bo.expect("muted"))["may_unmute"] is False
    await bo.send(type="mute", track=track, muted=False)
    await bo.refused("permission_denied")
    await ana.send(type="allow", participant=bo.id, source="microphone", allowed=True)
    assert "microphone" in (await bo.until("permissions"))["permissions"]["sources"]
    await bo.send(type="mute", track=track, muted=False)
    while (await ana.until("track_changed"))["track"]["muted"]:
        pass
    await ana.send(type="allow", participant=bo.id, source="microphone", allowed=False)
    await bo.until("permissions")
    assert (await bo.expect("muted"))["may_unmute"] is False


async def test_what_the_room_does_not_allow_is_muted_from_its_beginning(house: Doors) -> None:
    ana = await house.member("Ana")
    await ana.send(type="room", camera=False, screen=False)
    bo = await house.member("Bo")
    assert bo.welcome["permissions"]["sources"] == ["microphone"]
    offered = [
        {"mid": "0", "source": "microphone"},
        {"mid": "1", "source": "camera"},
        {"mid": "2", "source": "screen"},
        {"mid": "3", "source": "microphone"},  # a picture under the name of a microphone
        {"mid": "4", "source": "unknown"},
    ]
    sdp = write_offer("audio sendonly", *["video sendonly"] * 4)
    await bo.send(type="offer", id=1, connection="c-1", sdp=sdp, tracks=offered)
    answer = await bo.expect("answer")
    muted = {(await bo.expect("muted"))["track"] for _ in range(4)}
    assert muted == {track["id"] for track in answer["tracks"][1:]}
    await ana.until("participant_joined")
    added = [(await ana.expect("track_added"))["track"] for _ in range(5)]
    assert [track["muted"] for track in added] == [False, True, True, True, True]


async def test_a_source_under_another_name_is_muted_too(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await ana.send(type="room", screen=False)
    await bo.until("permissions")
    tracks = await publishes(bo)
    renamed = [TRACKS[0], {"mid": "1", "source": "screen"}]
    await bo.offer(write_offer("audio sendonly", "video sendonly", version=3), request_id=2, tracks=renamed)
    assert (await bo.until("muted"))["track"] == tracks["camera"]


async def test_a_reload_does_not_undo_what_the_room_does_not_allow(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await publishes(bo)
    await ana.send(type="room", microphone=False)
    await bo.until("muted")
    await publishes(bo, connection="c-2", request_id=2)
    assert (await bo.until("muted"))["source"] == "microphone"


async def test_who_publishes_by_whip_is_heard_again_when_a_host_allows_it(house: Doors) -> None:
    ana = await house.member("Ana")
    sdp = write_offer("audio sendonly")
    async with house.http.post(
        house.url("/whip/blue"), data=sdp, headers={"Content-Type": "application/sdp"}
    ) as response:
        assert response.status == 201
    joined = (await ana.until("participant_joined"))["participant"]["id"]
    track = (await ana.until("track_added"))["track"]["id"]
    await ana.send(type="mute", track=track, muted=True)
    assert (await ana.until("track_changed"))["track"]["muted"] is True
    await ana.send(type="allow", participant=joined, source="microphone", allowed=True)
    assert (await ana.until("track_changed"))["track"]["muted"] is False


async def test_who_is_removed_is_out_and_its_secret_dead(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await ana.send(type="remove", participant=bo.id)
    assert await bo.closed() == ("removed", 1000)
    assert (await ana.until("participant_left"))["reason"] == "removed"
    back = await house.member("Bo", resume=bo.welcome["resume"])
    assert back.welcome["resumed"] is False


async def test_an_identity_that_was_removed_waits_until_a_host_lets_it_in() -> None:
    async with doors(api_key=KEYS) as house:
        ana = await house.member(token=token("blue", roomAdmin=True))
        bo = await house.member(token=token("blue", identity="bo"))
        await ana.send(type="remove", participant=bo.id)
        assert await bo.closed() == ("removed", 1000)
        again = await house.waiter(token=token("blue", identity="bo"), resume=bo.welcome["resume"])
        [listed] = (await ana.until("waiting_list"))["waiting"]
        assert listed["removed"] is True
        async with house.http.post(
            house.url("/whip/blue"),
            data=PUBLISH,
            headers={"Content-Type": "application/sdp", "Authorization": f"Bearer {token('blue', identity='bo')}"},
        ) as response:
            assert (response.status, (await response.json())["code"]) == (403, "waiting_room")
        await house.member(token=token("blue", identity="cid"))
        await ana.send(type="admit", waiting=[again.ticket["id"]])
        await again.expect("welcome")
        await again.send(type="leave")
        await again.closed()
        await house.member(token=token("blue", identity="bo"))


async def test_the_end_is_for_all(house: Doors) -> None:
    ana, bo = await house.member("Ana"), await house.member("Bo")
    await ana.send(type="end")
    assert await ana.closed() == await bo.closed() == ("closed", 1000)
    assert not house.server.node.rooms


async def test_hands_are_up_in_the_order_in_which_they_went_up(house: Doors) -> None:
    ana, bo, cid = await house.member("Ana"), await house.member("Bo"), await house.member("Cid")
    for member in (cid, ana, bo):
        await member.send(type="hand", raised=True)
        await member.until("participant_changed")
    await cid.send(type="hand", raised=True)  # again: it keeps its place
    await cid.until("participant_changed")
    await cid.until("participant_changed")
    await cid.quiet()
    late = await house.member("Late")
    people = sorted(late.welcome["participants"], key=lambda who: who["hand"])
    assert [who["name"] for who in people] == ["Cid", "Ana", "Bo"]
    await ana.send(type="hand", raised=False, participant=cid.id)
    lowered = (await late.until("participant_changed"))["participant"]
    assert (lowered["id"], lowered["hand"]) == (cid.id, None)
    await ana.send(type="hand", raised=True, participant=cid.id)
    await ana.refused("permission_denied")
