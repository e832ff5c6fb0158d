"""Clients that break the rules of the socket: they are told why, they end, and nobody else notices."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signaling.client_messages import CLIENT_MESSAGES
from tests.integration.doors import PATIENCE_S, Doors, doors, eventually
from tests.integration.offers import PUBLISH


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors() as open_doors:
        yield open_doors


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"type":"ping","id":1}', "not_joined"),
        ('{"type":"offer","id":1,"connection":"c","sdp":"v=0"}', "not_joined"),
        ('{"type":"leave"}', "not_joined"),
        ('{"type":"join","version":2}', "unsupported_version"),
        ('{"type":"join","version":0}', "unsupported_version"),
        ('{"type":"dance"}', "unknown_type"),
        ("not json", "malformed"),
        ("", "malformed"),
    ],
)
async def test_a_bad_first_message_ends_the_socket(house: Doors, text: str, code: str) -> None:
    eve = await house.socket()
    await eve.socket.send_str(text)
    error = await eve.expect("error")
    assert (error["code"], error["fatal"]) == (code, True)
    assert await eve.closed() == (code, 1008)
    assert not house.server.node.rooms


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[]", "malformed"),
        ("{" * 50_000, "malformed"),
        ('{"type":"ping","id":1,"id":2}', "malformed"),
        ('{"type":"dance"}', "unknown_type"),
        ('{"type":"mute","track":"t_x","muted":true}', "bad_request"),
        ('{"type":"pin","participants":"p_x"}', "malformed"),
        ('{"type":"offer","id":1,"connection":"c","sdp":"\\u0000"}', "bad_sdp"),
        (json.dumps({"type": "offer", "id": 1, "connection": "c", "sdp": "v=0\r\n" + "a" * 200_000}), "bad_sdp"),
    ],
)
async def test_a_bad_later_message_is_answered_and_the_session_goes_on(house: Doors, text: str, code: str) -> None:
    eve = await house.member("Eve")
    await eve.socket.send_str(text)
    error = await eve.expect("error")
    assert (error["code"], error["fatal"]) == (code, False)
    await eve.quiet()


async def test_binary_frames_are_refused(house: Doors) -> None:
    eve = await house.member("Eve")
    await eve.socket.send_bytes(b'{"type":"ping","id":1}')
    assert (await eve.expect("error"))["code"] == "malformed"
    await eve.quiet()


async def test_a_message_too_big_ends_the_socket() -> None:
    async with doors(max_message_bytes=4_096, resume_seconds=0) as house:
        eve = await house.member("Eve")
        await eve.socket.send_str('{"type":"leave","x":"' + "x" * 5_000 + '"}')
        frame = await eve.socket.receive(timeout=PATIENCE_S)
        assert (frame.type, frame.data) == (aiohttp.WSMsgType.CLOSE, 1009)
        await eventually(lambda: not house.server.node.rooms)
        assert house.closed_sockets == {"too_large": 1}


async def test_text_that_is_not_utf_8_ends_the_socket() -> None:
    async with doors(resume_seconds=0) as house:
        eve = await house.member("Eve")
        await eve.socket.send_frame(b'{"type":"\xff\xfe"}', aiohttp.WSMsgType.TEXT)
        frame = await eve.socket.receive(timeout=PATIENCE_S)
        assert frame.type is aiohttp.WSMsgType.CLOSE
        assert frame.data == 1007
        await eventually(lambda: not house.server.node.rooms)
        assert house.closed_sockets == {"malformed": 1}


async def test_who_does_not_join_in_time_is_let_go() -> None:
    async with doors(join_timeout_seconds=0.05) as house:
        eve = await house.socket()
        assert (await eve.expect("error"))["code"] == "not_joined"
        assert await eve.closed() == ("not_joined", 1008)


async def test_too_many_messages_end_the_socket() -> None:
    async with doors(messages_per_second=1, message_burst=10) as house:
        bo = await house.member("Bo")
        eve = await house.member("Eve")
        for number in range(20):
            await eve.send(type="ping", id=number)
        error = await eve.until("error")
        assert (error["code"], error["fatal"]) == ("rate_limited", True)
        assert await eve.closed() == ("rate_limited", 1013)
        await bo.until("participant_joined")
        await bo.quiet()


async def test_a_slow_reader_is_let_go_and_the_others_go_on() -> None:
    async with doors(outgoing_messages=200, messages_per_second=100_000, message_burst=100_000) as house:
        slow = await house.member("Slow")
        house.shrink_socket_buffers()
        bo = await house.member("Bo")
        track = (await bo.offer(PUBLISH))["tracks"][0]["id"]
        await bo.expect("slots")
        connection = slow.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.pause_reading()
        async with asyncio.timeout(60):
            muted = True
            while "slow_reader" not in house.closed_sockets:
                for _ in range(100):
                    await bo.send(type="mute", track=track, muted=muted)
                    muted = not muted
                await bo.quiet()
        # The participant stays for a while: its media does not depend on the socket.
        assert slow.id in house.server.node.rooms[next(iter(house.server.node.rooms))].participants


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (("*",), "https://elsewhere.example", True),
        ((), "https://elsewhere.example", False),
        ((), "null", False),
        ((), "http://[", False),
        ((), None, True),
        ((), "same", True),
        (("https://friend.example",), "https://friend.example", True),
        (("https://friend.example",), "https://friend.example.evil.example", False),
    ],
)
async def test_pages_of_other_sites_need_permission(
    origins: tuple[str, ...], origin: str | None, allowed: bool
) -> None:
    async with doors(cors_origin=origins) as house:
        said = house.server.url if origin == "same" else origin
        headers = {"Origin": said} if said is not None else {}
        if allowed:
            await (await house.socket(headers=headers)).join()
            return
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await house.socket(headers=headers)
        assert caught.value.status == 403


async def test_a_plain_request_is_told_to_upgrade(house: Doors) -> None:
    async with house.http.get(house.url("/ws/blue")) as response:
        assert response.status == 426
        assert (await response.json())["code"] == "bad_request"
    async with house.http.get(house.url("/ws/metrics")) as response:
        assert response.status == 400


frames = st.lists(
    st.text(max_size=40)
    | st.fixed_dictionaries(
        {"type": st.sampled_from([*CLIENT_MESSAGES, "x"])},
        optional={
            "id": st.integers() | st.text(max_size=3),
            "version": st.just(1),
            "sdp": st.text(max_size=60),
            "connection": st.just("c"),
            "track": st.text(max_size=8),
            "muted": st.booleans(),
            "participants": st.lists(st.text(max_size=8), max_size=3),
            "participant": st.text(max_size=8),
            "source": st.sampled_from(["microphone", "camera", "screen", "x"]),
            "allowed": st.booleans(),
            "raised": st.booleans(),
            "locked": st.booleans(),
            "waiting_room": st.booleans(),
            "microphone": st.booleans(),
            "waiting": st.lists(st.text(max_size=8), max_size=3),
        },
    ).map(json.dumps),
    max_size=6,
)


@given(frames)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_sequence_of_messages_is_a_fault_of_the_server(texts: list[str]) -> None:
    async def scene() -> None:
        async with doors(resume_seconds=0) as house:
            witness = await house.member("Witness", room="red")
            eve = await house.socket()
            for text in texts:
                try:
                    await eve.socket.send_str(text)
                except aiohttp.ClientConnectionResetError:
                    break
            await eve.socket.close()
            await witness.quiet()
            assert "internal" not in house.closed_sockets

    asyncio.run(scene())
