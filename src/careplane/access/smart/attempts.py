"""How often an address may fail, before it is told to slow down.

Only those who have failed are counted, and only after they have: who proves who he is gets in,
whatever others at his address or with his client's id have done. What is saved is the audit trail,
which failures without end would fill.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from careplane.kernel.clock import Clock

_BURST = 20
_EACH_MICROSECONDS = 3_000_000
_REMEMBERED = 4096


class Attempts:
    """A bucket of failures for each address (each /64 of IPv6), which empties over time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, int] = {}

    def failed(self, address: str) -> int:
        """Count a failure; how many seconds too early it came, 0 if it is one of the first."""
        now = self._clock()
        place = _network(address)
        until = max(self._until.pop(place, now), now)
        late = until + _EACH_MICROSECONDS - now - _BURST * _EACH_MICROSECONDS
        if late <= 0:
            until += _EACH_MICROSECONDS
        if len(self._until) >= _REMEMBERED:
            del self._until[next(iter(self._until))]
        self._until[place] = until
        return -(-late // 1_000_000) if late > 0 else 0


def _network(text: str) -> str:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
