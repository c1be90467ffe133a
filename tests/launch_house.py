"""Apps and people at browsers, against the authorization server in this process: what an app sends,
and what somebody clicks."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from lxml import html

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.access.smart.client import Client
from careplane.kernel.clock import Clock, system_clock
from careplane.storage.engines.memory import MemoryStore
from careplane.web.session import DemoRole
from tests.fhir_house import TENANT, observation, patient
from tests.oauth_house import ROOT, Authority, open_authority, registered

FHIR = f"{ROOT}/fhir"
REDIRECT = "https://app.example/callback"
LAUNCHED = "https://app.example/launch"
ALL = (
    "openid fhirUser profile launch launch/patient launch/encounter offline_access online_access "
    "patient/*.cruds user/*.cruds"
)


def role(key: str, id: str, scopes: str, own: str | None = None) -> DemoRole:
    """Somebody who can sign in."""
    name = f"{key.title()} Example"
    caller = Caller(TENANT, id, name, parse_scopes(scopes), own, frozenset({key}))
    return DemoRole(key, key.title(), "", caller)


ROLES = (
    role("physician", "Practitioner/dr", "user/*.cruds"),
    role("nurse", "Practitioner/nurse", "user/Patient.rs user/Observation.rs"),
    role("patient", "Patient/p1", "patient/*.rs", "p1"),
    role("proxy", "RelatedPerson/r2", "user/*.rs"),
)


@dataclass
class Pkce:
    """A verifier and its challenge (RFC 7636)."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass
class AnApp:
    """An app as its developers would write it. A confidential one authenticates with its secret."""

    there: Authority
    client: Client
    pkce: Pkce = field(default_factory=Pkce)

    def asks(self, scope: str, /, **changes: str | None) -> dict[str, str]:
        """The parameters of its request, with changes; None takes one out."""
        good: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client.id,
            "redirect_uri": REDIRECT,
            "scope": scope,
            "state": "a state",
            "aud": FHIR,
            "code_challenge": self.pkce.challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in good.items() if value is not None}

    async def posts(self, form: dict[str, str]) -> httpx.Response:
        """Send a form to the token endpoint, authenticated as it is registered."""
        secret = self.there.secrets.get(self.client.id)
        if secret:
            return await self.there.post("token", form, auth=(self.client.id, secret))
        return await self.there.post("token", {"client_id": self.client.id, **form})

    async def redeem(self, address: str, **changes: str | None) -> httpx.Response:
        """Exchange the code in an answer."""
        good: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": answer(address)["code"],
            "redirect_uri": REDIRECT,
            "code_verifier": self.pkce.verifier,
            **changes,
        }
        return await self.posts({name: value for name, value in good.items() if value is not None})

    async def refresh(self, token: str, **more: str) -> httpx.Response:
        """Ask for the next tokens."""
        return await self.posts({"grant_type": "refresh_token", "refresh_token": token, **more})

    async def tokens(self, person: Person, scope: str, **how: Any) -> dict[str, Any]:
        """The whole way, everything allowed."""
        address = await person.allows(self.asks(scope), **how)
        got = await self.redeem(address)
        assert got.status_code == 200, got.text
        return dict(got.json())


def answer(address: str) -> dict[str, str]:
    """What an app is told at its redirect URI."""
    return dict(parse_qsl(urlsplit(address).query))


