"""The host candidates of a media port: which addresses clients are told to reach it at. It opens no socket."""

import ipaddress
from collections.abc import Container, Sequence
from dataclasses import replace

import ifaddr

from sfu.protocol.ice import Candidate

HOST_TYPE_PREFERENCE = 126
"""RFC 8445, section 5.1.2.2"""
TCP_TYPE_PREFERENCE = 90
"""Below every kind of UDP candidate but relayed ones (RFC 6544, section 4.2); libwebrtc's own value."""
FIRST_PREFERENCE = 4_096
RESTART_PREFERENCE = 256
LAST_PREFERENCE = 28_672
"""Local preference (RFC 8445, section 5.1.2.1) of the first address, what each ICE restart adds, and where that ends. libwebrtc
stays with a dead path for 3.5 s unless a live one has the higher priority, so that the paths of a newer restart must. A pair's
priority is the lower one of its candidates before all (section 6.1.2.3): ours therefore stays below what clients use, over TCP as
well (whose upper bits RFC 6544, section 4.2, gives to the direction, to sort those of one agent: all of ours are passive)."""


def host_candidates(bound: tuple[str, int], advertise: Sequence[str], *, tcp: bool = False) -> tuple[Candidate, ...]:
    """One candidate an address, in falling priority: `advertise`, else the bound address, else those of the interfaces.

    With `tcp`, those are followed by the same ones over TCP.
    """
    host, port = bound
    if advertise:
        hosts = list(advertise)
    elif ipaddress.ip_address(host).is_unspecified:
        hosts = interface_addresses((4, 6) if ":" in host else (4,))
    else:
        hosts = [host]
    over_udp = (
        Candidate((host, port), _priority(HOST_TYPE_PREFERENCE, index), str(index + 1))
        for index, host in enumerate(hosts)
    )
    over_tcp = (
        Candidate((host, port), _priority(TCP_TYPE_PREFERENCE, index), str(len(hosts) + index + 1), tcp=True)
        for index, host in enumerate(hosts if tcp else ())
    )
    return (*over_udp, *over_tcp)


def _priority(type_preference: int, index: int) -> int:
    return type_preference << 24 | (FIRST_PREFERENCE - index) << 8 | 255


def raised(candidates: Sequence[Candidate], restarts: int) -> tuple[Candidate, ...]:
    """The same, as the answer to the so-manieth ICE restart has them: they win over those before, and UDP over TCP as ever."""
    more = min(RESTART_PREFERENCE * restarts, LAST_PREFERENCE - FIRST_PREFERENCE) << 8
    return tuple(replace(one, priority=one.priority + more) for one in candidates)


def interface_addresses(versions: Container[int]) -> list[str]:
    """Addresses of this machine's interfaces, of these IP versions; loopback only where there is nothing else."""
    found = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            address = ipaddress.ip_address(text)
            if address.version in versions and not address.is_link_local:
                found.append(address)
    outside = [address for address in found if not address.is_loopback]
    return [str(address) for address in outside or found]
