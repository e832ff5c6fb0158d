"""`ciranda bench` as an operator calls it: against a server of its own, and against a running one."""

import asyncio
import json
from pathlib import Path

import pytest

from benchmarks import cli
from benchmarks.process import ServerProcess

KEY = "bench:" + "0123456789abcdef" * 2


def test_people_in_rooms_at_a_server_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written, drawn = tmp_path / "found.json", tmp_path / "found.svg"
    flags = ["--rooms", "2", "--people", "3", "--pattern", "call", "--seconds", "1", "--no-floor"]
    assert cli.main(["load", *flags, "--json", str(written), "--plot", str(drawn)]) == 0
    found = json.loads(written.read_text())
    assert found["packets"]["lost"] == found["packets"]["silent_receivers"] == found["packets"]["corrupt"] == 0
    # Two others' audio and video for each of six.
    assert found["packets"]["forwarded"] > 0.5 * found["load"]["seconds"] * 2 * 6 * 112
    assert found["server"]["us_per_packet"] > 0
    assert "2 rooms of 3 people" in capsys.readouterr().out
    assert b"<svg" in drawn.read_bytes()


async def test_a_running_server_is_measured_by_its_url_and_its_metrics(tmp_path: Path) -> None:
    written, drawn = tmp_path / "found.json", tmp_path / "found.svg"
    async with ServerProcess("--api-key", KEY) as server:
        where = ["--server", server.url, "--api-key", KEY]
        flags = ["--rooms", "2", "--receivers", "2", "--pattern", "simulcast", "--seconds", "0.5"]
        given = ["ramp", *where, *flags, "--json", str(written), "--plot", str(drawn)]
        assert await asyncio.to_thread(cli.main, given) == 0
        refused = await asyncio.to_thread(cli.main, ["load", "--server", server.url, "--receivers", "1"])
    assert refused == 2
    steps = json.loads(written.read_text())["steps"]
    assert steps[0]["publishers"] == 1
    assert steps[0]["packets_per_second"] > 0
    assert steps[0]["lost_share"] == 0
    assert steps[0]["cpu_share"] is not None
    assert b"<svg" in drawn.read_bytes()


def test_a_server_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["load", "--server", "http://127.0.0.1:9"]) == 2
    assert "127.0.0.1:9 does not answer" in capsys.readouterr().err


def test_every_command_has_its_parts() -> None:
    for name in cli.COMMANDS:
        command, _ = cli.parse([name])
        assert callable(command.run)
        assert callable(command.table)
