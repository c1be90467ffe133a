"""How often somebody may fail, so that nobody can lock another one out.

What is counted is kept apart: an address, an address with an account, and, for a browser in which
the account signed in before (OWASP, "Device Cookies"), that browser alone, whatever others do. A
try is counted when it begins and given back when it succeeds, so that many at once count as many.
"""

from __future__ import annotations

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from careplane.access.people.refusal import SlowDown
from careplane.access.people.user import folded
from careplane.kernel.clock import Clock
from careplane.storage.ports.records import Tenant

_REMEMBERED = 65_536
_DEVICE, _TAG, _MOST = 12, 12, 10


class Rate(NamedTuple):
    """So many at once, and one more each `seconds`."""

    burst: int
    seconds: int


ADDRESS, PAIR, DEVICE, CODE = Rate(60, 2), Rate(6, 30), Rate(6, 30), Rate(10, 300)
Key = tuple[str, Rate]


class Throttle:
    """Buckets that empty over time; of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, int] = {}

    def begin(self, keys: Sequence[Key]) -> None:
        """Count a try. Raises SlowDown, and counts nothing, where one of the buckets is full."""
        now = self._clock()
        late = max(self._late(name, rate, now) for name, rate in keys)
        if late > 0:
            raise SlowDown(-(-late // 1_000_000))
        for name, rate in keys:
            until = max(self._until.pop(name, now), now) + rate.seconds * 1_000_000
            if len(self._until) >= _REMEMBERED:
                del self._until[next(iter(self._until))]
            self._until[name] = until

    def succeeded(self, keys: Sequence[Key]) -> None:
        """Give a try back."""
        for name, rate in keys:
            if name in self._until:
                self._until[name] -= rate.seconds * 1_000_000

    def _late(self, name: str, rate: Rate, now: int) -> int:
        until = max(self._until.get(name, now), now)
        return until - now - (rate.burst - 1) * rate.seconds * 1_000_000


class Devices:
    """The cookie of a browser: a random id, and a tag for each login that succeeded in it, at most
    the last ten. `key` is 32 secret bytes. It proves nothing but that."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def known(self, cookie: str, tenant: Tenant, login: str) -> str:
        """The id of the browser, if this login succeeded in it; else empty."""
        id, tags = _read(cookie)
        tag = self._tag(id, tenant, login)
        return id.hex() if id and any(hmac.compare_digest(tag, one) for one in tags) else ""

    def remember(self, cookie: str, tenant: Tenant, login: str) -> str:
        """The cookie once the login has succeeded. Tags that are not ours are not kept."""
        id, tags = _read(cookie)
        id = id or os.urandom(_DEVICE)
        tag = self._tag(id, tenant, login)
        kept = [one for one in tags if one != tag][: _MOST - 1]
        return urlsafe_b64encode(b"".join((id, tag, *kept))).decode()

    def _tag(self, id: bytes, tenant: Tenant, login: str) -> bytes:
        said = b"\0".join((id, str(int(tenant)).encode(), folded(login).encode()))
        return hmac.digest(self._key, said, sha256)[:_TAG]


def keys(address: str, tenant: Tenant, login: str, device: str) -> tuple[Key, ...]:
    """What a try counts against."""
    if device:
        return ((f"device {device}", DEVICE),)
    place = network(address)
    account = sha256(f"{int(tenant)} {folded(login)}".encode("utf-8", "surrogatepass")).hexdigest()
    return ((f"pair {place} {account}", PAIR), (f"address {place}", ADDRESS))


def noise(address: str) -> tuple[Key, ...]:
    """What failures count against that are no guesses, so that they do not fill the audit trail."""
    return ((f"noise {network(address)}", ADDRESS),)


def network(text: str) -> str:
    """The address, or the /64 of IPv6, which is one customer's."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


def _read(cookie: str) -> tuple[bytes, list[bytes]]:
    """Id and tags; nothing of a cookie that is none."""
    try:
        raw = urlsafe_b64decode(cookie[:1024])
    except ValueError:
        return b"", []
    if len(raw) < _DEVICE or (len(raw) - _DEVICE) % _TAG or len(raw) > _DEVICE + _MOST * _TAG:
        return b"", []
    return raw[:_DEVICE], [raw[at : at + _TAG] for at in range(_DEVICE, len(raw), _TAG)]
