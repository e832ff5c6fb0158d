"""A participant who joined properly and then abuses offers, handshakes, addresses and data channels: the others' call goes on."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters

from sfu.transport import LocalParameters
from tests.harness.rtp_peer import LINES, RtpPeer, offer
from tests.harness.stage import Scene, stage
from tests.harness.talker import Talker
from tests.harness.transport_client import until
from tests.integration.doors import Member
from tests.integration.offers import FINGERPRINT

STAGES = ("joined", "offered", "checked", "hello", "half", "connected", "data", "said goodbye")


async def leave_at(scene: Scene, where: str, number: int) -> None:
    """Somebody comes as far as `where` and is never heard of again."""
    eve = RtpPeer(await scene.house.member("eve"))
    scene.enemies.append(eve)
    place = STAGES.index(where)
    if place >= 1:
        await eve.negotiate((*LINES, "data"))
    if place >= 2:
        await eve.check(use=number % 2 == 0)
    if place == 3:
        eve.hello()
    elif place == 4:
        eve.inbound = lambda data: data[0] < 4  # the server's flight is lost
        eve.hello()
        await asyncio.sleep(0)
    elif place >= 5:
        await eve.connect(20.0)
        eve.secure()
        eve.send_media("audio")
    if place == 6:
        eve.dtls.ssl.send(scene.random.randbytes(200))
        eve.outbound = lambda _: True
        for datagram in eve.dtls.output():
            eve.send(datagram)
    if place == 7:
        eve.goodbye()
        return
    if number % 2:
        await eve.member.lose()
    else:
        with suppress(ConnectionError):
            await eve.member.send(type="leave")
    eve.vanish()


async def test_gone_at_every_stage() -> None:
    async with stage() as scene:
        for number in range(2 * len(STAGES)):
            await leave_at(scene, STAGES[number // 2], number)


async def test_a_handshake_that_never_ends() -> None:
    """Rubbish in place of a handshake is read up to a limit, and what stays half done goes with its time."""
    async with stage(dtls_timeout_seconds=0.5) as scene:
        eve, idle = RtpPeer(await scene.house.member("eve")), RtpPeer(await scene.house.member("eve"))
        scene.enemies += [eve, idle]
        for peer in (eve, idle):
            await peer.negotiate()
            await peer.check(use=True)
        hello = idle.dtls.step()
        for _ in range(200):
            eve.send(b"\x16\xfe\xff" + bytes(8) + b"\x04\x00" + scene.random.randbytes(1_024))
            idle.send(hello[0])
            await asyncio.sleep(0)
        for peer in (eve, idle):
            while (await peer.member.next())["type"] != "closed":
                break


async def numbered(enemy: Member, sdp: str, connection: str, number: int) -> dict[str, Any]:
    await enemy.send(type="offer", id=number, connection=connection, sdp=sdp)
    while True:
        message = await enemy.next()
        if message["type"] in ("answer", "error") and message.get("id") == number:
            return message


async def test_offers_without_end() -> None:
    """Tracks that come and go, and a new peer connection with every offer."""
    async with stage(messages_per_second=1_000) as scene:
        eve = await scene.house.member("eve")
        for number in range(60):
            lines = LINES if number % 3 else ("audio inactive", "video inactive", *LINES[2:])
            connection = "c-1" if number < 30 else f"c-{number}"
            assert (await numbered(eve, offer(FINGERPRINT, lines), connection, number))["type"] == "answer"
        assert len(scene.port._endpoints) == 3
        await eve.lose()
        # The others heard of every track, in pairs.
        for peer in (scene.ana, scene.ben):
            await until(lambda peer=peer: peer.log[-1]["type"] == "participant_left")  # type: ignore[misc]
            kinds = [message["type"] for message in peer.log]
            assert kinds.count("track_added") >= kinds.count("track_removed") > 40


def absurd_offers() -> list[str]:
    """Hundreds of m-lines, and lines that contradict themselves."""
    whole = offer(FINGERPRINT)
    video = [line for line in whole.split("\r\n") if line]
    cut = [whole[:length] for length in range(0, len(whole), 97)]
    doubled = ["\r\n".join([*video[:place], video[place], *video[place:], ""]) for place in range(0, len(video), 2)]
    many = [offer(FINGERPRINT, ["video sendonly"] * count) for count in (9, 100, 255, 256, 257, 400)]
    slots = [offer(FINGERPRINT, ["audio recvonly"] * count) for count in (65, 200)]
    words = ["0", "-1", "65536", "99999999999999999999", "\x00", "*", "é", "a" * 5_000, "%s", "0x10", "\u0661"]
    wrong = [whole.replace("a=mid:1", f"a=mid:{word}") for word in words]
    wrong += [whole.replace("rtpmap:96", f"rtpmap:{word}") for word in words]
    wrong += [whole.replace("extmap:4", f"extmap:{word}") for word in (*words, "15", "255", "256")]
    wrong += [whole.replace("apt=96", f"apt={word}") for word in (*words, "97", "111", "127")]
    ssrcs = [
        offer(FINGERPRINT, extra={"1": [f"a=ssrc:{word} cname:x", f"a=ssrc-group:FID {word} {word}"]}) for word in words
    ]
    ssrcs.append(offer(FINGERPRINT, extra={"1": [f"a=ssrc:{n} cname:x" for n in range(1, 60)]}))
    rids = [
        offer(
            FINGERPRINT, extra={"1": [*(f"a=rid:{rid} send" for rid in names), f"a=simulcast:send {';'.join(names)}"]}
        )
        for names in (["a"], ["a", "a"], ["a", "b", "c", "d", "e", "f"], ["x" * 300], ["~a", "b"], ["a,b", "c"])
    ]
    return [*cut, *doubled, *many, *slots, *wrong, *ssrcs, *rids]


async def test_offers_that_make_no_sense() -> None:
    async with stage(messages_per_second=10_000, message_burst=10_000) as scene:
        eve = await scene.house.member("eve")
        codes = set()
        for number, sdp in enumerate(absurd_offers()):
            if sdp:
                message = await numbered(eve, sdp, f"c-{number}", number)
                codes.add(message.get("code", "answer"))
        assert codes == {"answer", "bad_sdp", "limit_reached"}
        assert len(scene.port._endpoints) == 3
        await eve.lose()


async def test_addresses_of_others() -> None:
    """Eve's candidates are the others' addresses, her checks come from them (as if forged), and from very many of her own."""
    async with stage() as scene:
        eve = await scene.enemy(extra={"0": [f"a=candidate:1 1 udp 1 127.0.0.1 {scene.ben.address[1]} typ host"]})
        scene.ana.send(eve.request(use=True))
        scene.ben.send(eve.request(use=True, local=LocalParameters(eve.local.ufrag, scene.ana.local.password, "", ())))
        await until(
            lambda: scene.port.refused["ice_address_taken"] == 1 and scene.port.refused["stun_bad_integrity"] == 1
        )
        for number in range(40):
            await eve.move()
            await eve.check(use=number % 2 == 0)
            eve.send_media("video")
        assert len(scene.port._holders) <= 2 + 8


async def test_data_channels() -> None:
    """Floods, sizes and numbers that nobody needs: whoever listens gets what the rates allow, in order, and media goes on."""
    async with stage() as scene:
        friend = await Talker(await scene.house.member("dora")).enter()
        eve = await Talker(await scene.house.member("eve")).enter()
        await friend.open("chat")
        channel = await eve.open("chat")
        for number in range(400):
            channel.send(json.dumps({"text": str(number)}))
        for text in ("", "{", "[" * 900, '{"text": 1}', json.dumps({"text": "x" * 5_000}), "é" * 9_000):
            channel.send(text)
        channel.send(b"\x00" * 1_000)
        channel.send("y" * 60_000)
        for number in range(20):
            RTCDataChannel(eve.client.sctp, RTCDataChannelParameters(label=f"extra {number}"))
        await until(lambda: scene.port.refused["data_channel"] > 0 and scene.port.refused["data_binary"] == 1, 20.0)
        room = scene.house.server.node.rooms[next(iter(scene.house.server.node.rooms))]
        await until(lambda: room.texts.refused.get("rate_limited", 0) + room.texts.relayed >= 400, 20.0)
        assert 200 <= room.texts.relayed < 400
        await until(lambda: len(friend.got) == room.texts.relayed, 20.0)
        for talker in (eve, friend):
            await talker.close()


@pytest.mark.parametrize("size", [8, 200, 1_100])
async def test_what_is_inside_dtls_is_no_sctp(size: int) -> None:
    async with stage() as scene:
        eve = await scene.enemy((*LINES, "data"))
        dice = scene.random
        for number in range(300):
            body = bytearray(dice.randbytes(size))
            body[:4] = (5_000).to_bytes(2, "big") * 2
            if number % 2 and size > 16:  # a chunk of every type and a length that may be true
                body[12:16] = bytes([number % 256, 3]) + (size - 12 if number % 3 else number).to_bytes(2, "big")
            eve.dtls.ssl.send(bytes(body))
            for datagram in eve.dtls.output():
                eve.send(datagram)
            await asyncio.sleep(0)
        await until(lambda: sum(count for name, count in scene.port.refused.items() if name.startswith("data_")) >= 90)
