"""A crowd at the door, somebody who tries what only hosts may, uploads without end: the others' call goes on, nothing is left."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from sfu.ids import ParticipantId
from tests.harness.stage import Scene, stage
from tests.harness.transport_client import until
from tests.integration.doors import Member


async def ends(member: Member) -> None:
    """Without a goodbye; perhaps it has ended already."""
    await member.lose()


async def test_a_flood_of_people_at_a_waiting_room() -> None:
    async with stage(max_waiting=30, join_burst=10_000, joins_per_second=10_000) as scene:
        await scene.ana.member.send(type="room", waiting_room=True)
        room = scene.house.room()
        await until(lambda: room.state.waiting_room)
        crowd = [await scene.house.socket() for _ in range(90)]
        for number, eve in enumerate(crowd):
            await eve.send(type="join", version=1, name=f"Eve {number}" + "x" * 200)
        await until(lambda: scene.house.closed_sockets.get("waiting_room_full", 0) == 60)
        assert len(room.reception.waiting) == 30
        assert len(room.participants) == 2
        lists = [message for message in scene.ana.log if message["type"] == "waiting_list"]
        assert len(lists) < 50
        for eve in crowd:
            await ends(eve)
        await until(lambda: len(room.reception.waiting) == 0)
        await scene.ana.member.send(type="room", waiting_room=False)


async def test_somebody_who_tries_everything_that_only_hosts_may() -> None:
    async with stage() as scene:
        eve = await scene.house.member("eve")
        deeds: list[dict[str, Any]] = [
            {"type": "mute_all", "source": "microphone"},
            {"type": "remove", "participant": scene.ana.member.id},
            {"type": "allow", "participant": scene.ben.member.id, "source": "microphone", "allowed": False},
            {"type": "promote", "participant": eve.id},
            {"type": "room", "microphone": False, "camera": False, "locked": True},
            {"type": "retract", "message": "m_any"},
            {"type": "end"},
        ]
        for number in range(150):
            await eve.send(**deeds[number % len(deeds)])
        await until(lambda: sum(c for (_, o), c in scene.house.server.node.moderation.items() if o == "denied") == 150)
        assert not scene.house.room().state.locked
        await eve.lose()


async def trickle() -> AsyncIterator[bytes]:
    while True:
        yield b"x"
        await asyncio.sleep(0.01)


async def upload(scene: Scene, eve: Member, data: object) -> int:
    headers = {"Authorization": f"Bearer {eve.welcome['resume']}", "Connection": "close"}
    async with scene.house.http.post(scene.house.url("/files/blue?name=x"), data=data, headers=headers) as response:
        return response.status


async def test_uploads_without_end_and_more_than_there_is_room_for() -> None:
    async with stage(max_file_bytes=1_000_000, max_room_file_bytes=2_500_000) as scene:
        eve = await scene.house.member("eve")
        slow = [asyncio.create_task(upload(scene, eve, trickle())) for _ in range(2)]
        await until(lambda: len(scene.house.room().files) == 0 and bool(slow))
        await until(lambda: _running(scene, eve) == 2)
        assert await upload(scene, eve, b"x") == 429
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        await until(lambda: _running(scene, eve) == 0)
        statuses = [await upload(scene, eve, bytes(1_000_000)) for _ in range(5)]
        assert statuses == [201, 201, 507, 507, 507]
        assert await upload(scene, eve, bytes(1_000_001)) == 413
        await eve.lose()


def _running(scene: Scene, eve: Member) -> int:
    return scene.house.files()._running[eve.id]  # type: ignore[index]


async def test_texts_that_ask_for_much_are_answered_with_little() -> None:
    async with stage() as scene:
        eve = await scene.enemy(("audio sendonly", "data"))
        room = scene.house.room()
        for number in range(400):
            room.relay(
                room.participants[ParticipantId(eve.member.id)],
                "chat",
                json.dumps({"text": "x", "to": f"p_{number}", "ref": "r" * 64}),
            )
        assert room.texts.refused["no_recipient"] <= 210
        assert room.texts.refused["rate_limited"] >= 190
        assert len(room.texts.history) == 0
