"""Whose request this is: the address that limits count by. Behind reverse proxies that are trusted, the one that they saw."""

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

UNKNOWN = "unknown"
"""All whose address is no IP address count as one."""


def client_key(remote: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """`forwarded_for`: the values of X-Forwarded-For. From the right, the first address that is no trusted proxy's."""
    hops = [hop.strip() for value in forwarded_for for hop in value.split(",")]
    address = address_of(remote or "")
    while address is not None and hops and any(address in network for network in trusted):
        nearer = address_of(hops.pop())
        if nearer is None:
            break
        address = nearer
    return key_of(address)


def address_of(text: str) -> IpAddress | None:
    """An IPv4 address in IPv6 is that IPv4 address; `None`: it is no IP address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def key_of(address: IpAddress | None) -> str:
    """Who counts as one."""
    if address is None:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv6Address):
        # One customer has a whole /64 at the least.
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
