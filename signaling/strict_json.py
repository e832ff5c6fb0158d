"""JSON from the network, without the liberties of `json.loads`.

Refused: duplicate keys (two readers may take different ones), NaN and infinities, numbers of absurd length, lone
surrogates (they cannot be sent on as UTF-8) and deep nesting. The size is the caller's limit.
"""

import json
import math
from typing import Any

from sfu.errors import ProtocolError
from sfu.json_nesting import MAX_DEPTH, is_nested_deeper

MAX_DIGITS = 32
"""Characters of one number; 64-bit integers have 20."""

type_names = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
}


def loads_object(text: str) -> dict[str, Any]:
    """One JSON object. `ProtocolError` says what is wrong with it."""
    if is_nested_deeper(text):
        raise ProtocolError(f"nested deeper than {MAX_DEPTH} levels")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_float,
        )
    except json.JSONDecodeError as error:
        raise ProtocolError(f"not JSON: {error.msg} at character {error.pos}") from None
    if not isinstance(value, dict):
        raise ProtocolError(f"an object is wanted, not {type_names.get(type(value), 'null')}")
    _check(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ProtocolError(f"key {key[:32]!a} occurs twice")
            seen.add(key)
    return result


def _refuse_constant(name: str) -> Any:
    raise ProtocolError(f"{name} is not JSON")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ProtocolError(f"a number of {len(digits)} characters")
    return int(digits)


def _float(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        raise ProtocolError(f"a number of {len(digits)} characters")
    value = float(digits)
    if not math.isfinite(value):
        raise ProtocolError(f"the number {digits} is out of range")
    return value


def _check(value: dict[str, Any]) -> None:
    left: list[Any] = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            left.extend(item.keys())
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
        elif isinstance(item, str) and not _encodable(item):
            raise ProtocolError("a string holds half of a surrogate pair")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
