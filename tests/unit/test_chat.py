"""Text of data channels: the format is checked and bounded, whatever a peer sends."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.chat import MAX_TEXT, ChatMessage, parse_text
from sfu.errors import ProtocolError
from sfu.ids import ParticipantId

HOSTILE = [
    "",
    "null",
    "[]",
    "{}",
    '{"text": 5}',
    '{"text": ""}',
    '{"text": "  "}',
    '{"text"',
    "[" * 100_000,
    '{"text": "' + "x" * (MAX_TEXT + 1) + '"}',
    '{"text": "' + "x" * 30_000 + '"}',
    '{"text": "\\ud800"}',
    "\ud800",
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_refused(data: str) -> None:
    with pytest.raises(ProtocolError):
        parse_text(data)


@given(st.text())
def test_any_text_is_parsed_or_refused(data: str) -> None:
    with contextlib.suppress(ProtocolError):
        assert parse_text(data)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_TEXT).filter(str.strip))
def test_a_message_arrives_as_it_was_sent(text: str) -> None:
    if len(text.encode()) > 15_000:
        return
    parsed = parse_text(json.dumps({"text": text}, ensure_ascii=False))
    relayed = json.loads(ChatMessage(ParticipantId("p_1"), "Ana", parsed, 5).to_json())
    assert relayed == {"from": "p_1", "name": "Ana", "text": text, "at_ms": 5}
