"""Searches by what policies may hide: whoever does not see it of something may not search by it,
sort by it, or look through another resource at it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tests.oracle.rights import Sight
from tests.oracle.way import Here, Way, found_of, names_of
from tests.policy_house import Record

WAYS: dict[str, Way] = {}


class _Asked(NamedTuple):
    """A search parameter of a type, and the leaf that it reads."""

    type: str
    parameter: str
    leaf: str

    def value(self, n: int) -> str:
        return {"valueQuantity": f"{100 + n % 9}", "telecom": f"555-{n % 9}",
                "address": f"Town{n % 9}", "bodySite": f"b{n % 9}",
                "reasonCode": f"r{n % 9}"}[self.leaf]  # fmt: skip

    def has(self, record: Record, n: int) -> bool:
        return record["resourceType"] == self.type and self.value(n) in set(self._told(record))

    def _told(self, record: Record) -> Iterable[str]:
        match self.leaf, record.get(self.leaf):
            case "valueQuantity", dict(quantity):
                yield str(quantity["value"])
            case "telecom", list(some):
                yield from (one["value"] for one in some)
            case "address", list(some):
                yield from (one["city"] for one in some)
            case _, list(some):
                yield from (coding["code"] for one in some for coding in one["coding"])


_ASKED = (
    _Asked("Observation", "value-quantity", "valueQuantity"),
    _Asked("Patient", "telecom", "telecom"),
    _Asked("Patient", "address-city", "address"),
    _Asked("Condition", "body-site", "bodySite"),
    _Asked("Encounter", "reason-code", "reasonCode"),
)


def _asked(n: int) -> _Asked:
    return _ASKED[n % len(_ASKED)]


def _matching(sight: Sight, n: int) -> list[str]:
    one = _asked(n)
    return found_of(sight, one.type, lambda r: one.has(r, n))


def _of(sight: Sight, n: int, m: int) -> list[str]:
    """By the parameter; of all, sorted by it; and what is connected with what matches."""
    one, matching = _asked(n), _matching(sight, n)
    if m == 0:
        return matching
    if m == 1:
        return found_of(sight, one.type)
    if one.type == "Patient":
        return found_of(sight, "Observation", lambda r: names_of(r) in matching)
    named = {names_of(sight.records[key]) for key in matching}
    return [key for key in found_of(sight, "Patient") if key in named]


def _url(n: int, m: int) -> str:
    one = _asked(n)
    asks = f"{one.parameter}={one.value(n)}"
    if m == 0:
        return f"{one.type}?{asks}"
    if m == 1:
        return f"{one.type}?_sort={one.parameter}"
    if one.type == "Patient":
        return f"Observation?subject:Patient.{asks}"
    return f"Patient?_has:{one.type}:subject:{asks}"


async def _search(here: Here, n: int, m: int) -> list[str]:
    """What comes; what was wanted where it is refused and may be."""
    one, wanted, sight = _asked(n), _of(here.sight, n, m), here.sight
    shown = sight.read.of(one.type) | sight.found.of(one.type)
    must = any(one.leaf in sight.hidden(key).leaves for key in shown)
    may = must or sight.hides(one.type, one.leaf)
    answer = await here.http.get(_url(n, m) + "&_count=1000")
    if answer.status_code == 403:
        return wanted if may else []
    assert answer.status_code == 200, answer.text
    assert not must, f"{_url(n, m)} was answered: {answer.text}"
    matches = (e["resource"] for e in answer.json().get("entry", ())
               if e["search"]["mode"] == "match")  # fmt: skip
    return sorted(f"{one['resourceType']}/{one['id']}" for one in matches)


WAYS["search by what may be hidden"] = Way(_of, _search)
