"""Parsing and matching together: what a resource has is found by asking for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from careplane.search.criterion import Setting
from careplane.search.dates import span
from careplane.search.fold import fold
from careplane.search.match import NoWorld, Subject, matches
from careplane.search.parse import parse
from careplane.search.registry import r4_registry
from careplane.search.rows import (
    DateRow,
    NumberRow,
    Param,
    QuantityRow,
    ReferenceRow,
    Rows,
    StringRow,
    TokenRow,
    UriRow,
)

SETTING = Setting(r4_registry({}), "https://here/fhir", 1_700_000_000_000_000)


def finds(type: str, key: str, value: str, **rows: Any) -> bool:
    node = parse(SETTING, (type,), [(key, value)], strict=True).query.where
    return matches(node, Subject(type, "1", 0, Rows(**rows)), NoWorld())


def escape(text: str) -> str:
    for mark in "\\,|$":
        text = text.replace(mark, "\\" + mark)
    return text


@given(st.text(min_size=1))
def test_a_text_by_itself_and_by_a_part(text: str) -> None:
    rows = [StringRow(Param("Patient.name"), fold(text), text)]
    assert finds("Patient", "name:exact", escape(text), strings=rows)
    assume(fold(text))
    assert finds("Patient", "name", escape(text), strings=rows)
    assert finds("Patient", "name:contains", escape(text.upper().lower()), strings=rows) or (
        fold(text) != fold(text.upper().lower())
    )


@given(st.none() | st.text(min_size=1), st.text(min_size=1))
def test_a_code(system: str | None, code: str) -> None:
    rows = [TokenRow(Param("Patient.identifier"), system, code)]
    whole = f"{escape(system or '')}|{escape(code)}"
    assert finds("Patient", "identifier", whole, tokens=rows)
    assert finds("Patient", "identifier", escape(code), tokens=rows)
    assert finds("Patient", "identifier", "other," + whole, tokens=rows)
    assert not finds("Patient", "identifier:not", whole, tokens=rows)
    assert finds("Patient", "identifier:not", escape(code) + "x", tokens=rows)
    assert finds("Patient", "identifier", f"|{escape(code)}", tokens=rows) is (system is None)


DATES = st.sampled_from(("2020", "2020-02", "2020-02-29", "2020-02-29T10:00Z",
                         "2020-02-29T10:00:30+02:00", "2020-02-29T10:00:30.125Z"))  # fmt: skip


@given(DATES, DATES)
def test_a_date(asked: str, has: str) -> None:
    s, r = span(asked), span(has)
    assert s
    assert r
    rows = [DateRow(Param("Patient.birthdate"), *r)]
    found = {p: finds("Patient", "birthdate", p + asked, dates=rows) for p in PREFIXES}
    assert found["eq"] is (s[0] <= r[0] and r[1] <= s[1])
    assert found["ap"] or not found["eq"]
    check(found)


NUMBERS = st.decimals(-1000, 1000, places=2) | st.integers(-1000, 1000).map(Decimal)
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "")


@given(NUMBERS, NUMBERS)
def test_a_number(asked: Decimal, has: Decimal) -> None:
    rows = [NumberRow(Param("RiskAssessment.probability"), float(has), float(has))]
    found = {
        p: finds("RiskAssessment", "probability", f"{p}{asked}", numbers=rows) for p in PREFIXES
    }
    assert (found["gt"], found["lt"]) == (has > asked, has < asked)
    assert (found["ge"], found["le"]) == (has >= asked, has <= asked)
    assert found["eq"] or has != asked
    check(found)


@given(NUMBERS, st.sampled_from(("mg", "kg", "mm[Hg]", "Cel", "nonsense")))
def test_a_quantity(has: Decimal, code: str) -> None:
    value = float(has)
    rows = [QuantityRow(Param("Observation.value-quantity"), value, value, "s", code, None)]
    for unit in ("", f"|s|{code}", f"||{code}", f"|http://unitsofmeasure.org|{code}"):
        found = finds("Observation", "value-quantity", f"{has}{unit}", quantities=rows)
        assert found is not unit.startswith("|http")
    assert not finds("Observation", "value-quantity", f"{has}||other", quantities=rows)


def check(found: dict[str, bool]) -> None:
    """What holds between the prefixes."""
    assert found[""] is found["eq"]
    assert found["ne"] is not found["eq"]
    assert found["gt"] or not found["sa"]
    assert found["lt"] or not found["eb"]
    assert found["ge"] or not found["gt"]
    assert found["le"] or not found["lt"]


@given(st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True))
def test_a_reference(id: str) -> None:
    rows = [ReferenceRow(Param("Observation.subject"), "Patient", id)]
    asked = (id, f"Patient/{id}", f"https://here/fhir/Patient/{id}", f"Group/x,Patient/{id}")
    assert all(finds("Observation", "subject", value, references=rows) for value in asked)
    assert finds("Observation", "subject:Patient", id, references=rows)
    assert not finds("Observation", "subject:Group", id, references=rows)


@given(st.from_regex(r"https?://[a-z.]{1,9}(/[a-z]{1,5}){0,3}/?", fullmatch=True))
def test_a_uri(uri: str) -> None:
    rows = [UriRow(Param("ValueSet.url"), uri)]
    assert finds("ValueSet", "url", uri, uris=rows)
    assert finds("ValueSet", "url:below", uri, uris=rows)
    assert finds("ValueSet", "url:above", uri, uris=rows)
    assert finds("ValueSet", "url:above", uri.rstrip("/") + "/deeper", uris=rows)
    assert not finds("ValueSet", "url:below", uri.rstrip("/") + "/deeper", uris=rows)
