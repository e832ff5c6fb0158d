"""Finds the STUN URLs of the settings that lead to this server's own media port, by address or by name.

Handed out for the connection to this server they would take UDP from it (see `signaling.ice_servers`), without a word to anybody.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Iterable

STUN_PORT, STUNS_PORT = 3478, 5349
"""RFC 7064, section 3.2"""
RESOLVE_S = 1.0
"""For a name, at the start of a server, which does not wait longer: most names lead elsewhere."""


async def own_urls(urls: Iterable[str], own: Collection[tuple[str, int]]) -> tuple[str, ...]:
    """Those of `urls` that lead to one of the addresses `own`. Names are asked for only where the port is one of ours."""
    known = {(ipaddress.ip_address(host), port) for host, port in own}
    ports = {port for _, port in known}
    candidates = [(url, *_host_and_port(url)) for url in urls]
    suspects = [(url, host, port) for url, host, port in candidates if port in ports]
    found = await asyncio.gather(*(_addresses(host) for _, host, _ in suspects))
    return tuple(
        url
        for (url, _, port), addresses in zip(suspects, found, strict=True)
        if any((address, port) in known for address in addresses)
    )


def _host_and_port(url: str) -> tuple[str, int]:
    """Of a URL that `Settings` took."""
    scheme, _, rest = url.partition(":")
    host, colon, port = rest.rpartition(":")
    if not colon or rest.endswith("]"):
        host, port = rest, ""
    return host.strip("[]"), int(port) if port else STUNS_PORT if scheme == "stuns" else STUN_PORT


async def _addresses(host: str) -> set[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        return {ipaddress.ip_address(host)}
    except ValueError:
        pass
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, TimeoutError, UnicodeError):
        return set()  # clients may resolve it; we have nothing to say about it
    return {ipaddress.ip_address(address[0]) for *_, address in found}
