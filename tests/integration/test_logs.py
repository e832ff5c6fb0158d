"""Log lines: one JSON object each, room and participant in every line about them, and never a secret."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest

from ciranda.logging import configure_logging, formatter
from sfu.config import Settings
from sfu.log import get_logger
from tests.integration.doors import KEYS, SECRET, doors, eventually, token
from tests.integration.offers import PUBLISH, WATCH, fragment

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that the command would write to stderr at the lowest level."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(Settings(log_format="json", log_level="debug"), stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


async def test_a_whole_session_tells_what_happened_and_no_secret(lines: io.StringIO) -> None:
    bearer = token("blue", canPublish=True)
    async with doors(api_key=KEYS, resume_seconds=0) as house:
        ana = await house.member("Ana", token=bearer)
        await ana.offer(PUBLISH)
        headers = SDP | {"Authorization": f"Bearer {bearer}"}
        async with house.http.post(house.url("/whep/blue"), data=WATCH, headers=headers) as response:
            location, answer = response.headers["Location"], await response.text()
        patch = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}
        async with house.http.patch(house.url(location), data=fragment("another"), headers=headers | patch) as response:
            assert response.status == 200
        eve = await house.socket()
        await eve.send(type="join", version=1, token=bearer[:-2])
        await eve.expect("error")
        await eve.closed()
        await ana.send(type="offer", id=3, connection="c", sdp="v=0\r\na=ice-pwd:somethingSecret\r\n")
        while (await ana.next())["type"] != "error":
            continue
        await house.http.delete(house.url(location), headers=headers)
        await ana.lose()
        await eventually(lambda: not house.server.node.rooms)
    text = lines.getvalue()
    password = answer.partition("a=ice-pwd:")[2].split()[0]
    secrets = {SECRET, bearer, bearer.rpartition(".")[2], ana.welcome["resume"], password}
    for secret in {
        *secrets,
        location.rpartition("/")[2],
        "somethingSecret",
        "passwordOfTwentyFourChars",
        "a=ice-ufrag",
    }:
        assert secret not in text
    parsed = [json.loads(line) for line in text.splitlines()]
    assert {"joined", "left", "socket_closed", "signalling_lost", "ready", "stopped"} <= {p["event"] for p in parsed}
    for entry in parsed:
        assert {"event", "level", "logger", "timestamp"} <= set(entry)
        if entry["event"] in ("joined", "left", "connection", "signalling_lost", "http_session_ended"):
            assert entry["room"] == "blue"
            assert entry["participant"].startswith("p_")


def test_libraries_are_routed_in_and_kept_quiet(lines: io.StringIO) -> None:
    logging.getLogger("aiohttp.server").warning("something %s", "odd")
    logging.getLogger("aioice.ice").debug("a=ice-pwd:secret")
    [entry] = map(json.loads, lines.getvalue().splitlines())
    assert (entry["event"], entry["level"], entry["logger"]) == ("something odd", "warning", "aiohttp.server")


def test_values_named_like_secrets_are_blacked_out(lines: io.StringIO) -> None:
    log = get_logger("test").bind(room="blue")
    log.info("oops", token="t0p", api_key="s3cret", offer_sdp="v=0", ice_pwd="pw", name="Ana", module="m")
    [entry] = map(json.loads, lines.getvalue().splitlines())
    assert not {"t0p", "s3cret", "v=0", "pw"} & set(map(str, entry.values()))
    assert (entry["room"], entry["name_"], entry["module_"]) == ("blue", "Ana", "m")


def test_errors_have_their_traceback_in_one_line(lines: io.StringIO) -> None:
    try:
        int("broken\nin two")
    except ValueError:
        get_logger("test").exception("failed", participant="p_x")
    [entry] = map(json.loads, lines.getvalue().splitlines())
    assert "ValueError: invalid literal" in entry["exception"]
    assert entry["participant"] == "p_x"


def test_hostile_names_do_not_break_lines(lines: io.StringIO) -> None:
    get_logger("test").info("joined", who='x"\n{"event":"forged"}\x1b[31m\u2028')
    assert len(lines.getvalue().split("\n")) == 2
    assert json.loads(lines.getvalue())["who"].startswith('x"\n')
    assert "\x1b" not in lines.getvalue()


def test_the_console_format_is_for_people() -> None:
    record = logging.makeLogRecord(
        {"msg": "joined", "name": "sfu.room", "levelname": "INFO", "levelno": 20, "room": "blue"}
    )
    line = formatter("console").format(record)
    assert "joined" in line
    assert "room=blue" in line


async def test_embedding_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    async with doors() as house:
        ana = await house.member("Ana")
        await ana.offer(PUBLISH)
        await asyncio.sleep(0)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
