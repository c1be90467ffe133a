"""The authorization server with the settings of an installation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from careplane.access.smart.attempts import Attempts
from careplane.access.smart.authenticate import Authenticator
from careplane.access.smart.jwks import KeySets
from careplane.access.smart.registrar import Registrar
from careplane.access.smart.registry import Clients, Used
from careplane.access.smart.secrets import Secrets
from careplane.access.smart.server import AuthorizationServer
from careplane.access.smart.standing import Standing
from careplane.access.smart.tokens import IsHere, Tokens, anywhere
from careplane.app.fetching import Fetcher
from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.fhir.tree import Tree
from careplane.interop.bulk.pulling.guard import Guard
from careplane.kernel.clock import Clock
from careplane.records.door import Door
from careplane.rest.addressing import Addressing
from careplane.rest.oauth import discovery
from careplane.rest.oauth.addresses import addresses
from careplane.rest.oauth.application import OAuth
from careplane.storage.ports.state import StateStore

_SWEPT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Authorizing:
    """All of it: `registrar` for operators, `server` for clients, `standing` for whoever checks a
    token."""

    standing: Standing
    tokens: Tokens
    registrar: Registrar
    server: AuthorizationServer

    def endpoints(self, door: Door, addressing: Addressing, clock: Clock) -> OAuth:
        """The application at `PATHS` of `rest.oauth.application`."""
        return OAuth(self.server, Attempts(clock), door, addressing)

    async def sweep(self) -> None:
        """A service of the process that leads: forgets what has ended by itself."""
        while True:
            await self.server.sweep()
            await asyncio.sleep(_SWEPT_SECONDS)


def authorizing(
    settings: Settings,
    keys: Keys,
    state: StateStore,
    clock: Clock,
    is_here: IsHere = anywhere,
) -> Authorizing:
    """Over the state of an installation."""
    hosts = (one.strip() for one in settings.oauth_jwks_hosts.split(","))
    fetcher = Fetcher(Guard(frozenset(filter(None, hosts))))
    standing, clients, used = Standing(state, clock), Clients(state, is_here), Used(state, clock)
    tokens = Tokens(keys.derive("tokens"), clock, standing.is_revoked, is_here)
    secrets = Secrets(keys.derive("client-secrets"))
    authenticator = Authenticator(clients, used, KeySets(fetcher.fetch, clock), secrets, clock)
    server = AuthorizationServer(
        authenticator, clients, used, standing, tokens, settings.oauth_token_seconds
    )
    registrar = Registrar(clients, tokens, standing, secrets, fetcher.check, clock)
    return Authorizing(standing, tokens, registrar, server)


def security(addressing: Addressing) -> Callable[[str], Tree]:
    """What the CapabilityStatement says of it, by the FHIR base."""
    return lambda base: discovery.security(addresses(addressing, base))
