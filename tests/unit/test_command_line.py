"""What the command line says to somebody who mistypes, and the tokens that it makes."""

from pathlib import Path

import pytest

import ciranda
from ciranda.cli import main
from sfu.config import Settings
from signaling.auth import Authority

PAIR = "desk:a secret for the command line and its tests"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tls-cert", "/none.pem", "--tls-key", "/none.pem"), "--tls-cert: /none.pem does not exist"),
        (("--config", "/none.toml"), "there is no file /none.toml"),
        (("--config", "BROKEN"), "line 1"),
        (("--http-port", "x"), "--http-port: "),
        (("--log-format", "xml"), "--log-format: "),
    ],
)
def test_what_is_wrong_is_named(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("http_port = = 9")
    assert main(["serve", *(str(broken) if word == "BROKEN" else word for word in arguments)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert ("broken.toml" in error) == ("BROKEN" in arguments)


def test_a_setting_that_nobody_knows_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ciranda.toml"
    file.write_text("http_prt = 9000")
    assert main(["serve", "--config", str(file)]) == 2
    assert "there is no setting http_prt" in capsys.readouterr().err


def test_a_flag_that_nobody_knows_is_reported_with_the_flags_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--http-prt", "9000"])
    error = capsys.readouterr().err
    assert "unrecognized arguments: --http-prt 9000" in error
    assert "--http-port" in error


def test_a_variable_that_nobody_knows_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pem = tmp_path / "chain.pem"
    pem.write_text("nothing, so that the server does not start")
    monkeypatch.setenv("CIRANDA_HTTP_PRT", "9000")
    monkeypatch.setenv("CIRANDA_HTTP_PORT", "0")
    assert main(["serve", "--media-port", "0", "--tls-cert", str(pem), "--tls-key", str(pem)]) == 1
    error = capsys.readouterr().err
    assert "CIRANDA_HTTP_PRT" in error
    assert "CIRANDA_HTTP_PORT'" not in error


def test_it_says_which_version_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"ciranda {ciranda.__version__}\n"


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pem = tmp_path / "chain.pem"
    pem.write_text("nothing")
    ports = ("--http-port", "0", "--media-port", "0")
    assert main(["serve", *ports, "--tls-cert", str(pem), "--tls-key", str(pem)]) == 1
    assert "chain.pem are no certificate and its key" in capsys.readouterr().err


def test_a_token_opens_its_room(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--api-key", PAIR, "--room", "tea", "--name", "Ana", "--admin"]) == 0
    grant = Authority(Settings(api_key=(PAIR,)).api_secrets).read(capsys.readouterr().out.strip())
    assert (grant.room, grant.join, grant.name, grant.identity) == ("tea", True, "Ana", "Ana")
    assert grant.permissions.admin
    assert not grant.list_rooms


def test_an_operators_token_shows_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CIRANDA_API_KEY", PAIR)
    assert main(["token", "--operator", "--hours", "1"]) == 0
    grant = Authority(Settings().api_secrets).read(capsys.readouterr().out.strip())
    assert (grant.list_rooms, grant.create_rooms, grant.join) == (True, True, False)


@pytest.mark.parametrize(
    "arguments", [("--room", "tea"), ("--api-key", PAIR), ("--api-key", "desk:short", "--room", "x")]
)
def test_without_a_key_or_a_purpose_there_is_no_token(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", *arguments]) == 2
    assert capsys.readouterr().err.startswith("ciranda: --")
