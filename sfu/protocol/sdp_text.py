"""The lexical rules of SDP: tokens and numbers, checked in linear time, without regular expressions.

`Malformed` is internal to the parser, which adds the line and raises `SdpError`.
"""

import string

TOKEN = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`{|}~")
"""token-char of RFC 8866, section 9"""
ICE_CHARS = frozenset(string.ascii_letters + string.digits + "+/")
"""ice-char of RFC 8839, section 5.1"""
RID_CHARS = frozenset(string.ascii_letters + string.digits + "-_")
"""RFC 8851, section 10"""
ADDRESS_CHARS = frozenset(string.ascii_letters + string.digits + ".:-_%")
HEX_DIGITS = frozenset(string.hexdigits)

MAX_UINT32 = 0xFFFF_FFFF
MAX_UINT64 = 0xFFFF_FFFF_FFFF_FFFF

MAX_TAG_LENGTH = 16
"""MIDs and RIDs travel in one-byte header extensions, which hold 16 bytes (RFC 8285, section 4.2)."""

_SHOWN = 40


class Malformed(Exception):  # noqa: N818 - a control signal between two modules of this package, not an error that others see
    """A value breaks its grammar; the text says what is wrong."""


def shown(value: str) -> str:
    """`value` as it may appear in an error message: quoted, printable, short."""
    return ascii(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")


def number(value: str, what: str, maximum: int, *, minimum: int = 0) -> int:
    """Decimal digits only: no sign, no blank, no other script's digits."""
    if not (value.isascii() and value.isdigit()) or len(value) > 20:
        raise Malformed(f"{what} is not a number: {shown(value)}")
    result = int(value)
    if not minimum <= result <= maximum:
        raise Malformed(f"{what} is {result}, not {minimum} to {maximum}")
    return result


def chars(value: str, what: str, allowed: frozenset[str], *, longest: int, shortest: int = 1) -> str:
    """`value` itself, if it is `shortest` to `longest` characters of `allowed`."""
    if not shortest <= len(value) <= longest:
        raise Malformed(f"{what} has {len(value)} characters, not {shortest} to {longest}")
    if not allowed.issuperset(value):
        raise Malformed(f"{what} has a character that is not allowed: {shown(value)}")
    return value


def token(value: str, what: str, *, longest: int = 256) -> str:
    return chars(value, what, TOKEN, longest=longest)


def words(value: str, what: str, *, least: int) -> list[str]:
    """The blank-separated words of `value`, at least `least` of them."""
    result = value.split()
    if len(result) < least:
        raise Malformed(f"{what} is incomplete: {shown(value)}")
    return result
