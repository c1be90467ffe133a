"""People in this process, over a store and a state: the pages with a browser that keeps cookies,
and an authenticator in software."""

from __future__ import annotations

import hashlib
import json
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import cbor2
import httpx
import pyotp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from careplane.access.people.people import People, people
from careplane.access.people.provider import Registration
from careplane.access.people.provider import Web as Asks
from careplane.access.people.session import Session
from careplane.access.people.sessions import Limits
from careplane.access.people.user import Charge, User
from careplane.access.policy.named import roles_of
from careplane.access.smart.registrar import Registrar
from careplane.access.smart.tokens import Tokens
from careplane.ledger.audit import AuditRecord
from careplane.rest.addressing import Addressing
from careplane.storage.engines.memory import MemoryState, MemoryStore
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.contracts.conftest import Hands
from tests.fhir_house import TENANT, House, open_house, policies_with

ORIGIN = "https://hospital.test"
HOST = "hospital.test"
PASSWORD = "four words of mine here"
LIMITS = Limits()


def derive(purpose: str) -> bytes:
    """Keys of a test."""
    return hashlib.sha256(purpose.encode()).digest()


def roles(tenant: Tenant) -> frozenset[str]:
    """Those of the ready policies."""
    return roles_of(policies_with().rules)


async def nobody_acts(tenant: Tenant, related: tuple[str, ...]) -> Sequence[Charge]:
    """No RelatedPerson is active."""
    return ()


async def everybody_is_there(tenant: Tenant, reference: str) -> bool:
    """Every resource is, but one."""
    return reference != "Patient/none"


def over(state: StateStore, clock: Hands, **more: Any) -> People:
    """One process of an installation."""
    usual = {"charges": nobody_acts, "exists": everybody_is_there, "limits": LIMITS}
    given = {**usual, "roles": roles, "secure": True, **more}
    return people(state, derive, clock, **given)


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """What a security key does, and whatever a test lets it do wrong."""

    origin: str = ORIGIN
    host: str = HOST
    verified: bool = True
    present: bool = True
    count: int = 0
    id: bytes = field(default_factory=lambda: os.urandom(16))
    handle: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: dict[str, Any], **said: str) -> str:
        """The answer to navigator.credentials.create()."""
        self.handle = unb64(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        cose = cbor2.dumps(
            {
                1: 2,
                3: -7,
                -1: 1,
                -2: numbers.x.to_bytes(32, "big"),
                -3: numbers.y.to_bytes(32, "big"),
            }
        )
        kept = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self._data(0x40) + kept
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"], said)
        return self._answer({"clientDataJSON": b64(client), "attestationObject": b64(attested)})

    def get(self, options: dict[str, Any], **said: str) -> str:
        """The answer to navigator.credentials.get()."""
        self.count += 1
        data = self._data(0)
        client = self._client("webauthn.get", options["challenge"], said)
        signed = data + hashlib.sha256(client).digest()
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": b64(client),
                "authenticatorData": b64(data),
                "signature": b64(signature),
                "userHandle": b64(self.handle),
            }
        )

    def _data(self, flags: int) -> bytes:
        flags |= (0x01 if self.present else 0) | (0x04 if self.verified else 0)
        host = hashlib.sha256(self.host.encode()).digest()
        return host + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, type: str, challenge: str, said: dict[str, str]) -> bytes:
        usual = {"type": type, "challenge": challenge, "origin": self.origin}
        return json.dumps({**usual, "crossOrigin": False, **said}).encode()

    def _answer(self, response: dict[str, str]) -> str:
        return json.dumps(
            {
                "id": b64(self.id),
                "rawId": b64(self.id),
                "type": "public-key",
                "response": response,
                "clientExtensionResults": {},
            }
        )


