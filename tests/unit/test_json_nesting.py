"""Deep nesting is refused before any parser recurses: nothing that runs meanwhile is short of stack."""

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.chat import parse_draft, reference
from sfu.errors import ProtocolError
from sfu.json_nesting import is_nested_deeper
from signaling.client_messages import parse
from signaling.strict_json import loads_object

DEEP = [
    '{"type":"leave","x":' + opening * 5_000 + "1" + closing * 5_000 + "}"
    for opening, closing in (("[", "]"), ('{"x":', "}"), ('[{"x":', "}]"), ('["[",', "]"))
]


def depth_of(value: object) -> int:
    """An oracle, by another way."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if below is None else 1 + max(map(depth_of, below), default=0)


values = st.recursive(
    st.none() | st.text("[]{}\\\"'a", max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}\\"', max_size=4), inner, max_size=3),
)


@given(values, st.integers(0, 5))
def test_it_counts_the_levels_that_are_there(value: object, levels: int) -> None:
    assert is_nested_deeper(json.dumps(value), levels) == (depth_of(value) > levels)


@given(st.text('[]{}",\\:1'))
def test_it_is_never_fooled_about_what_a_parser_accepts(text: str) -> None:
    try:
        value = json.loads(text)
    except ValueError:
        return
    assert is_nested_deeper(text, 1) == (depth_of(value) > 1)


@contextmanager
def collecting(faults: list[Any]) -> Iterator[None]:
    """The garbage collector runs all the time, and what it calls needs some stack."""

    def spend(frames: int) -> int:
        return spend(frames - 1) + 1 if frames else 0

    def called(_phase: str, _info: dict[str, int]) -> None:
        spend(30)

    thresholds, hook = gc.get_threshold(), sys.unraisablehook
    gc.callbacks.append(called)
    gc.set_threshold(1)
    sys.unraisablehook = faults.append
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(called)
        sys.unraisablehook = hook


@pytest.mark.parametrize("read", [parse, loads_object, parse_draft, reference])
@pytest.mark.parametrize("text", DEEP)
def test_what_the_garbage_collector_calls_meanwhile_has_its_stack(read: Callable[[str], object], text: str) -> None:
    short = text if read in (parse, loads_object) else text[:15_000]
    faults: list[Any] = []
    with collecting(faults):
        try:
            assert read(short) is None
        except ProtocolError as error:
            refused = error.message
        else:
            refused = "levels"
    assert not faults
    assert "levels" in refused


def test_texts_made_to_be_slow_are_read_in_no_time() -> None:
    hostile = ['"' + '\\"' * 250_000, "[]" * 250_000, '"' * 500_001, "\\" * 500_000, '[{"":"\\"}' * 50_000]
    started_s = time.process_time()
    for text in hostile:
        is_nested_deeper("[" * 3 + text, 100_000)
    assert time.process_time() - started_s < 3.0
