"""What hostile participants do over HTTP and WebSockets: one function a kind of garbage, and the counters that must tell of it."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.harness.raw_socket import BINARY, PING, TEXT, RawSocket, frame
from tests.integration.offers import FINGERPRINT, PUBLISH, WATCH, fragment, write_offer

MAX_MESSAGE_BYTES = 65_536
"""What the server is told to take (`max_message_bytes`)."""


@dataclass
class Loot:
    """What an enemy has seen of others: ids, and secrets of its own kind."""

    dice: random.Random
    participants: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    """Resume tokens of other enemies."""

    def somebody(self) -> str:
        return self.dice.choice(self.participants or ["p_nobody"])


Deed = Callable[[RawSocket, Loot], None]


def message(**fields: object) -> bytes:
    return frame(json.dumps(fields).encode())


# -- frames that are none -------------------------------------------------------------------------------------------------


def a_message_too_big(eve: RawSocket, _: Loot) -> None:
    eve.send(frame(b"x" * (MAX_MESSAGE_BYTES + 1)))


def a_length_that_is_a_lie(eve: RawSocket, _: Loot) -> None:
    eve.send(frame(b"x", length=2**62))


def a_reserved_opcode(eve: RawSocket, loot: Loot) -> None:
    eve.send(frame(b"x", opcode=loot.dice.choice((3, 7, 11, 15))))


def no_utf_8(eve: RawSocket, _: Loot) -> None:
    eve.send(frame(b'{"type":"\xff\xfe"}'))


def fragments_without_end(eve: RawSocket, _: Loot) -> None:
    eve.send(frame(b"x" * 1_000, final=False))
    for _number in range(100):
        eve.send(frame(b"x" * 1_000, opcode=0, final=False))


def pings(eve: RawSocket, _: Loot) -> None:
    eve.send(frame(b"", opcode=PING) * 400)


# -- messages that are none -----------------------------------------------------------------------------------------------


def binary(eve: RawSocket, loot: Loot) -> None:
    eve.send(frame(loot.dice.randbytes(200), opcode=BINARY))


def deep(eve: RawSocket, loot: Loot) -> None:
    opening, closing = loot.dice.choice((("[", "]"), ('{"x":', "}")))
    text = '{"type":"leave","x":' + opening * 5_000 + "1" + closing * 5_000 + "}"
    eve.send(frame(text.encode(), opcode=TEXT))


def wide(eve: RawSocket, loot: Loot) -> None:
    pair = loot.dice.choice(("[],", "1,", '"x",'))
    eve.send(frame(('{"type":"leave","x":[' + pair * 5_000 + "0]").encode()))


def no_json(eve: RawSocket, loot: Loot) -> None:
    eve.send(frame(bytes(loot.dice.randrange(32, 127) for _ in range(100))))


def unknown(eve: RawSocket, _: Loot) -> None:
    eve.say(type="dance")


# -- messages that make no sense ------------------------------------------------------------------------------------------


def hands(eve: RawSocket, _: Loot) -> None:
    for number in range(12):
        eve.say(type="hand", raised=number % 2 == 0)


def what_only_hosts_may(eve: RawSocket, loot: Loot) -> None:
    eve.say(type="mute_all", source="microphone")
    eve.say(type="remove", participant=loot.somebody())
    eve.say(type="room", locked=True, microphone=False)
    eve.say(type="mute", track=loot.somebody(), muted=True)
    eve.say(type="end")


def pins(eve: RawSocket, loot: Loot) -> None:
    eve.say(type="pin", participants=[loot.somebody() for _ in range(100)])


def direct_to_strangers(eve: RawSocket, loot: Loot) -> None:
    for step in ("offer", "answer", "candidate", "ready", "lost", "taken"):
        eve.say(
            type="direct", epoch=loot.dice.randrange(1, 9), step=step, sdp="v=0" * 100, candidate="x" * 300, reason="x"
        )


def offers_that_are_none(eve: RawSocket, loot: Loot) -> None:
    text = list(PUBLISH)
    for _ in range(8):
        text[loot.dice.randrange(len(text))] = chr(loot.dice.randrange(32, 256))
    eve.say(type="offer", id=1, connection="c-1", sdp="".join(text))


def negotiations_without_end(eve: RawSocket, loot: Loot) -> None:
    slots = ["audio recvonly", "video recvonly"] * loot.dice.randrange(1, 9)
    for number in range(3):
        eve.say(type="offer", id=number, connection=f"c-{loot.dice.randrange(3)}", sdp=write_offer("data", *slots))


def too_much(eve: RawSocket, _: Loot) -> None:
    """More messages than anybody may send."""
    eve.send(message(type="ping", id=1) * 260)


def joining_again(eve: RawSocket, loot: Loot) -> None:
    eve.say(type="join", version=1, name="Eve", resume=loot.somebody())


SOCKET_DEEDS: tuple[Deed, ...] = (
    a_message_too_big,
    a_length_that_is_a_lie,
    a_reserved_opcode,
    no_utf_8,
    fragments_without_end,
    pings,
    binary,
    deep,
    wide,
    no_json,
    unknown,
    hands,
    what_only_hosts_may,
    pins,
    direct_to_strangers,
    offers_that_are_none,
    negotiations_without_end,
    too_much,
    joining_again,
)

# -- requests -------------------------------------------------------------------------------------------------------------

SDP, TRICKLE = "application/sdp", "application/trickle-ice-sdpfrag"


def requests(loot: Loot, sessions: list[str]) -> Iterator[tuple[str, str, Mapping[str, str], bytes]]:
    """(method, path, headers, body), without end. `sessions`: paths of WHIP sessions of the enemy's own."""
    dice = loot.dice
    while True:
        own = dice.choice(sessions) if sessions else "/whip/blue/none"
        strange = own[:-3] + "xyz"
        secret = dice.choice(loot.secrets or ["nothing"])
        bearer = {"Authorization": f"Bearer {secret}"}
        yield "POST", "/whip/blue", {"Content-Type": SDP}, dice.randbytes(300)
        yield "POST", "/whep/blue", {"Content-Type": SDP}, WATCH.replace(FINGERPRINT, "sha-256 00").encode()
        yield "PATCH", own, {"Content-Type": TRICKLE, "If-Match": "*"}, dice.randbytes(200)
        yield "PATCH", own, {"Content-Type": TRICKLE, "If-Match": "*"}, fragment(f"f{dice.random():.9f}").encode()
        yield "PATCH", own, {"Content-Type": "text/html"}, b"x"
        yield "PATCH", strange, {"Content-Type": TRICKLE, "If-Match": "*"}, fragment("other").encode()
        yield "DELETE", strange, {}, b""
        yield "POST", "/files/blue?name=x", {"Authorization": "Bearer guessed"}, bytes(1_000)
        yield "POST", "/files/blue?name=../../x", bearer, dice.randbytes(200_000)
        yield "POST", "/files/blue?name=x", bearer, bytes(1_000_001)
        yield "GET", "/files/blue/..%2f..%2fetc%2fpasswd", {}, b""
        yield (
            "POST",
            "/api/v1/rooms",
            {"X-Forwarded-For": "192.0.2.1", "Content-Type": "application/json"},
            b"[" * 9_000,
        )
        yield "GET", f"/ws/{'x' * 300}", {}, b""
        yield dice.choice(("PUT", "TRACE", "PROPFIND")), "/whip/blue", {}, b"x"


REQUESTS = 14
"""Different ones."""
REQUESTS_REFUSED = ("malformed", "bad_sdp", "unsupported_media_type", "not_found", "invalid_token", "too_large")
HEADS = (
    b"\x00" * 100 + b"\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /whip/blue HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /whip/blue HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"GET /ws/blue HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 99\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
)
"""Heads of requests; the last one never ends."""

COUNTERS = {
    "ciranda_sockets_closed_total": ("too_large", "malformed", "rate_limited"),
    "ciranda_refused_total": (*REQUESTS_REFUSED, "unknown_type", "permission_denied", "bad_request"),
    "ciranda_direct_messages_refused_total": (),
    "ciranda_texts_refused_total": ("malformed",),
    "ciranda_packets_dropped_total": (
        "unknown_first_byte",
        "unknown_address",
        "too_large",
        "srtp_auth",
        "srtp_replay",
        "rtcp_malformed",
        "unknown_ssrc",
        "stun_malformed",
        "stun_bad_integrity",
        "data_malformed",
    ),
}
"""Metric → reasons or codes that this garbage is counted by; any at all where none is named."""
