"""A house whose patient shares a record: everything of it in a few resources, and hostile texts."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc import jwe
from joserfc.jwk import OctKey

from careplane.access.caller import Caller
from careplane.access.consent.consents import House as Choices
from careplane.access.people.registry import Users
from careplane.access.people.standing import Ages
from careplane.access.scopes import parse_scopes
from careplane.app.peopling import charges_of, stands
from careplane.app.sharing import summary_of
from careplane.kernel.clock import system_clock
from careplane.kernel.ids import secret_id
from careplane.rest.addressing import Addressing
from careplane.rest.links import Pages
from careplane.sharing.cards.cards import Cards
from careplane.sharing.cards.keys import IssuerKeys
from careplane.sharing.cards.operations import operations as card_operations
from careplane.sharing.ips.operations import operations
from careplane.sharing.ips.summaries import Summaries
from careplane.sharing.links.application import MANIFEST, Application
from careplane.sharing.links.files import FHIR
from careplane.sharing.links.link import Link, address_of
from careplane.sharing.links.shares import Content, Shares, Wish
from careplane.storage.engines.memory import MemoryStore
from careplane.storage.ports.packages import PackageStore
from careplane.storage.ports.state import StateStore
from tests.contracts.conftest import Hands
from tests.fhir_house import BASE, TENANT, House, observation, open_house, patient

XSS = "<script>alert(1)</script>\"'&\N{RIGHT-TO-LEFT OVERRIDE}"
PATIENT = Caller(TENANT, "Patient/p", "Ada Quinn", parse_scopes("patient/*.rs patient/Consent.cu"),
                 "p", frozenset({"patient"}))  # fmt: skip
OTHER = Caller(TENANT, "Patient/q", "Bo Else", parse_scopes("patient/*.rs"), "q",
               frozenset({"patient"}))  # fmt: skip
PROXY = Caller(TENANT, "RelatedPerson/r", "Uma Quinn", parse_scopes("patient/*.cruds"), "p",
               frozenset({"proxy", "acting-proxy"}))  # fmt: skip
ROOT = BASE.removesuffix("/fhir")
DAY_SECONDS = 86_400
KEYS = IssuerKeys(b"r" * 32)


def coded(
    text: str, code: str = "c1", system: str = "http://hospital.test/codes"
) -> dict[str, Any]:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def active(code: str = "active", of: str = "condition-clinical") -> dict[str, Any]:
    """A clinical status."""
    system = f"http://terminology.hl7.org/CodeSystem/{of}"
    return {"coding": [{"system": system, "code": code}]}


def category(code: str) -> list[dict[str, Any]]:
    """Of an Observation."""
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    return [{"coding": [{"system": system, "code": code}]}]


P: dict[str, Any] = {"reference": "Patient/p"}
AROUND: tuple[dict[str, Any], ...] = (
    {"resourceType": "Organization", "id": "o", "name": "Riverside"},
    {"resourceType": "Practitioner", "id": "d", "name": [{"family": "Okafor"}]},
    patient("p", name=[{"family": XSS, "given": ["Ada"]}], birthDate="1980-02-29", gender="female",
            managingOrganization={"reference": "Organization/o"}),
    patient("q", name=[{"family": "Else"}], birthDate="1990"),
    {"resourceType": "Encounter", "id": "e", "status": "finished", "subject": P,
     "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}},
)  # fmt: skip
RECORD: tuple[dict[str, Any], ...] = (
    {"resourceType": "Condition", "id": "c", "subject": P, "code": coded(XSS),
     "clinicalStatus": active(), "encounter": {"reference": "Encounter/e"},
     "recorder": {"reference": "Practitioner/d"}},
    {"resourceType": "Condition", "id": "past", "subject": P, "code": coded("Measles", "c2"),
     "clinicalStatus": active("resolved")},
    {"resourceType": "AllergyIntolerance", "id": "a", "patient": P, "code": coded("Penicillin"),
     "clinicalStatus": active(of="allergyintolerance-clinical"), "criticality": "high"},
    {"resourceType": "Medication", "id": "m", "code": coded("Metoprolol")},
    {"resourceType": "MedicationRequest", "id": "r", "status": "active", "intent": "order",
     "subject": P, "medicationReference": {"reference": "Medication/m"}},
    {"resourceType": "Immunization", "id": "i", "status": "completed", "patient": P,
     "vaccineCode": coded("Influenza vaccine", "88", "http://hl7.org/fhir/sid/cvx"),
     "occurrenceDateTime": "2025-10-02", "lotNumber": "L7",
     "performer": [{"actor": {"reference": "Practitioner/d"}}]},
    observation("l", "p", "4548-4", category=category("laboratory"),
                effectiveDateTime="2026-01-05", performer=[{"reference": "Practitioner/d"}],
                valueQuantity={"value": 6.1, "unit": "%"}),
    observation("l-old", "p", "4548-4", category=category("laboratory"),
                effectiveDateTime="2020-01-05", valueQuantity={"value": 9.9, "unit": "%"}),
    observation("v", "p", "8867-4", category=category("vital-signs"),
                effectiveDateTime="2026-01-05", valueQuantity={
                    "value": 72, "unit": "/min", "code": "/min",
                    "system": "http://unitsofmeasure.org"}),
    observation("preg", "p", "82810-3", effectiveDateTime="2026-01-01",
                valueCodeableConcept=coded("Not pregnant")),
    observation("smoke", "p", "72166-2", category=category("social-history"),
                effectiveDateTime="2026-01-01", valueCodeableConcept=coded("Never smoker")),
    {"resourceType": "DiagnosticReport", "id": "dr", "status": "final", "subject": P,
     "code": coded("Panel"), "effectiveDateTime": "2026-01-05",
     "result": [{"reference": "Observation/l"}, {"reference": "Observation/l-old"}]},
    {"resourceType": "Procedure", "id": "pr", "status": "completed", "subject": P,
     "code": coded("Appendectomy"), "performedDateTime": "1999"},
    {"resourceType": "Device", "id": "dev", "status": "active", "patient": P,
     "type": coded("Pacemaker")},
    {"resourceType": "Flag", "id": "f", "status": "active", "subject": P,
     "code": coded("Falls")},
    {"resourceType": "CarePlan", "id": "cp", "status": "active", "intent": "plan", "subject": P,
     "title": "Cardiac rehabilitation"},
    {"resourceType": "ClinicalImpression", "id": "ci", "status": "completed", "subject": P,
     "code": coded("Functional assessment", "304492001"), "effectiveDateTime": "2026"},
    {"resourceType": "Consent", "id": "adr", "status": "active", "patient": P,
     "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope",
                           "code": "adr"}]},
     "category": [coded("Living will")], "dateTime": "2024-01-01",
     "policy": [{"uri": "urn:policy"}]},
)  # fmt: skip


@dataclass
class Sharing:
    """One process, or several that share a state and a store."""

    house: House
    processes: list[Shares]
    apps: list[httpx.AsyncClient]
    summaries: Summaries
    cards: Cards
    clock: Hands
    standing: set[str]

    @property
    def shares(self) -> Shares:
        return self.processes[0]

    @property
    def web(self) -> httpx.AsyncClient:
        return self.apps[0]

    async def make(self, caller: Caller = PATIENT, **more: Any) -> Link:
        """A link to a summary, of a day."""
        wish = {"contents": ("summary",), "seconds": DAY_SECONDS, **more}
        return await self.shares.make(caller, "p", Wish(**wish))

    async def ask(self, link: Link, process: int = 0, **more: Any) -> httpx.Response:
        """The manifest."""
        body = {"recipient": "Dr. R", **more}
        return await self.apps[process].post(MANIFEST + link.secret, json=body)


def payload(link: Link) -> dict[str, Any]:
    """What stands in a link, as a reader of QR codes has it."""
    text = address_of(link, ROOT + MANIFEST + link.secret).removeprefix("shlink:/")
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return read


def opened(compact: str, key: str) -> tuple[str, dict[str, Any]]:
    """The media type and the content of a file."""
    found = jwe.decrypt_compact(compact, OctKey.import_key({"kty": "oct", "k": key}))
    assert found.plaintext is not None
    read: dict[str, Any] = json.loads(found.plaintext)
    return str(found.headers()["cty"]), read


@asynccontextmanager
async def open_sharing(
    state: StateStore,
    processes: int = 1,
    *,
    packages: PackageStore | None = None,
    consent: Choices | None = None,
) -> AsyncIterator[Sharing]:
    """Everything wired. Time is by hand, and begins now."""
    clock = Hands()
    clock.now = system_clock()
    gone: set[str] = set()

    store = MemoryStore(system_clock)
    async with open_house(
        store,
        state,
        packages=packages,
        consent=consent,
        more=lambda door: (
            *operations(Summaries(door, clock, secret_id)),
            *card_operations(Cards(door, KEYS, clock)),
        ),
    ) as house:
        for one in (*AROUND, *RECORD):
            await house.put(one)
        summaries = Summaries(house.door, clock, secret_id)

        acts = stands(Users(state), charges_of(house.door, clock, Ages(16, 18)))

        async def standing(caller: Caller) -> bool:
            return caller.id not in gone and await acts(caller)

        made = [
            Shares(house.door, state, Pages(bytes(range(4, 36))), b"k" * 32, clock,
                   {"summary": Content(FHIR, summary_of(summaries))}, standing)
            for _ in range(processes)
        ]  # fmt: skip
        apps = [
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=Application(one, Addressing(ROOT), clock)),  # type: ignore[arg-type]
                base_url=ROOT,
            )
            for one in made
        ]
        yield Sharing(house, made, apps, summaries, Cards(house.door, KEYS, clock), clock, gone)
        for app in apps:
            await app.aclose()
    await store.close()
