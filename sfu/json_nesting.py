"""How deep JSON is nested, found out before a parser recurses into it.

`json.loads` answers deep nesting with `RecursionError`, which can be caught; but whatever else runs at that depth cannot: a
finalizer or a callback that the garbage collector starts there fails for want of stack, and nobody is told. Pure.
"""

import re

MAX_DEPTH = 8
"""Levels of arrays and objects that anybody may send; the deepest message has three."""

_MARK = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
"""A whole string, ended or not, or a bracket. It never goes back: the time grows with the text's length and no faster."""


def is_nested_deeper(text: str, levels: int = MAX_DEPTH) -> bool:
    """Whether a parser would go down further than this. The text need not be JSON."""
    if text.count("[") + text.count("{") <= levels:
        return False
    depth = 0
    for found in _MARK.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            if depth > levels:
                return True
        elif mark in "]}":
            depth -= 1
    return False
