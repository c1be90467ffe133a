"""A zoo: an installation with a small package of definitions, definitions of its own, and browsers
that look at them."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import system_clock
from careplane.packages.adding import Adding
from careplane.packages.packages import Packages
from careplane.storage.engines.memory import MemoryPackages, MemoryStore
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.fhir_house import TENANT, House, open_house
from tests.package_house import Json, manifest, packed, profile, value_set

NURSE = Caller(TENANT, "Practitioner/n", "Nurse", parse_scopes("user/Patient.rs"))
PATIENT = Caller(TENANT, "Patient/p", "Pat", parse_scopes("patient/*.rs"), "p")
ENGINEER = Caller(TENANT, "Practitioner/e", "Engineer", parse_scopes("user/*.cruds"))
ANIMALS = "http://a.test/CodeSystem/animals"
PETS = "http://a.test/ValueSet/pets"
KEEPER = "http://a.test/StructureDefinition/keeper"
TO_V2 = "http://a.test/ConceptMap/animals"
CODE_SYSTEM: Json = {
    "resourceType": "CodeSystem",
    "id": "animals",
    "url": ANIMALS,
    "version": "1",
    "name": "Animals",
    "title": "Animals of a zoo",
    "status": "active",
    "content": "complete",
    "hierarchyMeaning": "is-a",
    "property": [{"code": "legs", "type": "integer"}, {"code": "eats", "type": "code"}],
    "concept": [
        {
            "code": "animal",
            "display": "Animal",
            "concept": [
                {
                    "code": "cat",
                    "display": "House cat",
                    "definition": "It <purrs>.",
                    "designation": [
                        {"language": "de", "value": "Hauskatze", "use": {"code": "synonym"}}
                    ],
                    "property": [
                        {"code": "legs", "valueInteger": 4},
                        {"code": "eats", "valueCode": "mouse"},
                    ],
                    "concept": [{"code": "siamese", "display": "Siamese"}],
                },
                {"code": "mouse", "display": "Mouse"},
            ],
        },
        *({"code": f"stone-{n}", "display": f"Stone {n}"} for n in range(119)),
        {
            "code": "fossil",
            "display": "Fossil",
            "property": [{"code": "status", "valueCode": "retired"}],
        },
    ],
}
VALUE_SET = value_set(
    "pets",
    title="Pets",
    version="1",
    compose={
        "include": [
            {
                "system": ANIMALS,
                "filter": [{"property": "concept", "op": "descendent-of", "value": "animal"}],
            }
        ],
        "exclude": [{"system": ANIMALS, "concept": [{"code": "mouse"}]}],
    },
)
STONES = value_set("stones", compose={"include": [{"system": ANIMALS}]})
LOST = value_set("lost", compose={"include": [{"system": "http://a.test/not-here"}]})
CONCEPT_MAP: Json = {
    "resourceType": "ConceptMap",
    "id": "animals",
    "url": TO_V2,
    "title": "Animals elsewhere",
    "status": "active",
    "group": [
        {
            "source": ANIMALS,
            "target": "http://b.test/beasts",
            "element": [
                {
                    "code": "cat",
                    "target": [{"code": "C", "display": "Felis", "equivalence": "wider"}],
                },
                {"code": "mouse", "target": [{"equivalence": "unmatched"}]},
            ],
        },
        {
            "source": "http://b.test/beasts",
            "target": ANIMALS,
            "element": [{"code": "K", "target": [{"code": "cat", "equivalence": "equal"}]}],
        },
    ],
}
PROFILE = profile(
    "keeper",
    "Patient",
    title="Keeper of a pet",
    differential={
        "element": [
            {"id": "Patient", "path": "Patient"},
            {"id": "Patient.name", "path": "Patient.name", "min": 1, "mustSupport": True},
            {
                "id": "Patient.identifier",
                "path": "Patient.identifier",
                "slicing": {
                    "discriminator": [{"type": "value", "path": "system"}],
                    "rules": "open",
                },
            },
            {
                "id": "Patient.identifier:zoo",
                "path": "Patient.identifier",
                "sliceName": "zoo",
                "max": "1",
            },
            {
                "id": "Patient.identifier:zoo.system",
                "path": "Patient.identifier.system",
                "min": 1,
                "fixedUri": "http://a.test/zoo",
            },
            {
                "id": "Patient.maritalStatus",
                "path": "Patient.maritalStatus",
                "binding": {"strength": "required", "valueSet": f"{PETS}|1"},
            },
        ]
    },
)
CONTRADICTION = profile(
    "broken", "Patient", baseDefinition="http://a.test/StructureDefinition/nowhere"
)
QUESTIONS: Json = {
    "resourceType": "SearchParameter",
    "id": "s",
    "url": "http://a.test/SearchParameter/s",
    "name": "Keeping",
    "status": "active",
    "description": "who keeps <what>",
    "code": "keeping",
    "base": ["Patient"],
    "type": "token",
    "expression": "Patient.extension",
}
OWN_PROFILE = profile(
    "mine",
    url="http://own.test/mine",
    differential={
        "element": [
            {"id": "Observation", "path": "Observation"},
            {"id": "Observation.subject", "path": "Observation.subject", "min": 1},
        ]
    },
)
OWN: tuple[Json, ...] = (
    OWN_PROFILE,
    value_set(
        "own",
        "http://own.test/vs",
        title="Our own pets",
        compose={"include": [{"system": ANIMALS, "concept": [{"code": "cat"}]}]},
    ),
    {
        "resourceType": "CodeSystem",
        "id": "own",
        "url": "http://own.test/cs",
        "title": "Our own codes",
        "status": "active",
        "content": "complete",
        "concept": [{"code": "x y", "display": "With a space"}],
    },
    {
        "resourceType": "CodeSystem",
        "id": "stub",
        "url": ANIMALS,
        "version": "3",
        "title": "No more than a name",
        "status": "active",
        "content": "not-present",
    },
)
"""What the institution has written itself."""


@asynccontextmanager
async def open_zoo(folder: Path) -> AsyncIterator[Zoo]:
    """The zoo, with its packages written to a folder first."""
    packages = MemoryPackages()
    adding = Adding(packages, Packages(packages, system_clock), system_clock)
    await adding.file(packed(folder, manifest("b.base"), value_set("other")))
    zoo = manifest("a.zoo", "2.1.0", {"b.base": "1.x", "c.lost": "3.0.0"}, title="The zoo")
    content = (
        CODE_SYSTEM, VALUE_SET, STONES, LOST, CONCEPT_MAP, PROFILE, CONTRADICTION, QUESTIONS,
    )  # fmt: skip
    await adding.file(packed(folder, zoo, *content))
    store = MemoryStore(system_clock)
    async with open_house(store, packages=packages) as house:
        for resource in OWN:
            await house.put(resource)
        yield Zoo(house, packages)
    await store.close()


class Zoo:
    """An installation and its packages."""

    def __init__(self, house: House, packages: MemoryPackages) -> None:
        self.house = house
        self._packages = packages

    def browser(self, who: Caller | None) -> httpx.AsyncClient:
        """The browser of somebody who has signed in, or has not."""
        known = Packages(self._packages, system_clock)
        house = self.house
        web = Web(house.door, house.tokens, packages=lambda: known)
        cookies = {"careplane": house.tokens.issue(who, 3600)} if who else {}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(application(web)),
            base_url="http://testserver",
            cookies=cookies,
            headers={"sec-fetch-site": "same-origin", "origin": "http://testserver"},
        )


async def opened(page: httpx.AsyncClient, path: str, **pairs: Any) -> str:
    """The text of a page that answers."""
    answer = await page.get(path, params=pairs or None)
    assert answer.status_code == 200, (path, answer.status_code, answer.text[-3000:])
    return answer.text


def words(text: str) -> str:
    """What a person reads of the main part."""
    main = text[text.index("<main") : text.index("</main>")]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


def links(text: str) -> Iterator[str]:
    main = text[text.index("<main") : text.index("</main>")]
    return (html.unescape(found) for found in re.findall(r'href="(/[^"]*)"', main))
