"""The host candidates of a media port: which addresses clients are told to reach it at. It opens no socket."""

import ipaddress
from collections.abc import Container, Sequence

import ifaddr

from sfu.dataplane.types import Address
from sfu.protocol.ice import Candidate

HOST_TYPE_PREFERENCE = 126
"""RFC 8445, section 5.1.2.2"""


def host_candidates(bound: Address, advertise: Sequence[str]) -> tuple[Candidate, ...]:
    """One candidate an address, in falling priority: `advertise`, else the bound address, else those of the interfaces."""
    host, port = bound
    if advertise:
        hosts = list(advertise)
    elif ipaddress.ip_address(host).is_unspecified:
        hosts = interface_addresses((4, 6) if ":" in host else (4,))
    else:
        hosts = [host]
    return tuple(
        Candidate((host, port), HOST_TYPE_PREFERENCE << 24 | (65_535 - index) << 8 | 255, str(index + 1))
        for index, host in enumerate(hosts)
    )


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
