"""Which hosts may be asked: public addresses over HTTPS, and hosts that the operator has named.

A name is resolved once, every address that it has is looked at, and the connection is made to one
of these and no other: a name cannot lead elsewhere in between (server-side request forgery).
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from careplane.kernel.errors import Busy, Forbidden, Incorrect
from careplane.kernel.networks import is_public

if TYPE_CHECKING:
    import httpx

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host."""
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,255}")


class Target(Struct, frozen=True):
    """Where to connect: to `address`, as `host`."""

    url: httpx.URL
    host: str
    address: str

    @property
    def pinned(self) -> httpx.URL:
        """The URL with the address in place of the name."""
        return self.url.copy_with(host=self.address)


async def resolve(host: str, port: int) -> Sequence[str]:
    """By the system's resolver."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Busy(f"The host {host[:255]} cannot be found now.") from error
    return [str(one[4][0]) for one in found]


class Guard:
    """Decides. `allowed` are hosts that may be private and may speak plain HTTP."""

    def __init__(self, allowed: frozenset[str], resolve: Resolve = resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve

    def check(self, url: str) -> httpx.URL:
        """What can be told without asking anybody. Raises Incorrect or Forbidden."""
        import httpx

        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError, TypeError):
            raise Incorrect("An address to import from is not a URL.") from None
        if parsed.scheme not in ("http", "https"):
            raise Incorrect("An address to import from begins with https://.")
        if not _HOST.fullmatch(parsed.host) or not 0 < (parsed.port or 443) < 65536:
            raise Incorrect("An address to import from has a host, and a port below 65536 if any.")
        if parsed.userinfo:
            raise Incorrect("An address to import from may not hold a name or password.")
        if parsed.scheme == "http" and parsed.host not in self._allowed:
            raise Forbidden("Only https:// is taken, but for hosts that the operator has allowed.")
        return parsed

    async def target(self, url: str) -> Target:
        """Where to connect for a URL. Raises Incorrect, Forbidden, or Busy for an unknown host."""
        parsed = self.check(url)
        port = parsed.port or (443 if parsed.scheme == "https" else 80)
        addresses = await self._resolve(parsed.host, port)
        if not addresses:
            raise Busy("The host of an address to import from cannot be found now.")
        if parsed.host not in self._allowed and not all(map(is_public, addresses)):
            raise Forbidden(
                "This host is not on the public network; the operator may allow it "
                "(`bulk_import_hosts`)."
            )
        return Target(parsed, parsed.host, addresses[0])
