"""Which client sends a request to a token endpoint, and whether it has proven that.

RFC 6749, 2.3.1 (client_secret_basic, client_secret_post) and RFC 7523, 2.2 (private_key_jwt): one
of them, and the one that the client is registered with. A public client names itself, no more.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import unquote_plus

from careplane.access.smart import assertion, secrets
from careplane.access.smart.client import Client
from careplane.access.smart.jwks import KeySets
from careplane.access.smart.refusal import Refused, invalid_client
from careplane.access.smart.registry import Clients, Used
from careplane.access.smart.secrets import Secrets
from careplane.kernel.clock import Clock

Form = Mapping[str, str]
_REMEMBERED = 1024


class Authenticator:
    """Asks the registry, and remembers in this process which secret it has found good, as a digest
    under a key that nobody else has."""

    def __init__(
        self, clients: Clients, used: Used, keys: KeySets, secrets: Secrets, clock: Clock
    ) -> None:
        self._clients = clients
        self._used = used
        self._keys = keys
        self._secrets = secrets
        self._clock = clock
        self._proven: dict[str, bytes] = {}
        self._salt = os.urandom(32)
        self._slow = asyncio.Semaphore(2)

    async def client(self, form: Form, basic: str, audience: str) -> Client:
        """The client that a form and an Authorization header speak for. `audience` is the address
        that an assertion must name; where it is empty, none is taken. Raises Refused."""
        if "client_assertion" in form or "client_assertion_type" in form:
            if basic or "client_secret" in form:
                raise Refused("invalid_request", "Authenticate the client in one way, not in two.")
            return await self._by_assertion(form, audience)
        if basic and ("client_secret" in form):
            raise Refused("invalid_request", "Authenticate the client in one way, not in two.")
        id, secret = (
            _basic(basic) if basic else (form.get("client_id", ""), form.get("client_secret", ""))
        )
        if form.get("client_id", id) != id:
            raise Refused("invalid_request", "client_id is not the client that is authenticated.")
        if not basic and not secret:
            return await self._public(id)
        return await self._by_secret(id, secret)

    async def _public(self, id: str) -> Client:
        """A client that says who it is and proves nothing (RFC 6749, 2.1)."""
        client = await self._clients.find(id)
        if client is None or client.disabled or not client.public:
            raise invalid_client()
        return client

    async def _by_secret(self, id: str, secret: str) -> Client:
        if not self._secrets.is_issued(id, secret):
            raise invalid_client()
        client = await self._clients.find(id)
        if client is None or client.disabled or client.method != "client_secret":
            raise invalid_client()
        digest = hmac.digest(self._salt, client.secret + secret.encode(), sha256)
        if not hmac.compare_digest(self._proven.get(id, b""), digest):
            async with self._slow:
                if not await asyncio.to_thread(secrets.matches, secret, client.secret):
                    raise invalid_client()
            if len(self._proven) >= _REMEMBERED:
                self._proven.clear()
            self._proven[id] = digest
        return client

    async def _by_assertion(self, form: Form, audience: str) -> Client:
        if form.get("client_assertion_type") != assertion.TYPE:
            raise Refused("invalid_request", f"client_assertion_type is {assertion.TYPE}.")
        if not audience:
            raise Refused(
                "invalid_client",
                "Assertions are not taken, since this server has not been told its own address; "
                "its operator sets CAREPLANE_BASE_URL.",
            )
        found = assertion.opened(form.get("client_assertion", ""))
        if form.get("client_id", found.client) != found.client:
            raise Refused("invalid_request", "client_id is not the client that is authenticated.")
        client = await self._clients.find(found.client)
        if client is None or client.disabled or client.method != "private_key_jwt":
            raise invalid_client()
        if found.jku and found.jku != client.jwks_uri:
            raise invalid_client()
        key = await self._keys.key(client, found.kid, found.algorithm)
        proven = assertion.checked(found, key, audience, self._clock() // 1_000_000)
        if not await self._used.use(client.id, proven.jti, proven.expires):
            raise Refused("invalid_client", "The assertion has been used; each is used once.")
        return client


def _basic(header: str) -> tuple[str, str]:
    """Id and secret, each form-encoded within (RFC 6749, 2.3.1)."""
    scheme, _, text = header.partition(" ")
    try:
        pair = b64decode(text.strip(), validate=True).decode()
    except ValueError:
        raise invalid_client() from None
    id, colon, secret = pair.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise invalid_client()
    return unquote_plus(id), unquote_plus(secret)
