"""Whatever a definition allows can be shown: outline, columns, rows of the chart, the timeline.

Trees are drawn from the definitions, partial dates, missing parts and nulls in arrays included.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplane.fhir.definitions import RESOURCE_TYPES, is_primitive, type_definition
from careplane.web import render
from careplane.web.chart import lists, results, timeline
from careplane.web.chart.banner import person
from careplane.web.chart.outline import outline
from careplane.web.pages.columns import cells

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
DATES = st.sampled_from(["2026", "2026-11", "2026-11-24", "0001-01-01", "9999-12-31"])
TIMES = DATES | st.sampled_from(["2026-11-24T07:12:00Z", "2026-11-24T07:12:00.5+14:00"])
PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "positiveInt": st.integers(1, 2**31 - 1),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "decimal": st.sampled_from([Decimal("1.00"), Decimal("-0.5"), 7, Decimal("1E+20")]),
    "date": DATES,
    "dateTime": TIMES,
    "instant": st.just("2026-11-24T07:12:00.000Z"),
    "time": st.just("07:12:00"),
    "base64Binary": st.sampled_from(["w6k=", "AAAA"]),
}
CODES = st.sampled_from(["final", "active", "official", "HH", "text/plain", "old"]) | TEXT
REFERENCES = st.sampled_from(["Patient/1", "#a", "urn:uuid:1", "http://example.org/Patient/1", "x"])


@st.composite
def trees(draw: st.DrawFn, type: str, depth: int = 0) -> dict[str, Any]:
    """A tree of a type, with some of its elements."""
    tree: dict[str, Any] = {}
    elements = [e for e in type_definition(type).elements.values() if _plain(e.name)]
    kept = draw(st.lists(st.sampled_from(elements), max_size=6 if depth < 3 else 2, unique=True))
    for element in kept:
        name, kind = draw(st.sampled_from(sorted(element.json_names.items())))
        value = _value(kind, depth)
        if element.repeats:
            item = st.one_of(st.none(), value) if is_primitive(kind) else value
            tree[name] = draw(st.lists(item, min_size=1, max_size=2))
        else:
            tree[name] = draw(value)
    return tree


def _plain(name: str) -> bool:
    return name not in ("contained", "extension", "modifierExtension", "text", "id", "meta")


def _value(kind: str, depth: int) -> st.SearchStrategy[Any]:
    if kind == "Reference":
        return st.fixed_dictionaries({}, optional={"reference": REFERENCES, "display": TEXT})
    if kind in PRIMITIVES:
        return PRIMITIVES[kind]
    if is_primitive(kind):
        return CODES
    return trees(kind, depth + 1) if depth < 4 else st.just({})


ROWS: dict[str, Any] = {
    "Condition": lists.problem,
    "MedicationRequest": lists.medication,
    "AllergyIntolerance": lists.allergy,
    "Immunization": lists.immunization,
    "Flag": lists.alert,
    "Appointment": lists.visit,
    "DiagnosticReport": lists.report,
    "CareTeam": lambda tree: lists.members([tree]),
    "Patient": lambda tree: person(tree, date(2026, 11, 24)),
    "Observation": lambda tree: [results.plot(t) for t in results.trends(results.readings([tree]))],
}
OFTEN = sorted({*ROWS, *timeline.KINDS})


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@pytest.mark.parametrize("type", OFTEN)
@given(data=st.data())
def test_rows_of_the_chart(type: str, data: st.DataObject) -> None:
    tree = {"resourceType": type, **data.draw(trees(type))}
    if type in ROWS:
        ROWS[type](tree)
    if type in timeline.KINDS:
        timeline.days([tree])


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_outline_and_columns(data: st.DataObject) -> None:
    type = data.draw(st.sampled_from(RESOURCE_TYPES))
    tree = {"resourceType": type, **data.draw(trees(type))}
    cells(type, tree)
    page = '{% from "components/nodes.html" import nodes %}{{ nodes(n) }}'
    render.environment("en").from_string(page).render(n=outline(tree))
