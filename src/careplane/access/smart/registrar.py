"""What an operator does with clients: register, look, disable, enable, remove, give new keys; and
with a single token: end it.

A client that is disabled or removed has no good token any more, within seconds on every process.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from careplane.access.smart import jwks, registration
from careplane.access.smart.client import Client
from careplane.access.smart.registry import Clients
from careplane.access.smart.secrets import Secrets, kept
from careplane.access.smart.standing import Standing
from careplane.access.smart.tokens import Token, Tokens
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect

Check = Callable[[str], None]
"""Raises Incorrect for an address that no key set may stand at."""


class Registrar:
    """Raises NotFound for a client that is not there."""

    def __init__(
        self,
        clients: Clients,
        tokens: Tokens,
        standing: Standing,
        secrets: Secrets,
        check: Check,
        clock: Clock,
    ) -> None:
        self.clients = clients
        self._tokens = tokens
        self._standing = standing
        self._secrets = secrets
        self._check = check
        self._clock = clock

    async def add(self, client: Client) -> tuple[Client, str]:
        """Register a client; it, and its secret where it has one, which nobody sees again."""
        made, secret = self._keyed(replace(client, created=self._clock()))
        await self.clients.add(made)
        return made, secret

    def check(self, client: Client) -> None:
        """Raises Incorrect where `add` would."""
        registration.check(client)
        if client.method == "private_key_jwt":
            self._keyed(client)

    async def rotate(self, id: str, keys: bytes = b"", uri: str = "") -> tuple[Client, str]:
        """A new secret, or other keys, from this moment on; tokens stay as they are."""
        now = await self.clients.get(id)
        if now.public:
            raise Incorrect("A public client has neither a secret nor keys.")
        if now.method == "private_key_jwt" and not keys and not uri:
            raise Incorrect(
                "This client has keys, no secret; name its new ones: --jwks, --jwks-uri."
            )
        if now.method == "client_secret" and (keys or uri):
            raise Incorrect("This client has a secret, no keys; register another one for keys.")
        then, secret = self._keyed(replace(now, jwks=keys, jwks_uri=uri))
        return await self.clients.change(
            id,
            lambda one: replace(one, secret=then.secret, jwks=then.jwks, jwks_uri=then.jwks_uri),
        ), secret

    async def disable(self, id: str) -> Client:
        """No token any more, neither old nor new."""
        client = await self.clients.change(id, lambda one: replace(one, disabled=True))
        await self._standing.revoke_all(id)
        return client

    async def enable(self, id: str) -> Client:
        """New tokens again; the old ones stay what they are, revoked."""
        return await self.clients.change(id, lambda one: replace(one, disabled=False))

    async def remove(self, id: str) -> None:
        """As if it had never been, but for the audit trail."""
        await self.disable(id)
        await self.clients.remove(id)

    async def revoke(self, raw: str) -> Token:
        """End one token, whoever holds it; what it said. Raises Unauthenticated where it is not
        good anyway."""
        await self._standing.look()
        token = self._tokens.read(raw)
        await self._standing.revoke(token)
        return token

    def _keyed(self, client: Client) -> tuple[Client, str]:
        """With keys that have been looked at, or with a new secret. Raises Incorrect."""
        if client.public:
            return client, ""
        if client.method == "client_secret":
            secret = self._secrets.make(client.id)
            return replace(client, secret=kept(secret)), secret
        if bool(client.jwks) == bool(client.jwks_uri):
            raise Incorrect("Give the client's public keys, or the address where they stand.")
        if client.jwks_uri:
            self._check(client.jwks_uri)
        else:
            jwks.read(client.jwks)
        return client, ""
