"""Sets so large that an engine keeps them apart find what small ones would."""

from __future__ import annotations

import pytest

from careplane.search.plan import And, Keys, Node, Not, Or, Query, Reference
from careplane.search.rows import Param, ReferenceRow, Rows
from careplane.storage.ports.records import Key, Unit
from tests.contracts import material as m
from tests.contracts.engines import Store
from tests.contracts.model import Model
from tests.contracts.test_searches import TENANT, _check

pytestmark = pytest.mark.anyio

SUBJECT, OTHER = Param("Observation.subject"), Param("Observation.performer")
LARGE = frozenset(("Patient", f"p{n}") for n in range(0, 1600, 2))
ALL_BUT_ONE = LARGE - {("Patient", "p4")}
THEMSELVES = frozenset(("Observation", f"o{n}") for n in range(0, 1600, 2))
WHERE: dict[str, Node] = {
    "referring to one": Reference(SUBJECT, LARGE),
    "referring to none": Not(Reference(SUBJECT, LARGE)),
    "referring otherwise": Reference(OTHER, LARGE),
    "being one": Keys(THEMSELVES),
    "being none": Not(Keys(THEMSELVES)),
    "both": And((Not(Keys(THEMSELVES)), Not(Reference(OTHER, LARGE)))),
    "either": Or((Keys(THEMSELVES), Not(Reference(SUBJECT, LARGE)))),
    "all but one": And((Reference(SUBJECT, LARGE), Not(Reference(SUBJECT, ALL_BUT_ONE)))),
}  # fmt: skip


async def test_large_sets_find_what_matches(store: Store) -> None:
    wanted: dict[Key, Rows] = {}
    for n in range(30):
        rows = [ReferenceRow(SUBJECT, "Patient", f"p{n}")] if n % 7 else []
        rows += [ReferenceRow(OTHER, "Patient", f"p{n + 1}")] if n % 3 else []
        wanted["Observation", f"o{n}"] = Rows(references=rows)
    model = Model()
    puts = tuple(m.put(*key, rows) for key, rows in wanted.items())
    receipt = await store.commit(TENANT, Unit(puts))
    model.wrote(receipt.versions, tuple(wanted.values()))
    for where in WHERE.values():
        await _check(store, model, Query(frozenset({"Observation"}), where, count=50))
        await _check(store, model, Query(frozenset({"Observation"}), where, count=3))
