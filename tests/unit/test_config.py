"""Settings come from flags, environment and file, and refuse what would be unsafe."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ciranda.cli import _parse
from sfu.config import Settings, is_loopback

KEY = "key:a-secret-of-some-length"


def test_the_defaults_are_loopback_and_open() -> None:
    settings = Settings()
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)
    assert (settings.effective_media_host, settings.media_port) == ("127.0.0.1", 3478)
    assert settings.api_secrets == {}


def test_flags_win_over_environment_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ciranda.toml"
    file.write_text('http_port = 1\nmedia_port = 1\nworkers = 3\nadvertise_ip = ["192.0.2.1"]\n')
    monkeypatch.setenv("CIRANDA_HTTP_PORT", "2")
    monkeypatch.setenv("CIRANDA_MEDIA_PORT", "2")
    settings = Settings(config=file, media_port=3)
    assert (settings.media_port, settings.http_port, settings.workers) == (3, 2, 3)
    assert settings.advertise_ip == ("192.0.2.1",)


def test_lists_in_the_environment_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIRANDA_API_KEY", f"{KEY}, other:another-secret-of-length")
    assert Settings().api_secrets == {"key": "a-secret-of-some-length", "other": "another-secret-of-length"}


@pytest.mark.parametrize("field", ["http_host", "media_host"])
def test_beyond_loopback_needs_keys_or_insecure(field: str) -> None:
    everywhere: dict[str, Any] = {field: "0.0.0.0"}
    with pytest.raises(ValidationError, match="reachable from outside"):
        Settings(**everywhere)
    assert Settings(**everywhere, insecure=True).insecure
    assert Settings(**everywhere, api_key=KEY).api_secrets


@pytest.mark.parametrize("pair", ["", "key", "key:", ":secret-of-some-length", "key:short"])
def test_a_key_without_a_proper_secret_is_refused_and_not_repeated(pair: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(api_key=(pair or "x",))
    assert "secret-of-some" not in str(caught.value.errors(include_input=False))


@pytest.mark.parametrize(
    "values",
    [
        {"http_port": 70_000},
        {"advertise_ip": "example.org"},
        {"tls_cert": "a.pem"},
        {"tls_cert": "/nonexistent.pem", "tls_key": "/nonexistent.pem"},
        {"trusted_proxy": "nowhere"},
        {"unknown": 1},
        {"config": "/nonexistent.toml"},
    ],
)
def test_unusable_values_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Settings(**values)


def test_secrets_do_not_show() -> None:
    assert "a-secret-of-some-length" not in repr(Settings(api_key=KEY))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("example.org", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_the_readme_uses_flags_as_they_are() -> None:
    """Those that are switches stand alone, all others have a value where they are written as a command."""
    text = re.sub(r"--network host|--help|ciranda token .*", "", (Path(__file__).parents[2] / "README.md").read_text())
    used = re.findall(r"(--[a-z][a-z-]*)(?: (?!--)([^\s`\\]+))?(?=[\s`,])", text.replace("\\\n", " "))
    assert {"--no-direct-calls", "--turn-secret"} <= {flag for flag, _ in used}
    for flag, value in used:
        with_value = [flag, value] if value else [flag] if "--no-" in flag or flag == "--insecure" else [flag, "x"]
        assert _parse(["serve", *with_value]), flag
