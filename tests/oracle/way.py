"""A way to data: what must come of it, by loops over the rows; and how the server is asked.

`want(sight, n, m)` and `ask(here, n, m)` give the same list, or dict, where the server is right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx

from careplane.access.caller import Caller
from tests.fhir_house import House, ids, link
from tests.oracle.population import TYPES, WORLD
from tests.oracle.rights import Sight
from tests.policy_house import Record

KEYS = tuple(WORLD)
NAMES = ("quinn", "ratke", "abbott", "ferry")
CODES = ("8302-2", "1-8")


@dataclass(frozen=True)
class Here:
    """A caller at a house, and all the rows. `plain` is the same house without Consents."""

    house: House
    plain: House
    http: httpx.AsyncClient
    caller: Caller
    sight: Sight

    def key(self, n: int) -> str:
        """One of all rows, the Consents among them."""
        return nth(self.sight, n)


class Way(NamedTuple):
    want: Callable[[Sight, int, int], Any]
    ask: Callable[[Here, int, int], Awaitable[Any]]


def nth(sight: Sight, n: int) -> str:
    keys = tuple(sight.records)
    return keys[-n % len(keys)] if n % 4 == 0 else keys[n * 7 % len(keys)]


def a_type(n: int) -> str:
    return TYPES[n % len(TYPES)]


def a_patient(sight: Sight, n: int) -> str:
    """One of all, or, by turns, of those who have a Consent."""
    agreed = sorted({r["patient"]["reference"][8:] for r in sight.records.values()
                     if r["resourceType"] == "Consent"})  # fmt: skip
    return agreed[n % len(agreed)] if agreed and n % 2 else f"p{n % 60}"


def found_of(sight: Sight, type: str, test: Callable[[Record], bool] = lambda r: True) -> list[str]:
    """Those found, of a type, that pass a test; sorted."""
    return sorted(key for key in sight.found
                  if key.startswith(f"{type}/") and test(sight.records[key]))  # fmt: skip


def names_of(record: Record, field: str = "subject") -> str:
    return str(record.get(field, {}).get("reference", ""))


def is_coded(record: Record, code: str) -> bool:
    return any(one["code"] == code for one in record.get("code", {}).get("coding", ()))


def is_named(sight: Sight, reference: str, name: str) -> bool:
    """Whether a reference leads to a patient of this name whom the caller finds."""
    if reference not in sight.found or not reference.startswith("Patient/"):
        return False
    return any(one["family"].lower() == name for one in sight.records[reference].get("name", ()))


async def pages(here: Here, url: str, *modes: str) -> list[list[str]]:
    """Of all pages the entries of each mode, in their order; nothing where it is refused."""
    found: list[list[str]] = [[] for _ in modes]
    following: str | None = url
    while following is not None:
        answer = await here.http.get(following)
        if answer.status_code in (403, 404):
            return [[] for _ in modes]
        assert answer.status_code == 200, answer.text
        for listed, mode in zip(found, modes, strict=True):
            listed += ids(answer, mode)
        following = link(answer, "next")
    assert modes[0] != "match" or len(found[0]) == len(set(found[0]))
    return found


async def all_matches(here: Here, url: str) -> list[str]:
    return (await pages(here, url, "match"))[0]


async def is_shown(here: Here, key: str, address: str) -> bool:
    """Whether it is shown; where not, it must look as what is not there."""
    answer = await here.http.get(address)
    if answer.status_code == 200:
        return True
    absent = await here.http.get(address.replace(key, f"{key.split('/')[0]}/absent"))
    assert (answer.status_code, answer.json()) == (absent.status_code, absent.json()), address
    return False


async def all_sorted(here: Here, url: str) -> list[str]:
    return sorted(await all_matches(here, url))


async def both(here: Here, url: str) -> dict[str, list[str]]:
    matches, included = await pages(here, url, "match", "include")
    return {"match": sorted(matches), "include": sorted(set(included))}
