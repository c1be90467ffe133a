"""Where this server may send to: not into its own network, unless a setting says so.

A subscription's endpoint is text from a client. Its name is resolved here, each address looked at,
and the connection made to that very address, so that a name that resolves differently a moment
later (DNS rebinding) leads nowhere else. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from careplane.interop.subscriptions.elements import wrong
from careplane.kernel.networks import is_public

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
_WHERE = "Subscription.channel.endpoint"


class Unreachable(Exception):
    """An endpoint that may not, or cannot, be reached; says why in words for the subscriber."""


async def resolved(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system knows them."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable("The name of the endpoint is not known.") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class Reach:
    """`inside` are names and addresses that are allowed although they are not public; `http` allows
    endpoints without encryption."""

    inside: frozenset[str] = frozenset()
    http: bool = False
    resolve: Resolve = resolved

    def check(self, url: str) -> None:
        """What can be told of an endpoint before it is used. Raises Invalid."""
        parts = urlsplit(url)
        if parts.scheme != "https" and not self.http:
            raise wrong("The endpoint must be an https address.", _WHERE)
        host = parts.hostname or ""
        if host in self.inside:
            return
        known_inside = host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
        if known_inside or _is_outside(host) is False:
            raise wrong("The endpoint lies in a network that is not public.", _WHERE)

    async def address(self, url: str) -> str:
        """The address to connect to. Raises Unreachable."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" and not self.http:
            raise Unreachable("The endpoint must be an https address.")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = await self.resolve(host, port)
        # All of them: a name with one good and one bad address is not to be trusted.
        if host not in self.inside and not all(map(_is_outside, found)):
            raise Unreachable("The endpoint lies in a network that is not public.")
        if not found:
            raise Unreachable("The name of the endpoint has no address.")
        return found[0]


def _is_outside(text: str) -> bool | None:
    """Whether an address is public; None for what is no address."""
    try:
        return is_public(text)
    except ValueError:
        return None