def claims_in(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    return dict(json.loads(urlsafe_b64decode(token.split(".")[1] + "==")))


def leads_to(page: httpx.Response) -> str:
    """Where a page leads on by itself, or the address of a redirect."""
    if page.status_code == 303:
        return page.headers["location"]
    found = html.fromstring(page.text).xpath("//meta[@http-equiv='refresh']/@content")
    return str(found[0]).removeprefix("0; url=") if found else ""


def fields_of(page: httpx.Response) -> dict[str, str]:
    """The fields of the form on a page that is sent by POST, ticked boxes included."""
    form = html.fromstring(page.text).xpath("//main//form[@method='post']")[0]
    return {name: str(value) for name, value in form.form_values()}


@dataclass
class Person:
    """Somebody at a browser of their own."""

    there: Authority
    http: httpx.AsyncClient

    async def sign_in(self, key: str) -> Person:
        """Take a role."""
        answer = await self.http.post("/sign-in", data={"role": key})
        assert answer.status_code == 303, answer.text
        return self

    async def asked(self, request: dict[str, str]) -> httpx.Response:
        """What stands on the first page that wants something, or the answer to the app."""
        first = await self.http.get(f"/oauth/authorize?{urlencode(request)}")
        onward = leads_to(first)
        if not onward.startswith("/"):
            return first
        return await self.http.get(onward)

    async def chooses(self, page: httpx.Response, patient: str) -> httpx.Response:
        """Click a patient in the picker."""
        links = html.fromstring(page.text).xpath("//main//table//a/@href")
        (link,) = [one for one in map(str, links) if f"patient={patient}" in one]
        return await self.http.get(link)

    async def decides(
        self, page: httpx.Response, decision: str = "allow", untick: Iterable[str] = ()
    ) -> str:
        """Press a button of the consent screen; where the app is told."""
        sent = fields_of(page) | {"decision": decision}
        sent = {
            name: value
            for name, value in sent.items()
            if not (name.startswith("tick:") and any(one in name for one in untick))
        }
        done = await self.http.post("/oauth/continue", data=sent)
        assert done.status_code == 303, done.text
        return done.headers["location"]

    async def allows(
        self, request: dict[str, str], patient: str = "", untick: Iterable[str] = ()
    ) -> str:
        """Everything that is asked, up to the answer to the app."""
        page = await self.asked(request)
        if patient:
            page = await self.chooses(page, patient)
        onward = leads_to(page)
        return onward if onward else await self.decides(page, untick=untick)


@dataclass
class Launching:
    """Apps, people and what they meet."""

    there: Authority
    apps: dict[str, AnApp] = field(default_factory=dict)

    def app(self, id: str) -> AnApp:
        """A registered app."""
        return self.apps[id]

    async def add(self, id: str, scopes: str = ALL, **more: Any) -> AnApp:
        """Register an app; a public one unless it is said otherwise."""
        more = {"method": "none", "redirect_uris": (REDIRECT,), **more}
        client = await self.there.add(registered(id, scopes, **more))
        self.apps[id] = AnApp(self.there, client)
        return self.apps[id]

    @asynccontextmanager
    async def person(self, key: str = "") -> AsyncIterator[Person]:
        """A browser, signed in where a role is named."""
        transport = httpx.ASGITransport(app=self.there.app)
        async with httpx.AsyncClient(transport=transport, base_url=ROOT) as http:
            person = Person(self.there, http)
            yield await person.sign_in(key) if key else person

    async def launch(self, person: Person, patient: str, app: str) -> dict[str, str]:
        """Open an app from a chart: what it is opened with."""
        page = await person.http.post(f"/patients/{patient}/apps/{app}")
        assert page.status_code == 200, page.text
        return answer(leads_to(page))


@asynccontextmanager
async def open_launching(clock: Clock = system_clock, **more: Any) -> AsyncIterator[Launching]:
    """`pub` is a public app, `conf` a confidential one that can be launched; p1 and p2 are patients
    with an observation each, p1 with a visit under way; r2 is a relative of p2."""
    async with open_authority(MemoryStore(system_clock), clock=clock, roles=ROLES, **more) as there:
        here = Launching(there)
        await here.add("pub")
        await here.add("conf", method="client_secret", launch_url=LAUNCHED)
        for number in ("1", "2"):
            await there.house.put(patient(f"p{number}", name=[{"family": f"Family{number}"}]))
            await there.house.put(observation(f"o{number}", f"p{number}"))
        visit = {"status": "in-progress", "class": {"code": "IMP"}, "subject": _ref("p1")}
        await there.house.put({"resourceType": "Encounter", "id": "e1", **visit})
        relative = {"resourceType": "RelatedPerson", "id": "r2", "active": True}
        await there.house.put({**relative, "patient": _ref("p2")})
        await there.house.put({"resourceType": "Practitioner", "id": "dr"})
        yield here


def _ref(patient: str) -> dict[str, str]:
    return {"reference": f"Patient/{patient}"}
