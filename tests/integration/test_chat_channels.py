"""Texts over real data channels: history for those who come later, private messages, files, reactions, and who may say what."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Self

import pytest
from aiortc.rtcdatachannel import RTCDataChannel

from sfu.ids import ParticipantId
from tests.harness.talker import Talker
from tests.harness.transport_client import until
from tests.integration.doors import Doors, doors


class Table:
    """Whoever is in the room, with channels open."""

    def __init__(self, house: Doors) -> None:
        self.house = house
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def sits(self, name: str, label: str = "chat") -> "Guest":
        talker = await Talker(await self.house.member(name)).enter()
        self._stack.push_async_callback(talker.close)
        return Guest(talker, await talker.open(label))


class Guest:
    def __init__(self, talker: Talker, channel: RTCDataChannel) -> None:
        self.talker = talker
        self.channel = channel
        self.id = talker.member.id

    def say(self, text: str, **more: Any) -> None:
        self.channel.send(json.dumps({"text": text} | more))

    async def hears(self, count: int) -> list[dict[str, Any]]:
        """All messages so far, once there are so many."""
        await until(lambda: len(self.talker.got) >= count, 10.0)
        assert len(self.talker.got) == count, self.talker.got
        return self.talker.messages


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    async with doors(chat_history_messages=5) as house, Table(house) as laid:
        yield laid


async def test_who_comes_later_gets_what_was_said_bounded_and_in_order(table: Table) -> None:
    ana, bo = await table.sits("Ana"), await table.sits("Bo")
    for number in range(8):
        ana.say(str(number))
    first = await bo.hears(8)
    late = await table.sits("Late")
    history = await late.hears(5)
    assert history == [message | {"history": True} for message in first[-5:]]
    assert len({message["id"] for message in first}) == 8
    assert {(message["from"], message["name"]) for message in first} == {(ana.id, "Ana")}
    bo.say("live")
    assert "history" not in (await late.hears(6))[-1]


async def test_the_history_comes_once_a_connection(table: Table) -> None:
    ana = await table.sits("Ana")
    ana.say("hello")
    bo = await table.sits("Bo")
    await bo.hears(1)
    await bo.talker.open("chat")
    await bo.talker.open("other")
    ana.say("again")
    assert [message["text"] for message in await bo.hears(2)] == ["hello", "again"]


async def test_a_private_message_reaches_one_and_no_history(table: Table) -> None:
    ana, bo, cid = [await table.sits(name) for name in ("Ana", "Bo", "Cid")]
    ana.say("psst", to=bo.id, ref="r1")
    ana.say("all")
    private, public = await bo.hears(2)
    assert (private["text"], private["to"], "to" in public) == ("psst", bo.id, False)
    assert [message["text"] for message in await cid.hears(1)] == ["all"]
    [echo] = await ana.hears(1)
    assert echo == private | {"ref": "r1"}
    late = await table.sits("Late")
    assert [message["text"] for message in await late.hears(1)] == ["all"]


async def test_what_cannot_be_delivered_is_said_to_its_sender(table: Table) -> None:
    ana, bo = await table.sits("Ana"), await table.sits("Bo")
    ana.say("psst", to="p_nobody", ref="r1")
    ana.say("a file", file={"id": "none"}, ref="r2")
    assert await ana.hears(2) == [{"ref": "r1", "error": "no_recipient"}, {"ref": "r2", "error": "no_file"}]
    await ana.talker.member.send(type="room", chat=False)
    await bo.talker.member.until("room")
    bo.say("may I?", ref="r3")
    assert await bo.hears(1) == [{"ref": "r3", "error": "not_permitted"}]
    ana.say("I may")
    assert [message["text"] for message in (await bo.hears(2))[1:]] == ["I may"]
    assert table.house.room().texts.refused == {"no_recipient": 1, "no_file": 1, "not_permitted": 1}


@pytest.mark.parametrize("label", ["chat", "reactions"])
async def test_what_cannot_be_read_is_said_to_its_sender_alone(table: Table, label: str) -> None:
    ana, bo = await table.sits("Ana", label), await table.sits("Bo", label)
    for nonsense in ("{", "[]", '{"text": 5}', '{"text": " "}', '{"text": "x", "ref": 7}', "x" * 30_000):
        ana.channel.send(nonsense)
    ana.say("x" * 4_001, ref="r1")
    ana.say("well", ref="r2")
    answers = await ana.hears(8)
    assert answers[:7] == [{"error": "malformed"}] * 6 + [{"error": "malformed", "ref": "r1"}]
    assert [message["text"] for message in await bo.hears(1)] == ["well"]
    assert table.house.room().texts.refused == {"malformed": 7}


async def test_who_writes_too_much_is_told_which_text_went_nowhere() -> None:
    async with doors(messages_per_second=0.1, message_burst=2) as house, Table(house) as table:
        ana, bo = await table.sits("Ana"), await table.sits("Bo")
        for number in range(40):
            ana.say(str(number), ref=f"r{number}")
        await until(lambda: house.room().texts.refused.get("rate_limited") == 38, 10.0)
        await until(lambda: len(ana.talker.got) >= 22, 10.0)
        refused = [message for message in ana.talker.messages if "error" in message]
        assert refused[:20] == [{"error": "rate_limited", "ref": f"r{number}"} for number in range(2, 22)]
        assert len(refused) < 30
        assert [message["text"] for message in await bo.hears(2)] == ["0", "1"]


async def test_a_shared_file_is_announced_by_the_servers_word(table: Table) -> None:
    ana, bo = await table.sits("Ana"), await table.sits("Bo")
    headers = {"Authorization": f"Bearer {ana.talker.member.welcome['resume']}", "Content-Type": "image/png"}
    async with table.house.http.post(table.house.url("/files/blue?name=a.png"), data=b"x", headers=headers) as response:
        file = await response.json()
    ana.say("", file={"id": file["id"], "name": "evil.exe", "url": "https://evil.example"})
    [message] = await bo.hears(1)
    assert (message["text"], message["file"]) == ("", file)
    late = await table.sits("Late")
    assert (await late.hears(1))[0]["file"] == file


async def test_an_author_or_a_host_takes_back_what_was_said_also_for_those_who_come_later(table: Table) -> None:
    ana, bo, cid = [await table.sits(name) for name in ("Ana", "Bo", "Cid")]  # Ana leads
    for guest, text in ((ana, "hosts"), (bo, "mine"), (cid, "rude")):
        guest.say(text, ref="r1")
        await ana.hears(len(ana.talker.got) + 1)  # one after the other
    said = {message["text"]: message["id"] for message in ana.talker.messages}

    await bo.talker.member.send(type="retract", message=said["hosts"])
    await bo.talker.member.refused("permission_denied")
    await bo.talker.member.send(type="retract", message=said["mine"])
    gone = {"retracted": said["mine"], "by": bo.id}
    for guest in (ana, bo, cid):
        assert (await guest.hears(4))[-1] == gone
    for _ in range(2):  # the second time it is gone already
        await ana.talker.member.send(type="retract", message=said["rude"])
    await ana.talker.member.send(type="retract", message="m_never")
    await ana.talker.member.refused("bad_request")
    also_gone = {"retracted": said["rude"], "by": ana.id}
    assert (await cid.hears(5))[-1] == also_gone

    late = await table.sits("Late")
    [kept, *retracted] = await late.hears(3)
    assert (kept["text"], "ref" in kept) == ("hosts", False)
    assert retracted == [gone | {"history": True}, also_gone | {"history": True}]
    assert table.house.server.node.moderation == {("retract", "denied"): 1, ("retract", "done"): 1}


async def test_a_private_message_is_taken_back_without_a_word_to_others(table: Table) -> None:
    ana, bo, cid = [await table.sits(name) for name in ("Ana", "Bo", "Cid")]
    bo.say("psst", to=ana.id, ref="r1")
    [echo] = await bo.hears(1)
    await bo.talker.member.send(type="retract", message=echo["id"])
    for guest in (ana, bo):
        assert (await guest.hears(2))[-1] == {"retracted": echo["id"], "by": bo.id}
    bo.say("all")
    assert [message["text"] for message in await cid.hears(1)] == ["all"]


async def test_a_file_goes_with_its_message_but_not_with_somebody_elses(table: Table) -> None:
    _, bo, cid = [await table.sits(name) for name in ("Ana", "Bo", "Cid")]
    http, house = table.house.http, table.house
    headers = {"Authorization": f"Bearer {bo.talker.member.welcome['resume']}"}
    async with http.post(house.url("/files/blue?name=a.txt"), data=b"x", headers=headers) as response:
        file = await response.json()

    async def there() -> bool:
        async with http.get(house.url(file["url"])) as response:
            return response.status == 200

    cid.say("look what Bo has", file={"id": file["id"]}, ref="r1")
    [passed_on] = await cid.hears(1)
    await cid.talker.member.send(type="retract", message=passed_on["id"])
    await cid.hears(2)
    assert await there()
    bo.say("", file={"id": file["id"]}, ref="r2")
    shared = (await bo.hears(3))[-1]
    await bo.talker.member.send(type="retract", message=shared["id"])
    await bo.hears(4)
    await until(lambda: not house.room().files, 10.0)
    assert not await there()
    assert house.files().store.used_bytes == 0


async def test_who_comes_back_knows_their_own_by_its_reference(table: Table) -> None:
    ana, bo = await table.sits("Ana"), await table.sits("Bo")
    ana.say("mine", ref="r7")
    await bo.hears(1)
    room = table.house.room()
    past = [[json.loads(text) for text in room.texts.past(ParticipantId(guest.id))] for guest in (ana, bo)]
    assert [[message.get("ref") for message in said] for said in past] == [["r7"], [None]]


async def test_reactions_are_relayed_on_a_channel_of_their_own_and_not_kept(table: Table) -> None:
    ana, bo = await table.sits("Ana", "reactions"), await table.sits("Bo", "reactions")
    ana.say("👏", to=bo.id, file={"id": "x"})  # which mean nothing here
    [message] = await bo.hears(1)
    assert set(message) == {"id", "from", "name", "text", "at_ms"}
    assert (message["text"], message["from"]) == ("👏", ana.id)
    late = await table.sits("Late")
    ana.say("🎉")
    await bo.hears(2)
    assert late.talker.got == []


async def test_reactions_are_limited_like_everything_else() -> None:
    async with doors(messages_per_second=1, message_burst=20) as house, Table(house) as table:
        ana, bo = await table.sits("Ana", "reactions"), await table.sits("Bo", "reactions")
        for _ in range(50):
            ana.say("👏")
        texts = house.room().texts
        await until(lambda: texts.relayed + texts.refused.get("rate_limited", 0) == 50, 10.0)
        assert 20 <= texts.relayed <= 25
        await bo.hears(texts.relayed)
