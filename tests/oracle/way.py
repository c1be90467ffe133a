"""A way to data: what must come of it, by loops over the rows; and how the server is asked.

`want(sight, n, m)` and `ask(here, n, m)` give the same list, or dict, where the server is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import httpx

from careplane.access.caller import Caller
from careplane.telehealth.messages.names import RECEIPT
from tests.fhir_house import House, ids, link
from tests.oracle.hiding import leaves, stripped
from tests.oracle.population import TYPES, WORLD
from tests.oracle.rights import Sight
from tests.oracle.services import Rooms
from tests.policy_house import Record

KEYS = tuple(WORLD)
NAMES = ("quinn", "ratke", "abbott", "ferry")
CODES = ("8302-2", "1-8")


BROUGHT = {"language": "de"}
"""In whatever the oracle writes that is not as the population has it."""
_BROUGHT = (".language", ".subject.reference")
_MOVED = {"Appointment": (*_BROUGHT, ".status"),
          "Communication": (*_BROUGHT, ".status", ".recipient", ".extension")}  # fmt: skip
"""Where an earlier version may say something else: visits that were cancelled, threads that were
answered."""


@dataclass(frozen=True)
class Here:
    """A caller at a house, and all the rows. `plain` is the same house without Consents. `shown`
    counts the resources that were looked at on their way out, and of those the masked ones. `began`
    is when the round began, as an instant. `earlier` are contents of other records that the oracle
    itself has put in the place of a record, by its key: its history shows them."""

    house: House
    plain: House
    http: httpx.AsyncClient
    caller: Caller
    sight: Sight
    shown: Counter[str]
    rooms: Rooms
    began: str = ""
    earlier: dict[str, list[Record]] = field(default_factory=dict)

    def by(self, http: httpx.AsyncClient) -> Here:
        """The same, asked by another client."""
        return replace(self, http=http)

    async def look(self, answer: httpx.Response) -> None:
        """At every resource in an answer: it has what this caller may see of it and no more."""
        await answer.aread()
        kind = answer.headers.get("content-type", "")
        if not answer.content or not kind.startswith("application/fhir+json"):
            return
        method, url = answer.request.method, str(answer.request.url)
        if "$summary" in url or "$cancel" in url:
            return  # what they answer is not as it is stored: the ways look at it themselves
        current = "_history" not in url and "_elements" not in url and method in ("GET", "POST")
        for tree in _resources(answer.json()):
            self.looked(tree, current=current)

    def looked(self, tree: Record, *, current: bool = True) -> None:
        """At one resource. Of what is not `current`, or was brought by the oracle, more may be
        hidden, but not less; and it may have been another patient's."""
        key = f"{tree['resourceType']}/{tree.get('id')}"
        if key not in self.sight.records:
            return
        hidden, exact = self.sight.hidden(key)
        self.shown["resources"] += 1
        self.shown["masked"] += bool(hidden)
        content = _unread({name: value for name, value in tree.items() if name != "meta"})
        brought = content.get("language") == BROUGHT["language"]
        if exact and current and not brought:
            assert content == self.sight.seen(key), f"{key} without {set(hidden)}: {tree}"
            assert _redacted(tree) == bool(hidden), f"{key}: {tree.get('meta')}"
        else:
            was = () if current else self.earlier.get(key, ())
            known = [self.sight.seen(key), *(stripped({**one, "id": tree["id"]}, hidden)
                                             for one in was)]  # fmt: skip
            more = [leaves(content) - leaves(one) for one in known]
            moved = _MOVED.get(tree["resourceType"], _BROUGHT)
            assert any(all(path.startswith(moved) for path, _ in one) for one in more), (
                f"{key} without {set(hidden)}: {more}"
            )

    @property
    def told(self) -> str:
        """The policies that were drawn, and the Consents."""
        judge = self.sight.judge
        return "" if judge is None else f"{judge.case.policies}\n{judge.consents}"

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
    return sorted(key for key in sight.found.of(type) if test(sight.records[key]))


def names_of(record: Record, field: str = "subject") -> str:
    return str(record.get(field, {}).get("reference", ""))


def is_coded(record: Record, code: str) -> bool:
    return any(one["code"] == code for one in record.get("code", {}).get("coding", ()))


def is_named(sight: Sight, reference: str, name: str) -> bool:
    """Whether a reference leads to a patient of this name whom the caller finds."""
    if reference not in sight.found or not reference.startswith("Patient/"):
        return False
    return any(one["family"].lower() == name for one in sight.records[reference].get("name", ()))


def _resources(tree: Any) -> Iterator[Record]:
    if isinstance(tree, list):
        for one in tree:
            yield from _resources(one)
    elif isinstance(tree, dict):
        if "resourceType" in tree and "id" in tree:
            yield tree
        for one in tree.values():
            yield from _resources(one)


def _unread(tree: Record) -> Record:
    """A message as before somebody has opened it: a page of its thread leaves a receipt."""
    if tree["resourceType"] != "Communication":
        return tree
    extensions = [one for one in tree.get("extension", ()) if one.get("url") != RECEIPT]
    left = {name: value for name, value in tree.items() if name not in ("received", "extension")}
    return {**left, "extension": extensions} if extensions else left


def _redacted(tree: Record) -> bool:
    labels = tree.get("meta", {}).get("security", ())
    return any(one.get("code") == "REDACTED" for one in labels)


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
    seen, wanted = [(one.status_code, one.json()) for one in (answer, absent)]
    assert seen == wanted, f"{address}: {seen} instead of {wanted}"
    return False


async def all_sorted(here: Here, url: str) -> list[str]:
    return sorted(await all_matches(here, url))


async def both(here: Here, url: str) -> dict[str, list[str]]:
    matches, included = await pages(here, url, "match", "include")
    return {"match": sorted(matches), "include": sorted(set(included))}
