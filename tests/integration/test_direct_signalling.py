"""Direct calls over real sockets: who is asked, what is passed on, who takes over, and what a hostile client gets."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sfu.direct import MAX_SDP, MOST, VIDEO_BURST
from sfu.direct_overlay import CARRIED, may_be_direct
from sfu.direct_signal import Step
from sfu.ids import ParticipantId
from sfu.permissions import Permissions
from sfu.views import Source
from tests.harness.rtp_peer import LINES, RtpPeer
from tests.integration.doors import KEYS, Doors, Member, doors, eventually, token
from tests.integration.offers import WATCH
from tests.integration.test_metrics import scrape


class Two:
    """Ana and Bo in one room, connected, who both can; `offerer` has the lower id."""

    def __init__(self, house: Doors, ana: RtpPeer, bo: RtpPeer) -> None:
        self.house = house
        self.ana, self.bo = ana.member, bo.member
        self.offerer, self.answerer = sorted((self.ana, self.bo), key=lambda member: member.id)
        self.peers = ana, bo

    @property
    def direct(self) -> bool:
        return any(room.direct.direct for room in self.house.server.node.rooms.values())

    async def start(self) -> int:
        """Both are told; the epoch."""
        first, second = [await step(member, "start") for member in (self.offerer, self.answerer)]
        assert (first["peer"], first["offers"]) == (self.answerer.id, True)
        assert (second["peer"], second["offers"]) == (self.offerer.id, False)
        assert first["epoch"] == second["epoch"]
        return int(first["epoch"])

    async def commit(self) -> int:
        epoch = await self.start()
        for member in (self.ana, self.bo):
            await member.send(type="direct", epoch=epoch, step="ready", direct_rtt_ms=1, server_rtt_ms=2.5)
        for member in (self.ana, self.bo):
            assert await step(member, "commit") == {"type": "direct", "epoch": epoch, "step": "commit"}
        assert self.direct
        return epoch


async def step(member: Member, name: str) -> dict[str, Any]:
    message = await member.until("direct")
    assert message["step"] == name, message
    return message


@asynccontextmanager
async def two(
    *,
    can: tuple[bool, bool] = (True, True),
    claims: dict[str, Any] | None = None,
    lines: Sequence[str] = LINES,
    **settings: Any,
) -> AsyncIterator[Two]:
    keys: dict[str, Any] = {} if claims is None else {"api_key": KEYS}
    async with doors(**({"resume_seconds": 0.1, "direct_return_seconds": 0.2} | keys | settings)) as house:
        peers = []
        for name, direct in zip(("ana", "bo"), can, strict=True):
            fields = (
                {} if claims is None else {"token": token("blue", identity=name, **(claims if name == "bo" else {}))}
            )
            peers.append(await RtpPeer.enter(await house.member(name, direct=direct, **fields), lines))
        try:
            yield Two(house, *peers)
        finally:
            for peer in peers:
                peer.vanish()


async def nobody_is_asked(pair: Two) -> None:
    for member in (pair.ana, pair.bo):
        await member.send(type="ping", id=5)
        while (message := await member.next())["type"] != "pong":
            assert message["type"] != "direct", message


async def test_two_are_asked_and_their_steps_are_passed_on() -> None:
    async with two() as pair:
        epoch = await pair.start()
        for sender, receiver, name, field in (
            (pair.offerer, pair.answerer, "offer", "sdp"),
            (pair.answerer, pair.offerer, "answer", "sdp"),
            (pair.answerer, pair.offerer, "candidate", "candidate"),
        ):
            await sender.send(type="direct", epoch=epoch, step=name, **{field: "v=0 of somebody"})
            expected = {"type": "direct", "epoch": epoch, "step": name, field: "v=0 of somebody"}
            assert await step(receiver, name) == expected
        await pair.offerer.send(type="direct", epoch=epoch, step="video", wanted=False)
        assert (await step(pair.answerer, "video"))["wanted"] is False


async def test_a_third_takes_over_and_two_go_back() -> None:
    async with two() as pair:
        epoch = await pair.commit()
        assert (await scrape(pair.house))["ciranda_direct_rooms", ()] == 1
        third = await pair.house.member("cy")
        for member in (pair.ana, pair.bo):
            assert await step(member, "takeover") == {
                "type": "direct",
                "epoch": epoch,
                "step": "takeover",
                "reason": "joined",
            }
        await pair.ana.send(type="direct", epoch=epoch, step="taken", audio_gap_ms=0, video_gap_ms=180.5)
        await third.send(type="leave")
        assert await pair.start() == epoch + 1
        samples = await scrape(pair.house)
        assert samples["ciranda_direct_rooms", ()] == 0
        assert samples["ciranda_takeovers_total", (("reason", "joined"),)] == 1
        assert samples["ciranda_direct_attempts_total", (("outcome", "direct"),)] == 1
        assert samples["ciranda_takeover_gap_seconds_count", (("kind", "video"),)] == 1
        assert samples["ciranda_takeover_gap_seconds_sum", (("kind", "video"),)] == pytest.approx(0.1805)


async def test_a_hidden_viewer_takes_over() -> None:
    async with two() as pair:
        await pair.commit()
        async with pair.house.http.post(
            pair.house.url("/whep/blue"), data=WATCH, headers={"Content-Type": "application/sdp"}
        ) as made:
            assert made.status == 201
        for member in (pair.ana, pair.bo):
            assert (await step(member, "takeover"))["reason"] == "joined"


async def test_a_lost_socket_is_a_takeover_before_anybody_leaves() -> None:
    async with two(resume_seconds=30) as pair:
        await pair.commit()
        await pair.bo.lose()
        assert (await step(pair.ana, "takeover"))["reason"] == "signalling"
        assert not pair.direct
        back = await pair.house.member("bo", resume=pair.bo.welcome["resume"], direct=True)
        assert back.welcome["resumed"] is True
        assert (await step(pair.ana, "start"))["peer"] == back.id
        assert (await step(back, "start"))["peer"] == pair.ana.id


async def test_another_socket_of_the_same_person_is_a_takeover() -> None:
    """A page that reloads is back before the server knows that the old one is gone."""
    async with two(resume_seconds=30) as pair:
        await pair.commit()
        back = await pair.house.member("bo", resume=pair.bo.welcome["resume"])
        assert (await step(pair.ana, "takeover"))["reason"] == "signalling"
        assert back.id == pair.bo.id
        pair.bo = back
        await nobody_is_asked(pair)  # the newer one cannot


async def test_leaving_ends_it_for_the_other() -> None:
    async with two() as pair:
        await pair.commit()
        await pair.bo.send(type="leave")
        assert (await step(pair.ana, "takeover"))["reason"] == "left"


async def test_a_client_that_lost_the_path_ends_it_for_both() -> None:
    async with two() as pair:
        epoch = await pair.commit()
        await pair.bo.send(type="direct", epoch=epoch, step="lost", reason="silence")
        for member in (pair.ana, pair.bo):
            assert (await step(member, "takeover"))["reason"] == "silence"
        assert await pair.start() == epoch + 1


@pytest.mark.parametrize(
    "options",
    [
        {"can": (True, False)},
        {"direct_calls": False},
        {"claims": {"direct": False}},
    ],
    ids=str,
)
async def test_who_cannot_or_may_not_stays_on_the_server(options: dict[str, Any]) -> None:
    async with two(**options) as pair:
        await nobody_is_asked(pair)


@pytest.mark.parametrize(
    ("permissions", "may"),
    [
        (Permissions(), True),
        (Permissions(sources=CARRIED | {Source.SCREEN}), True),
        (Permissions(sources=frozenset({Source.MICROPHONE})), False),
        (Permissions(publish=False), False),
        (Permissions(subscribe=False), False),
        (Permissions(direct=False), False),
    ],
)
async def test_what_the_server_would_not_forward_does_not_go_past_it(permissions: Permissions, may: bool) -> None:
    assert may_be_direct(permissions) is may


async def test_whoever_allows_it_by_token_may() -> None:
    async with two(claims={"direct": True}) as pair:
        await pair.commit()


HOSTILE: list[tuple[dict[str, Any], str, str | None]] = [
    ({"step": "ready"}, "malformed", None),
    ({"step": "dance", "epoch": 1}, "malformed", None),
    ({"step": "ready", "epoch": 0}, "malformed", None),
    ({"step": "ready", "epoch": 1, "direct_rtt_ms": -1}, "malformed", None),
    ({"step": "taken", "epoch": 1, "audio_gap_ms": 1e9}, "malformed", None),
    ({"step": "ready", "epoch": 999}, "bad_request", "unknown_epoch"),
    ({"step": "offer", "epoch": 1, "sdp": "v" * (MAX_SDP + 1)}, "bad_request", "too_large"),
    ({"step": "candidate", "epoch": 1, "candidate": "c" * 10_000}, "bad_request", "too_large"),
]


async def test_nonsense_is_refused_and_counted_and_harms_nobody() -> None:
    async with two() as pair:
        await pair.commit()
        for fields, code, _ in HOSTILE:
            await pair.offerer.send(type="direct", **fields)
            error = await pair.offerer.expect("error")
            assert (error["code"], error["fatal"]) == (code, False), fields
        refused = pair.house.server.node.direct.refused
        assert refused == {"unknown_epoch": 1, "too_large": 2}
        assert pair.direct
        await pair.answerer.quiet()


async def test_others_cannot_meddle() -> None:
    """Somebody who comes third, and one in another room."""
    async with two() as pair:
        epoch = await pair.start()
        third = await pair.house.member("eve", direct=True)
        elsewhere = await pair.house.member("mal", room="red", direct=True)
        await third.send(type="direct", epoch=epoch, step="candidate", candidate="x")
        assert (await third.until_error())["code"] == "bad_request"
        await elsewhere.send(type="direct", epoch=epoch, step="lost")
        assert (await elsewhere.until_error())["code"] == "bad_request"
        for member in (pair.ana, pair.bo):
            assert (await step(member, "takeover"))["reason"] == "joined"
        assert pair.house.server.node.direct.refused == {"not_yours": 1, "unknown_epoch": 1}


async def test_a_flood_is_cut_off_and_the_call_goes_on() -> None:
    async with two() as pair:
        epoch = await pair.commit()
        most = MOST[Step.CANDIDATE]
        for number in range(most + 20):
            await pair.offerer.send(type="direct", epoch=epoch, step="candidate", candidate=f"c{number}")
        for _ in range(20):
            assert (await pair.offerer.until_error())["code"] == "bad_request"
        for number in range(most):
            assert (await step(pair.answerer, "candidate"))["candidate"] == f"c{number}"
        await pair.answerer.quiet()
        assert pair.direct
        assert pair.house.server.node.direct.refused == {"flood": 20}


async def test_who_turns_pictures_on_and_off_all_the_time_is_told_to_stop() -> None:
    async with two() as pair:
        epoch = await pair.commit()
        for number in range(VIDEO_BURST + 10):
            await pair.offerer.send(type="direct", epoch=epoch, step="video", wanted=bool(number % 2))
        assert (await pair.offerer.until_error())["code"] == "rate_limited"
        for number in range(VIDEO_BURST):
            assert (await step(pair.answerer, "video"))["wanted"] is bool(number % 2)
        assert pair.direct
        refused = pair.house.server.node.direct.refused
        await eventually(lambda: refused["rate_limited"] > 5)
        assert set(refused) == {"rate_limited"}


async def test_a_path_that_failed_is_tried_again_when_one_of_the_two_changes_networks() -> None:
    async with two(direct_rest_seconds=3_600) as pair:
        epoch = await pair.start()
        await pair.ana.send(type="direct", epoch=epoch, step="lost", reason="failed")
        for member in (pair.ana, pair.bo):
            assert (await step(member, "takeover"))["reason"] == "failed"
        _, bo = pair.peers
        await bo.move()
        await bo.check(use=True)
        await nobody_is_asked(pair)
        await bo.move("127.0.0.2")
        await bo.check(use=True)
        assert await pair.start() == epoch + 1


async def test_a_room_that_closes_leaves_no_timer() -> None:
    async with two(direct_timeout_seconds=0.2) as pair:
        await pair.start()
        room = next(iter(pair.house.server.node.rooms.values()))
        for member in (pair.ana, pair.bo):
            await member.send(type="leave")
        await eventually(lambda: not pair.house.server.node.rooms)
        assert room.direct._timer is None


async def test_what_a_host_forbids_comes_back_to_the_server_where_it_can_be_kept_from_others() -> None:
    async with two() as pair:
        host, guest = (pair.ana, pair.bo) if pair.ana.welcome["permissions"]["admin"] else (pair.bo, pair.ana)
        await pair.commit()
        person = pair.house.room().participants[ParticipantId(guest.id)]
        track = next(iter(person.tracks))
        await host.send(type="mute", track=track, muted=True)
        for member in (pair.ana, pair.bo):
            assert (await step(member, "takeover"))["reason"] == "settings"
        await nobody_is_asked(pair)
        assert not pair.direct
        await guest.send(type="mute", track=track, muted=False)
        await pair.start()
        await host.send(type="room", camera=False)
        await eventually(lambda: not pair.direct)
        assert (await step(guest, "takeover"))["reason"] == "settings"


async def test_who_may_turn_on_everything_again_goes_directly() -> None:
    async with two(lines=("audio sendonly", "data", "audio recvonly")) as pair:
        host, guest = (pair.ana, pair.bo) if pair.ana.welcome["permissions"]["admin"] else (pair.bo, pair.ana)
        await pair.commit()
        await host.send(type="room", camera=False)
        for member in (pair.ana, pair.bo):
            assert (await step(member, "takeover"))["reason"] == "settings"
        await host.send(type="promote", participant=guest.id)
        async with asyncio.timeout(5):  # not with the next thing that happens to their connections
            await pair.start()


async def test_a_room_that_hides_addresses_has_none() -> None:
    """Its hosts say so, or the API, whenever they like."""
    async with two() as pair:
        host = pair.ana if pair.ana.welcome["permissions"]["admin"] else pair.bo
        assert host.welcome["state"]["direct"] is True
        await pair.commit()
        await host.send(type="room", direct=False)
        for member in (pair.ana, pair.bo):
            assert (await step(member, "takeover"))["reason"] == "settings"
        await nobody_is_asked(pair)
        async with pair.house.http.patch(pair.house.url("/api/v1/rooms/blue"), json={"direct": True}) as answer:
            assert (answer.status, (await answer.json())["state"]["direct"]) == (200, True)
        await pair.start()