@dataclass
class Person:
    """What somebody has at hand to sign in with."""

    user: User
    key: Authenticator
    password: str = ""
    app: str = ""
    recovery: list[str] = field(default_factory=list)

    def code(self, clock: Hands, steps: int = 0) -> str:
        """The code that the app shows now, or some steps later."""
        return pyotp.TOTP(self.app).generate_otp(clock.now // 30_000_000 + steps)


class Browser:
    """Goes to the pages, keeps cookies as browsers do, and says where it comes from."""

    def __init__(self, there: Hospital, address: str = "192.0.2.1") -> None:
        self.there = there
        transport = httpx.ASGITransport(app=there.pages, client=(address, 40_000))
        self.http = httpx.AsyncClient(transport=transport, base_url=ORIGIN)
        self.http.headers["origin"] = ORIGIN

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(path, **more)

    async def post(self, path: str, data: Any = None, **more: Any) -> httpx.Response:
        return await self.http.post(path, data=data or {}, **more)

    @property
    def session(self) -> str:
        return self.http.cookies.get("__Host-careplane-session") or ""

    async def who(self) -> Session | None:
        return await self.there.people.who.who(dict(self.http.cookies))

    async def by_passkey(
        self, person: Person, next: str = "/", path: str = "/sign-in"
    ) -> httpx.Response:
        """Sign in, or confirm, with the passkey."""
        options = await self.post(f"{path}/passkey/options")
        sent = {"credential": person.key.get(options.json()), "next": next}
        return await self.post(f"{path}/passkey", sent)

    async def by_password(self, person: Person, **more: str) -> httpx.Response:
        """Sign in with the password and a code."""
        usual = {"login": person.user.login, "password": person.password, "next": "/"}
        usual["code"] = person.code(self.there.clock)
        return await self.post("/sign-in/password", {**usual, **more})


@dataclass
class Hospital:
    """One process of an installation with people in it."""

    house: House
    state: StateStore
    people: People
    pages: Any
    clock: Hands

    def browser(self, address: str = "192.0.2.1") -> Browser:
        return Browser(self, address)

    async def invite(
        self, login: str, resource: str, *roles: str, name: str = "Ada Example"
    ) -> tuple[User, str]:
        """Somebody who has nothing yet, and the code of the invitation."""
        return await self.people.registrar.add(TENANT, login, name, (resource,), roles)

    async def with_passkey(self, login: str, resource: str, *roles: str) -> Person:
        """Somebody who has set up a passkey."""
        user, code = await self.invite(login, resource, *roles)
        browser, person = self.browser(), Person(user, Authenticator())
        options = await browser.post("/set-up/passkey/options", {"code": code})
        made = person.key.create(options.json())
        answer = await browser.post("/set-up/passkey", {"code": code, "credential": made})
        assert answer.status_code == 303, answer.text
        return person

    async def with_password(self, login: str, resource: str, *roles: str) -> Person:
        """Somebody who has set up a password and an app."""
        user, code = await self.invite(login, resource, *roles)
        browser, person = self.browser(), Person(user, Authenticator(), PASSWORD)
        await set_password(browser, person, code)
        return person

    async def audit(self, *interactions: str) -> list[AuditRecord]:
        """The trail of these."""
        return [r for r in await self.house.audit() if r.interaction in interactions]


async def set_password(browser: Browser, person: Person, code: str) -> httpx.Response:
    """Set up a password by invitation."""
    page = (await browser.get(f"/set-up?code={code}")).text
    sealed = re.search(r'name="app" value="(\w+)"', page)
    secret = re.search(r'translate="no">(\w+)<', page)
    assert sealed
    assert secret
    person.app = secret[1]
    answer = await browser.post(
        "/set-up",
        {
            "code": code,
            "password": person.password,
            "again": person.password,
            "app": sealed[1],
            "totp": person.code(browser.there.clock),
        },
    )
    assert answer.status_code == 200, answer.text
    person.recovery = re.findall(r"<li>((?:\w{4}-){3}\w{4})</li>", answer.text)
    browser.there.clock.now += 30_000_000
    return answer


@asynccontextmanager
async def open_hospital(
    state: StateStore | None = None,
    clock: Hands | None = None,
    registration: Registration | None = None,
    web: Asks | None = None,
    clients: Registrar | None = None,
    **more: Any,
) -> AsyncIterator[Hospital]:
    """Everything wired, as in one of the processes that share a state."""
    state, clock = state or MemoryState(), clock or Hands()
    store = MemoryStore(clock)
    async with open_house(store, state) as house:
        here = over(state, clock, registration=registration, web=web, **more)
        pages = application(
            Web(
                house.door,
                Tokens(bytes(32), clock),
                (),
                clock,
                True,
                glass=house.glass,
                people=here,
                clients=clients,
                addressing=Addressing(ORIGIN),
            )
        )
        yield Hospital(house, state, here, pages, clock)
    await store.close()
