"""Messages of the WebSocket protocol: what is taken, what is refused, and which field is to blame."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.errors import ProtocolError
from signaling import client_messages, server_messages
from signaling.client_messages import Join, Leave, Mute, Offer, Pin, Ping, parse

OFFER = {"type": "offer", "id": 1, "connection": "c-1", "sdp": "v=0", "tracks": [{"mid": "0", "source": "camera"}]}


def refused(text: str) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        parse(text)
    return caught.value


def test_each_type_becomes_its_class() -> None:
    assert parse('{"type":"join","version":1,"name":"Ana"}') == Join(version=1, name="Ana")
    assert parse('{"type":"mute","track":"t_a","muted":true}') == Mute(track="t_a", muted=True)
    assert parse('{"type":"pin","participants":["p_a"]}') == Pin(participants=("p_a",))
    assert parse('{"type":"ping","id":7}') == Ping(id=7)
    assert parse('{"type":"leave"}') == Leave()
    offer = parse(json.dumps(OFFER))
    assert isinstance(offer, Offer)
    assert offer.tracks[0].source == "camera"
    assert not offer.tracks[0].muted


def test_fields_of_the_future_are_ignored() -> None:
    assert parse('{"type":"leave","why":{"mood":"tired"}}') == Leave()


def test_null_is_the_same_as_left_out_where_a_field_may_be_left_out() -> None:
    assert parse('{"type":"join","version":1,"token":null,"resume":null}') == Join(version=1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": -1}, "offer.id"),
        ({"id": 2**53}, "offer.id"),
        ({"id": True}, "offer.id"),
        ({"id": "1"}, "offer.id"),
        ({"id": 1.0}, "offer.id"),
        ({"connection": ""}, "offer.connection"),
        ({"connection": "a b"}, "offer.connection"),
        ({"connection": "c\n"}, "offer.connection"),
        ({"connection": "c" * 65}, "offer.connection"),
        ({"sdp": ""}, "offer.sdp"),
        ({"sdp": None}, "offer.sdp"),
        ({"tracks": "0"}, "offer.tracks"),
        ({"tracks": {"mid": "0"}}, "offer.tracks"),
        ({"tracks": [{"mid": "0"}] * 129}, "offer.tracks"),
        ({"tracks": [{"mid": "0" * 17}]}, "offer.tracks.0.mid"),
        ({"tracks": [{"mid": "0"}, {"mid": "1", "muted": "no"}]}, "offer.tracks.1.muted"),
        ({"tracks": [{"source": "camera"}]}, "offer.tracks.0.mid"),
        ({"tracks": [None]}, "offer.tracks.0"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], field: str) -> None:
    error = refused(json.dumps(OFFER | change))
    assert error.code == "malformed"
    assert error.message.startswith(f"{field}: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "null",
        "[]",
        '"join"',
        "{",
        "{}",
        '{"type":null}',
        '{"type":["join"]}',
        '{"type":"leave"} {"type":"leave"}',
        '{"type":"leave","type":"join"}',
        '{"type":"leave","x":{"a":1,"a":2}}',
        '{"type":"ping","id":NaN}',
        '{"type":"ping","id":-Infinity}',
        '{"type":"ping","id":1e999}',
        '{"type":"ping","id":' + "9" * 5_000 + "}",
        '{"type":"ping","id":0.' + "9" * 5_000 + "}",
        '{"type":"join","version":1,"name":"\\ud800"}',
        '{"type":"leave","\\udfff":1}',
        '{"type":"leave","x":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"type":"leave","x":' + '{"x":' * 100_000 + "1" + "}" * 100_001,
        '{"type":"leave","x":' + "[" * 8 + "]" * 8 + "}",
        '{"type":"leave",}',
        "{'type':'leave'}",
        "\x00",
        '{"type":"mute","track":"t","muted":1}',
        '{"type":"pin","participants":[' + '"p",' * 128 + '"p"]}',
    ],
)
def test_what_is_no_message_is_refused(text: str) -> None:
    assert refused(text).code == "malformed"


def test_an_unknown_type_is_told_apart() -> None:
    error = refused('{"type":"' + "dance\u001b[31m".replace("\u001b", "\\u001b") * 99 + '"}')
    assert error.code == "unknown_type"
    assert len(error.message) < 150
    assert "\x1b" not in error.message


def test_errors_do_not_repeat_secrets() -> None:
    error = refused(json.dumps({"type": "join", "version": 1, "token": ["hunter2"]}))
    assert "hunter2" not in error.message


def test_an_error_without_a_request_has_no_id() -> None:
    assert "id" not in json.loads(server_messages.Error(code="internal", message="x").model_dump_json())
    assert json.loads(server_messages.Error(code="internal", message="x", id=0).model_dump_json())["id"] == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = sorted({field for kind in client_messages.CLIENT_MESSAGES.values() for field in kind.model_fields})


@given(st.text() | st.binary().map(lambda data: data.decode(errors="surrogateescape")))
@settings(max_examples=200)
def test_any_text_is_a_message_or_an_error(text: str) -> None:
    try:
        parse(text)
    except ProtocolError as error:
        error.message.encode()


@given(
    st.sampled_from([*client_messages.CLIENT_MESSAGES, "nothing"]),
    st.dictionaries(st.sampled_from(FIELDS), json_values),
)
@settings(max_examples=300)
def test_any_fields_are_a_message_or_an_error(name: str, fields: dict[str, object]) -> None:
    try:
        message = parse(json.dumps({**fields, "type": name}))
    except ProtocolError as error:
        error.message.encode()
    else:
        # What was taken can be sent on: no half surrogates, no endless numbers.
        assert parse(message.model_dump_json()) == message
