"""Which addresses are of the public internet: what a server may be asked to connect to by somebody
else's text (server-side request forgery, CWE-918)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_CARRIERS = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
"""IPv6 addresses that hold an IPv4 one, which may be of any network (RFC 6052, 3056, 4380)."""
_MACHINES = frozenset({ip_address("168.63.129.16")})
"""Services of a cloud for the machine itself, at addresses that look public."""


def is_public(text: str) -> bool:
    """Whether an address, however it is written, is neither loopback, private, link-local, unique
    local, multicast or reserved, nor one that wraps another. Raises ValueError for what is none."""
    return _is_public(ip_address(text.partition("%")[0]))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped)
        if address.is_site_local or any(address in carrier for carrier in _CARRIERS):
            return False
    return address.is_global and not address.is_multicast and address not in _MACHINES
