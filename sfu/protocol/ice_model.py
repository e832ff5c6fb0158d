"""The values of ICE: credentials, candidates, and what an agent reports. Nothing here acts (RFC 8445)."""

import secrets
import string
from dataclasses import dataclass

from sfu.ids import Ufrag

from .stun import Address

_ICE_CHARS = string.ascii_letters + string.digits
UFRAG_CHARACTERS = 8
PASSWORD_CHARACTERS = 24
"""RFC 8445, section 5.3, asks for 24 bits in a ufrag and 128 in a password: here 47 and 142."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Our user fragment and password, as the answer carries them."""

    ufrag: Ufrag
    password: str


def random_credentials() -> Credentials:
    """Fresh ones from the system's random source."""
    return Credentials(Ufrag(_random(UFRAG_CHARACTERS)), _random(PASSWORD_CHARACTERS))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A host candidate: over UDP, or over TCP for clients to connect to (RFC 6544, `tcptype passive`)."""

    address: tuple[str, int]
    priority: int
    """RFC 8445, section 5.1.2.1"""
    foundation: str
    component: int = 1
    tcp: bool = False


@dataclass(frozen=True, slots=True)
class AddressValidated:
    """Datagrams from here belong to this client."""

    address: Address


@dataclass(frozen=True, slots=True)
class AddressSelected:
    """Send here from now on."""

    address: Address


@dataclass(frozen=True, slots=True)
class AddressDropped:
    """No longer this client's: its consent expired, or `MAX_ADDRESSES` newer ones came."""

    address: Address


@dataclass(frozen=True, slots=True)
class CredentialsRetired:
    """The client uses the new credentials after a restart; these are worthless now."""

    ufrag: Ufrag


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing was heard for `silence_s`, though consent lasts still."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Heard again after `Silent`."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Consent is gone. Nothing may be sent any more, and no later check is answered."""


IceEvent = AddressValidated | AddressSelected | AddressDropped | CredentialsRetired | Silent | Resumed | Expired


def _random(characters: int) -> str:
    return "".join(secrets.choice(_ICE_CHARS) for _ in range(characters))
