"""What rooms and people may be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import RemoteError
from signaling.names import MAX_NAME, RESERVED, display_name, room_name


@pytest.mark.parametrize("text", ["a", "Stand-up_2.0", "x" * 64, "...", "wss", "0"])
def test_rooms(text: str) -> None:
    assert room_name(text) == text


@pytest.mark.parametrize(
    "text", ["", " ", "a b", "a/b", "ä", "x" * 65, "a\n", "\x00", "a%2Fb", "\u0661", *RESERVED, "WS", "Metrics"]
)
def test_no_rooms(text: str) -> None:
    with pytest.raises(RemoteError):
        room_name(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ana", "Ana"),
        ("  Ana \t\n Lúcia  ", "Ana Lúcia"),
        ("Ana\x00\x1b[31m", "Ana[31m"),
        ("\u202eanA", "anA"),
        ("👩‍👧 family", "👩‍👧 family"),
        ("A\u0301", "Á"),
        ("x" * 100, "x" * MAX_NAME),
        ("\u2066\u200f", ""),
        ("   ", ""),
    ],
)
def test_names_are_cleaned(text: str, name: str) -> None:
    assert display_name(text) == name


@given(st.text(alphabet=st.characters(), max_size=300))
def test_a_cleaned_name_stays_as_it_is(text: str) -> None:
    name = display_name(text)
    assert len(name) <= MAX_NAME
    assert name == name.strip()
    assert "\n" not in name
    assert display_name(name) == name
    name.encode()
