"""STUN messages as bytes: a strict, bounded parser and a builder (RFC 8489), with the attributes of ICE (RFC 8445).

Owns the wire format only. It knows no sockets, no clock, no sessions and no passwords beyond the key it is handed. What
a parser could misread is refused: a length that is not exact, padding that runs over, a FINGERPRINT wrong or not last.
"""

import binascii
import hmac
import ipaddress
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from sfu.errors import ProtocolError

Address = tuple[str, int] | tuple[str, int, int]

MAGIC_COOKIE = 0x2112A442
HEADER_BYTES = 20
BINDING = 0x001
MAX_MESSAGE_BYTES = 1_500
"""A path MTU of Ethernet; connectivity checks are about 100 bytes long."""
MAX_ATTRIBUTES = 32
"""A browser sends 7 to 10 in a check."""
MAX_USERNAME_BYTES = 513
"""RFC 5389, section 15.3; RFC 8489 asks for fewer than 509."""

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_FINGERPRINT_XOR = 0x5354554E
_INTEGRITY_BYTES = 20


class Kind(IntEnum):
    """Class bits of the message type (RFC 8489, section 5)."""

    REQUEST = 0x000
    INDICATION = 0x010
    SUCCESS = 0x100
    ERROR = 0x110


class Attribute(IntEnum):
    """Attribute types that are understood. Below 0x8000 they are comprehension-required."""

    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    MESSAGE_INTEGRITY_SHA256 = 0x001C
    XOR_MAPPED_ADDRESS = 0x0020
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A


