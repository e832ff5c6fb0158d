"""PROTOCOL.md and the message classes say the same: every message has an example, every example is one."""

import json
import re
from pathlib import Path

import pytest

from sfu.config import Settings
from signaling import client_messages, server_messages
from signaling.message import VERSION

PROTOCOL = (Path(client_messages.__file__).parent / "PROTOCOL.md").read_text()


def examples(title: str) -> dict[str, str]:
    """Name of a message → its example, under one title: some messages go both ways."""
    part = re.split(r"^## ", PROTOCOL.partition(f"## {title}\n")[2], flags=re.MULTILINE)[0]
    sections = re.split(r"^### ", part, flags=re.MULTILINE)[1:]
    return {section.split("\n", 1)[0]: section.split("```json\n")[1].split("```")[0] for section in sections}


OF_CLIENTS, OF_SERVERS = examples("From the client"), examples("From the server")
SERVER_MESSAGES = {kind.model_fields["type"].default: kind for kind in server_messages.ServerMessage.__args__}


def test_every_message_is_documented_and_nothing_else() -> None:
    assert set(OF_CLIENTS) == set(client_messages.CLIENT_MESSAGES)
    assert set(OF_SERVERS) == set(SERVER_MESSAGES)


@pytest.mark.parametrize("name", sorted(client_messages.CLIENT_MESSAGES))
def test_an_example_of_the_client_is_taken(name: str) -> None:
    message = client_messages.parse(OF_CLIENTS[name])
    assert message.type == name
    # The example shows every field there is.
    assert set(json.loads(OF_CLIENTS[name])) == set(type(message).model_fields)


@pytest.mark.parametrize("name", sorted(SERVER_MESSAGES))
def test_an_example_of_the_server_is_what_the_class_writes(name: str) -> None:
    message = server_messages.parse_server_message(OF_SERVERS[name])
    assert message.type == name
    assert json.loads(message.model_dump_json()) == json.loads(OF_SERVERS[name])


def test_the_version_is_the_documented_one() -> None:
    assert f"version {VERSION}" in PROTOCOL.splitlines()[0]


def test_every_code_of_an_error_response_is_documented_or_http_only() -> None:
    codes = set(re.findall(r"`(\w+)`", PROTOCOL.partition("## Codes")[2]))
    assert {"malformed", "bad_sdp", "room_full", "limit_reached", "token_expired", "internal"} <= codes


def test_the_limits_in_the_text_are_the_defaults() -> None:
    defaults = Settings()
    text = " ".join(PROTOCOL.split())
    assert (
        f"A message has at most {defaults.max_message_bytes:,} bytes, a session description {defaults.max_sdp_bytes:,}; "
        f"{defaults.message_burst} messages at once and {defaults.messages_per_second:.0f} a second."
    ) in text
    assert f"within {defaults.join_timeout_seconds:.0f} seconds" in text
    assert f"For {defaults.resume_seconds:.0f} seconds the participant stays" in text
    assert f"`waiting_timeout` (after {defaults.waiting_seconds:.0f} seconds)" in text
    full = f"{defaults.max_waiting} wait, or {defaults.max_waiting_per_address} of your address"
    assert f"`waiting_room_full` ({full})" in text
    assert f"at most {defaults.chat_history_messages} messages and {defaults.chat_history_bytes:,} bytes" in text
