"""Anything at all by POST and PATCH: always an answer that blames the client, never a fault, nobody else disturbed."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.doors import Doors, doors
from tests.integration.offers import PUBLISH, WATCH, fragment, write_offer

PIECES = st.sampled_from(
    [
        *PUBLISH.split("\r\n"),
        *fragment("abcd").split("\r\n"),
        "a=ice-lite",
        "a=simulcast:send h;l",
        "a=rid:h send",
        "m=",
        "a=",
    ]
)


def shuffled(text: str) -> st.SearchStrategy[str]:
    """The text with lines lost, doubled, moved or cut."""
    lines = text.split("\r\n")
    edits = st.lists(st.tuples(st.integers(0, len(lines) - 1), st.sampled_from("-+<x"), PIECES), max_size=6)

    def apply(changes: list[tuple[int, str, str]]) -> str:
        result = list(lines)
        for at, what, piece in changes:
            index = min(at, len(result) - 1)
            if what == "-" and len(result) > 1:
                del result[index]
            elif what == "+":
                result.insert(index, piece)
            elif what == "<":
                result[index] = result[index][: len(result[index]) // 2]
            else:
                result[index] = piece
        return "\r\n".join(result)

    return edits.map(apply)


bodies = (
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.sampled_from((PUBLISH, WATCH, write_offer("data"), fragment("abcd1"))).flatmap(shuffled).map(str.encode)
)
doors_and_bodies = st.lists(st.tuples(st.sampled_from(["/whip/blue", "/whep/blue", "session"]), bodies), max_size=12)


async def send(house: Doors, session: str, path: str, body: bytes) -> tuple[int, str]:
    if path == "session":
        headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}
        response = await house.http.patch(house.url(session), data=body, headers=headers)
    else:
        response = await house.http.post(house.url(path), data=body, headers={"Content-Type": "application/sdp"})
    return response.status, await response.text()


@given(doors_and_bodies)
@settings(max_examples=60, deadline=None)
def test_no_body_is_a_fault_of_the_server(requests: list[tuple[str, bytes]]) -> None:
    async def scene() -> None:
        async with doors(join_burst=10_000) as house:
            witness = await house.member("Witness", room="red")
            sdp = {"Content-Type": "application/sdp"}
            async with house.http.post(house.url("/whip/blue"), data=PUBLISH, headers=sdp) as response:
                session = response.headers["Location"]
            for path, body in requests:
                status, text = await send(house, session, path, body)
                assert status in (200, 201, 204, 400, 413, 422), (status, text, body)
            await witness.quiet()
            async with house.http.delete(house.url(session)) as response:
                assert response.status == 200

    asyncio.run(scene())
