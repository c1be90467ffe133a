"""The authorization server in this process, over a store and a state: clients with secrets and with
keys, and the assertions that they make."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.access.smart.assertion import TYPE
from careplane.access.smart.client import Client, Method
from careplane.access.smart.contexts import contexts_of, resources_of
from careplane.access.smart.registrar import Registrar
from careplane.access.smart.registry import Clients
from careplane.access.smart.standing import Standing
from careplane.access.smart.tokens import Tokens
from careplane.app.authorizing import Authorizing, PeopleOf, authorizing
from careplane.app.dispatch import App, dispatch
from careplane.app.fetching import Fetcher
from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.interop.bulk.pulling.guard import Guard
from careplane.kernel.clock import Clock, system_clock
from careplane.rest.addressing import Addressing
from careplane.rest.oauth.application import PATHS
from careplane.storage.engines.memory import MemoryState
from careplane.storage.ports.state import StateStore
from careplane.web.routes import application as pages
from careplane.web.session import DemoRole, Sessions
from careplane.web.signed_in import SessionPeople
from careplane.web.visit import Web
from tests.contracts.engines import Store
from tests.fhir_house import TENANT, House, open_house

ROOT = "https://hospital.test"
AUDIENCE = f"{ROOT}/oauth/token"
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"}, private=True)
EC = ECKey.generate_key("P-384", {"kid": "ec-1"}, private=True)
KEYS: dict[str, RSAKey | ECKey] = {"RS384": RSA, "ES384": EC}


def public(*keys: RSAKey | ECKey) -> bytes:
    """A JWK Set of public keys."""
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


JWKS = public(RSA, EC)


def registered(id: str, scopes: str, method: Method = "client_secret", **more: Any) -> Client:
    """A client as an operator would register it."""
    words = tuple(sorted({*map(str, resources_of(scopes.split())), *contexts_of(scopes.split())}))
    keys = {"jwks": JWKS} if method == "private_key_jwt" and "jwks_uri" not in more else {}
    usual = {"tenant": int(TENANT), "name": id.title(), "scopes": words, "created": 0}
    return Client(**{"id": id, "method": method, **usual, **keys, **more})


def claims(client: str, **changes: Any) -> dict[str, Any]:
    """What a good assertion says, with changes; None takes a claim out."""
    now = int(time.time())
    good = {
        "iss": client,
        "sub": client,
        "aud": AUDIENCE,
        "exp": now + 240,
        "iat": now,
        "jti": str(uuid4()),
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(
    said: dict[str, Any],
    algorithm: str = "ES384",
    key: Any = None,
    **header: Any,
) -> str:
    """A JWT under a key, with changes to its header; None takes a parameter out."""
    key = KEYS[algorithm] if key is None else key
    head = {"alg": algorithm, "typ": "JWT", "kid": getattr(key, "kid", None), **header}
    head = {name: value for name, value in head.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jws.serialize_compact(head, json.dumps(said).encode(), key, registry=registry)


_KNOWN = {"tokens": bytes(32), "client-secrets": bytes(range(32)), "sessions": b"s" * 32}


class KnownKeys(Keys):
    """Keys of an installation, some of which tests forge with."""

    def derive(self, purpose: str) -> bytes:
        return _KNOWN.get(purpose) or Keys.derive(self, purpose)


@dataclass
class Authority:
    """One process of an installation with an authorization server. `all` is everything of it."""

    house: House
    all: Authorizing
    http: httpx.AsyncClient
    app: App
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def clients(self) -> Clients:
        return self.all.registrar.clients

    @property
    def standing(self) -> Standing:
        return self.all.standing

    @property
    def tokens(self) -> Tokens:
        return self.all.tokens

    @property
    def registrar(self) -> Registrar:
        return self.all.registrar

    async def add(self, client: Client) -> Client:
        """Register a client, and remember its secret."""
        made, self.secrets[client.id] = await self.registrar.add(client)
        return made

    async def post(self, path: str, form: Any, **more: Any) -> httpx.Response:
        """Send a form to an endpoint."""
        return await self.http.post(f"/oauth/{path}", data=form, **more)

    async def by_secret(self, id: str, scope: str = "system/*.rs", **more: Any) -> httpx.Response:
        """Ask for a token with the client's secret."""
        form = {"grant_type": "client_credentials", "scope": scope, **more}
        return await self.post("token", form, auth=(id, self.secrets[id]))

    async def by_assertion(
        self, assertion: str, scope: str = "system/*.rs", **more: Any
    ) -> httpx.Response:
        """Ask for a token with an assertion."""
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": TYPE,
            "client_assertion": assertion,
            **more,
        }
        return await self.post("token", form)

    async def get(self, path: str, token: str) -> httpx.Response:
        """Read as the bearer of a token."""
        return await self.http.get(f"/fhir/{path}", headers={"authorization": f"Bearer {token}"})

    def caller(self, scopes: str) -> Caller:
        """Somebody whom the command line might make a token for."""
        return Caller(TENANT, "client/operator", "Operator", parse_scopes(scopes))


@asynccontextmanager
async def open_authority(
    store: Store,
    state: StateStore | None = None,
    clock: Clock = system_clock,
    addressing: Addressing | None = None,
    fetcher: Fetcher | None = None,
    roles: tuple[DemoRole, ...] = (),
    people_of: PeopleOf | None = None,
) -> AsyncIterator[Authority]:
    """Everything wired, as in one of the processes that share a store and a state. Whoever takes
    one of the `roles` is signed in."""
    state = state or MemoryState()
    addressing = addressing or Addressing(ROOT)
    keys = KnownKeys(bytes(32), bytes(32))
    sessions = Tokens(keys.derive("sessions"), clock)
    people_of = people_of or (lambda tokens: SessionPeople(Sessions(sessions), roles))
    fetcher = fetcher or Fetcher(Guard(frozenset()))
    async with open_house(store, state) as house:
        settings = Settings(data=Path("unused"))
        whole = authorizing(settings, keys, state, clock, people_of, fetcher=fetcher)
        house.app._resolve = whole.tokens.resolve
        oauth = whole.endpoints(house.door, addressing, clock)
        web = Web(house.door, sessions, roles, clock, apps=whole.apps(addressing))
        app = dispatch(house.app, pages(web), dict.fromkeys(PATHS, oauth), {})
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=ROOT) as http:
            yield Authority(house, whole, http, app)