class StunError(ProtocolError):
    """Bytes that are no STUN message; `reason` is a fixed word for a counter's label."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"malformed STUN message: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class StunMessage:
    """A parsed message. Of an attribute that occurs twice the first counts (RFC 8489, section 14)."""

    kind: Kind
    method: int
    transaction_id: bytes
    """12 bytes"""
    username: str | None = None
    priority: int | None = None
    use_candidate: bool = False
    controlling: int | None = None
    """Tie-breaker of ICE-CONTROLLING."""
    controlled: int | None = None
    """Tie-breaker of ICE-CONTROLLED."""
    mapped: Address | None = None
    """XOR-MAPPED-ADDRESS"""
    error_code: int | None = None
    unknown_required: tuple[int, ...] = ()
    """Types of comprehension-required attributes that are not understood."""
    has_fingerprint: bool = False
    integrity: bytes | None = None
    """The 20 bytes of MESSAGE-INTEGRITY."""
    signed: bytes = b""
    """What MESSAGE-INTEGRITY covers, its length field already adjusted (RFC 8489, section 14.5)."""

    def authenticates(self, key: bytes) -> bool:
        """Whether MESSAGE-INTEGRITY is there and was made with this short-term password."""
        return self.integrity is not None and hmac.compare_digest(self.integrity, hmac.digest(key, self.signed, "sha1"))


def parse(data: bytes) -> StunMessage:
    """The message in exactly these bytes. `StunError` when they are not one."""
    size = len(data)
    if size < HEADER_BYTES:
        raise StunError("short")
    if size > MAX_MESSAGE_BYTES:
        raise StunError("long")
    message_type, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if message_type & 0xC000 or cookie != MAGIC_COOKIE:
        raise StunError("not_stun")
    if length % 4 or length + HEADER_BYTES != size:
        raise StunError("length")
    fields: dict[str, object] = {}
    unknown: list[int] = []
    signed = b""
    position, count = HEADER_BYTES, 0
    while position < size:
        count += 1
        if count > MAX_ATTRIBUTES:
            raise StunError("attributes")
        attribute, value_length = _ATTRIBUTE.unpack_from(data, position)
        start = position + 4
        following = start + (value_length + 3 & ~3)
        if following > size:
            raise StunError("attribute_length")
        value = data[start : start + value_length]
        if attribute == Attribute.FINGERPRINT:
            if following != size or value_length != 4 or value != _fingerprint(data[:position]):
                raise StunError("fingerprint")
            fields["has_fingerprint"] = True
        elif not signed:  # what follows MESSAGE-INTEGRITY is not authenticated and so ignored
            if attribute == Attribute.MESSAGE_INTEGRITY:
                if value_length != _INTEGRITY_BYTES:
                    raise StunError("integrity_length")
                signed = data[:2] + struct.pack("!H", following - HEADER_BYTES) + data[4:position]
                fields["integrity"] = value
            elif attribute in _READERS:
                name, reader = _READERS[attribute]
                if name not in fields:
                    fields[name] = reader(value, transaction_id)
            elif attribute < 0x8000 and attribute not in _IGNORED and attribute not in unknown:
                unknown.append(attribute)
        position = following
    return StunMessage(
        kind=Kind(message_type & 0x0110),
        method=message_type & 0x000F | (message_type & 0x00E0) >> 1 | (message_type & 0x3E00) >> 2,
        transaction_id=transaction_id,
        unknown_required=tuple(unknown),
        signed=signed,
        **fields,  # type: ignore[arg-type]  # each reader's result has the type of the field it is named for
    )


def build(
    kind: Kind,
    transaction_id: bytes,
    attributes: Iterable[tuple[int, bytes]] = (),
    *,
    key: bytes | None = None,
    fingerprint: bool = True,
) -> bytes:
    """A Binding message with these attributes, then MESSAGE-INTEGRITY if there is a key, then FINGERPRINT."""
    body = b"".join(
        _ATTRIBUTE.pack(attribute, len(value)) + value + bytes(-len(value) % 4) for attribute, value in attributes
    )
    message_type = kind | BINDING

    def head(extra: int) -> bytes:
        return _HEADER.pack(message_type, len(body) + extra, MAGIC_COOKIE, transaction_id)

    if key is not None:
        digest = hmac.digest(key, head(4 + _INTEGRITY_BYTES) + body, "sha1")
        body += _ATTRIBUTE.pack(Attribute.MESSAGE_INTEGRITY, _INTEGRITY_BYTES) + digest
    if fingerprint:
        body += _ATTRIBUTE.pack(Attribute.FINGERPRINT, 4) + _fingerprint(head(8) + body)
    return head(0) + body


def success(request: StunMessage, source: Address, *, key: bytes | None = None) -> bytes:
    """The answer to a Binding request from `source`; FINGERPRINT only if the request had one."""
    mapped = (Attribute.XOR_MAPPED_ADDRESS, xor_address(source, request.transaction_id))
    return build(Kind.SUCCESS, request.transaction_id, (mapped,), key=key, fingerprint=request.has_fingerprint)


def error(request: StunMessage, code: int, *, key: bytes | None = None) -> bytes:
    """The error answer to a request; 420 lists the attributes that were not understood."""
    attributes = [(Attribute.ERROR_CODE, struct.pack("!HBB", 0, code // 100, code % 100) + REASONS[code])]
    if code == UNKNOWN_ATTRIBUTE:
        listed = struct.pack(f"!{len(request.unknown_required)}H", *request.unknown_required)
        attributes.append((Attribute.UNKNOWN_ATTRIBUTES, listed))
    return build(Kind.ERROR, request.transaction_id, attributes, key=key, fingerprint=request.has_fingerprint)


BAD_REQUEST = 400
UNAUTHENTICATED = 401
UNKNOWN_ATTRIBUTE = 420
ROLE_CONFLICT = 487
REASONS = {
    BAD_REQUEST: b"Bad Request",
    UNAUTHENTICATED: b"Unauthenticated",
    UNKNOWN_ATTRIBUTE: b"Unknown Attribute",
    ROLE_CONFLICT: b"Role Conflict",
}


def xor_address(address: Address, transaction_id: bytes) -> bytes:
    """Value of XOR-MAPPED-ADDRESS; an IPv4 address mapped into IPv6 is written as the IPv4 one that it is."""
    host, port = address[:2]
    if ":" in host:
        ip = ipaddress.IPv6Address(host.partition("%")[0])
        packed = ip.ipv4_mapped.packed if ip.ipv4_mapped else ip.packed
    else:
        packed = socket.inet_aton(host)
    family = 1 if len(packed) == 4 else 2
    return struct.pack("!HH", family, port ^ MAGIC_COOKIE >> 16) + _xor(packed, transaction_id)


def _fingerprint(data: bytes) -> bytes:
    return struct.pack("!I", binascii.crc32(data) ^ _FINGERPRINT_XOR)


def _xor(packed: bytes, transaction_id: bytes) -> bytes:
    pad = struct.pack("!I", MAGIC_COOKIE) + transaction_id
    size = len(packed)
    return (int.from_bytes(packed, "big") ^ int.from_bytes(pad[:size], "big")).to_bytes(size, "big")


def _read_username(value: bytes, _: bytes) -> str:
    if len(value) > MAX_USERNAME_BYTES:
        raise StunError("username")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise StunError("username") from None


def _read_u32(value: bytes, _: bytes) -> int:
    if len(value) != 4:
        raise StunError("priority")
    return int.from_bytes(value, "big")


def _read_u64(value: bytes, _: bytes) -> int:
    if len(value) != 8:
        raise StunError("tie_breaker")
    return int.from_bytes(value, "big")


def _read_flag(value: bytes, _: bytes) -> bool:
    if value:
        raise StunError("use_candidate")
    return True


def _read_error(value: bytes, _: bytes) -> int:
    if len(value) < 4 or not 3 <= value[2] & 7 <= 6 or value[3] > 99:
        raise StunError("error_code")
    return (value[2] & 7) * 100 + value[3]


def _read_address(value: bytes, transaction_id: bytes) -> Address:
    if len(value) not in (8, 20) or value[1] != (1 if len(value) == 8 else 2):
        raise StunError("address")
    port = int.from_bytes(value[2:4], "big") ^ MAGIC_COOKIE >> 16
    family = socket.AF_INET if len(value) == 8 else socket.AF_INET6
    return socket.inet_ntop(family, _xor(value[4:], transaction_id)), port


_READERS = {
    int(Attribute.USERNAME): ("username", _read_username),
    int(Attribute.PRIORITY): ("priority", _read_u32),
    int(Attribute.USE_CANDIDATE): ("use_candidate", _read_flag),
    int(Attribute.ICE_CONTROLLING): ("controlling", _read_u64),
    int(Attribute.ICE_CONTROLLED): ("controlled", _read_u64),
    int(Attribute.XOR_MAPPED_ADDRESS): ("mapped", _read_address),
    int(Attribute.ERROR_CODE): ("error_code", _read_error),
}
_IGNORED = frozenset({int(Attribute.UNKNOWN_ATTRIBUTES), int(Attribute.MESSAGE_INTEGRITY_SHA256)})
