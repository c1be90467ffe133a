"""The authorization server with the settings of an installation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from careplane.access.here import IsHere, anywhere
from careplane.access.people.people import People as Accounts
from careplane.access.smart.attempts import Attempts
from careplane.access.smart.authenticate import Authenticator
from careplane.access.smart.enrolling import Enrolling
from careplane.access.smart.invitations import Invitations
from careplane.access.smart.jwks import KeySets
from careplane.access.smart.launch.authorization import Authorization
from careplane.access.smart.launch.codes import Codes
from careplane.access.smart.launch.exchange import Exchange
from careplane.access.smart.launch.grants import Grants
from careplane.access.smart.launch.launches import Launches
from careplane.access.smart.launch.refreshing import Refreshing
from careplane.access.smart.launch.signing import SigningKeys
from careplane.access.smart.people import People
from careplane.access.smart.registrar import Registrar
from careplane.access.smart.registry import Clients, Used
from careplane.access.smart.secrets import Secrets
from careplane.access.smart.server import AuthorizationServer
from careplane.access.smart.standing import Standing
from careplane.access.smart.tokens import Tokens
from careplane.app.demo.roles import roles
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
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from careplane.web.apps import Apps
from careplane.web.session import Sessions
from careplane.web.signed_in import AccountPeople, SessionPeople

_SWEPT_SECONDS = 60.0
_DAY = 86_400
PeopleOf = Callable[[Tokens], People]
"""Who knows the people, given the tokens of this installation."""


@dataclass(frozen=True, slots=True)
class Authorizing:
    """All of it: `registrar` and `invitations` for operators, `server` and `enrolling` for
    clients, `authorization` for pages, `standing` for whoever checks a token."""

    standing: Standing
    tokens: Tokens
    registrar: Registrar
    invitations: Invitations
    server: AuthorizationServer
    enrolling: Enrolling
    authorization: Authorization
    keys: SigningKeys
    exchange: Exchange
    codes: Codes
    consent_key: bytes

    def endpoints(self, door: Door, addressing: Addressing, clock: Clock) -> OAuth:
        """The application at `PATHS` of `rest.oauth.application`."""
        attempts = Attempts(clock)
        return OAuth(self.server, self.enrolling, self.keys, attempts, door, addressing)

    def apps(self, addressing: Addressing) -> Apps:
        """What pages need to let apps act for people."""
        return Apps(self.authorization, addressing, self.consent_key)

    async def sweep(self) -> None:
        """A service of the process that leads: forgets what has ended by itself."""
        while True:
            await self.server.sweep()
            for one in (
                self.authorization.launches,
                self.codes,
                self.exchange.refreshing,
                self.invitations,
                self.keys,
            ):
                await one.sweep()
            await asyncio.sleep(_SWEPT_SECONDS)


def authorizing(
    settings: Settings,
    keys: Keys,
    state: StateStore,
    clock: Clock,
    people_of: PeopleOf,
    fetcher: Fetcher | None = None,
    is_here: IsHere = anywhere,
) -> Authorizing:
    """Over the state of an installation."""
    hosts = (one.strip() for one in settings.oauth_jwks_hosts.split(","))
    fetcher = fetcher or Fetcher(Guard(frozenset(filter(None, hosts))))
    standing, clients, used = Standing(state, clock), Clients(state, is_here), Used(state, clock)
    tokens = Tokens(keys.derive("tokens"), clock, standing.is_revoked, is_here)
    secrets = Secrets(keys.derive("client-secrets"))
    authenticator = Authenticator(clients, used, KeySets(fetcher.fetch, clock), secrets, clock)
    people = people_of(tokens)
    launches, grants = Launches(state, clock), Grants(state, standing, clock)
    codes, refreshing = Codes(state, standing, clock), Refreshing(state, standing, clock)
    signing = SigningKeys(state, keys.derive("id-tokens"), clock)
    exchange = Exchange(
        codes,
        refreshing,
        grants,
        people,
        clients,
        standing,
        tokens,
        signing,
        clock,
        settings.oauth_app_token_seconds,
        settings.oauth_offline_days * _DAY,
    )
    server = AuthorizationServer(
        authenticator, clients, used, standing, tokens, exchange, settings.oauth_token_seconds
    )
    registrar = Registrar(clients, tokens, standing, secrets, fetcher.check, clock)
    invitations = Invitations(state, clock)
    return Authorizing(
        standing,
        tokens,
        registrar,
        invitations,
        server,
        Enrolling(invitations, registrar),
        Authorization(clients, launches, grants, codes, people, standing, clock),
        signing,
        exchange,
        codes,
        keys.derive("consent"),
    )


def joined(accounts: Accounts, authorized: Authorizing) -> None:
    """What apps hold ends with the session, or the account, of the person that they act for."""

    async def closed(tenant: Tenant, resources: tuple[str, ...]) -> None:
        for one in resources:
            await authorized.authorization.grants.end_all(tenant, one)

    accounts.sessions.ended = authorized.standing.end
    accounts.registrar.closed = closed


def sessions_of(
    settings: Settings,
    keys: Keys,
    tenant: Tenant,
    clock: Clock,
    accounts: Accounts,
    is_here: IsHere,
) -> PeopleOf:
    """People by the sessions that there are: of accounts; roles of the demo, which are of
    `tenant`, or tokens that were pasted. Each is known at the address of its tenant."""
    secure = settings.base_url.startswith("https://")
    own = Tokens(keys.derive("sessions"), clock, is_here=is_here) if settings.demo else None
    there = roles(tenant) if settings.demo else ()
    return lambda tokens: AccountPeople(
        accounts.who, SessionPeople(Sessions(own or tokens, secure), there)
    )


def security(addressing: Addressing) -> Callable[[str], Tree]:
    """What the CapabilityStatement says of it, by the FHIR base."""
    return lambda base: discovery.security(addresses(addressing, base))
