"""Text of data channels: the format is checked and bounded, whatever a peer sends."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.chat import MAX_TEXT, ChatMessage, parse_draft
from sfu.errors import ProtocolError
from sfu.ids import MessageId, ParticipantId

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
    '{"text": "x", "to": 5}',
    '{"text": "x", "to": ""}',
    '{"text": "x", "ref": ["a"]}',
    '{"text": "x", "ref": "' + "r" * 65 + '"}',
    '{"text": "x", "ref": "\\ud800"}',
    '{"text": "x", "file": "f"}',
    '{"text": "x", "file": {"id": 7}}',
    '{"text": "", "file": {}}',
    '{"text": null, "file": {"id": "f"}}',
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_refused(data: str) -> None:
    with pytest.raises(ProtocolError):
        parse_draft(data)


@given(st.text())
def test_any_text_is_parsed_or_refused(data: str) -> None:
    with contextlib.suppress(ProtocolError):
        draft = parse_draft(data)
        assert draft.text.strip() or draft.file


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_TEXT).filter(str.strip))
def test_a_message_arrives_as_it_was_sent(text: str) -> None:
    if len(text.encode()) > 15_000:
        return
    parsed = parse_draft(json.dumps({"text": text}, ensure_ascii=False))
    relayed = json.loads(ChatMessage(MessageId("m_1"), ParticipantId("p_1"), "Ana", parsed.text, 5).to_json())
    assert relayed == {"id": "m_1", "from": "p_1", "name": "Ana", "text": text, "at_ms": 5}
