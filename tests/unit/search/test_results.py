"""Parameters about the answer, case by case, and limits on what one request may ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from careplane.kernel import errors
from careplane.search.criterion import Setting, UnknownParameter
from careplane.search.includes import Include
from careplane.search.parse import (
    MAX_LENGTH,
    MAX_PAIRS,
    MAX_VALUES,
    Search,
    criteria,
    parse,
    parse_query,
)
from careplane.search.registry import r4_registry
from tests.unit.search.notation import shown

SETTING = Setting(r4_registry({}))
CASES = yaml.safe_load(Path(__file__).with_name("results.yaml").read_text())


def _include(include: Include) -> str:
    params = sorted(p.partition(".")[2] for p in include.params or ()) or ["*"]
    text = f"{include.source or '*'} {', '.join(params)} -> "
    text += ", ".join(sorted(include.targets or ())) or "*"
    return f"iterate {text}" if include.iterate else text


def _fields(search: Search) -> dict[str, Any]:
    return {
        "count": search.query.count,
        "exact": search.query.total,
        "only_count": search.only_count,
        "summary": search.summary,
        "total": search.total,
        "contained": search.contained,
        "contained_type": search.contained_type,
        "elements": list(search.elements),
        "sort": [f"{'-' * k.descending}{k.by} {k.param}" for k in search.query.sort],
        "includes": list(map(_include, search.includes)),
        "revincludes": list(map(_include, search.revincludes)),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["search"])
def test_a_search(case: dict[str, Any]) -> None:
    type, _, query = case["search"].partition("?")
    pairs = parse_query(query)
    if "error" in case:
        with pytest.raises(getattr(errors, case["error"])) as caught:
            parse(SETTING, (type,) if type else (), pairs, contained=True)
        assert caught.value.issues[0].where == case["where"]
        return
    search = parse(SETTING, (type,) if type else (), pairs, contained=True)
    fields = _fields(search)
    assert {name: fields[name] for name in case.get("result", ())} == case.get("result", {})
    unknown = case.get("unknown", [])
    assert [issue.where for issue in search.unknown] == unknown
    left = [list(pair) for pair in pairs if pair[0] not in unknown]
    assert [list(pair) for pair in search.understood] == case.get("understood", left)


@pytest.mark.parametrize("query", ["nothing=1", "name=", "_sort=nothing", "_include=Patient:no"])
def test_strict_handling_refuses_what_is_unknown(query: str) -> None:
    with pytest.raises(UnknownParameter) as caught:
        parse(SETTING, ("Patient",), parse_query(query), strict=True)
    assert caught.value.issues[0].code == "not-supported"
    assert parse(SETTING, ("Patient",), parse_query(query)).unknown[0].severity == "warning"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("identifier=a%7Cb&name=c", None),
        ("name=a%20b", None),
        ("nothing=1", errors.Incorrect),
        ("name=", errors.Incorrect),
        ("_count=1", errors.Invalid),
        ("_include=Patient:link", errors.Invalid),
        ("name=%ff", errors.Malformed),
        ("name=" + "a" * (MAX_LENGTH + 1), errors.TooLarge),
        ("&".join(["name=a"] * (MAX_PAIRS + 1)), errors.TooLarge),
        ("&".join(["name=a"] * (3 * MAX_PAIRS)), errors.Malformed),
        ("name=" + "," * MAX_VALUES, errors.TooLarge),
        ("&".join(["name=" + "a," * (MAX_VALUES // 10) + "a"] * 10), errors.TooLarge),
        ("_has:Provenance:target:target._id=" + "1," * 9000 + "1", errors.TooLarge),
    ],
    ids=lambda value: str(value)[:40],
)
def test_criteria_alone(query: str, error: type[Exception] | None) -> None:
    if error is None:
        assert "Patient" in shown(criteria(SETTING, "Patient", query))
        return
    with pytest.raises(error):
        criteria(SETTING, "Patient", query)


def test_no_error_quotes_a_value() -> None:
    with pytest.raises(errors.Invalid) as caught:
        parse(SETTING, ("Patient",), [("birthdate", "Mr. Secret")])
    assert "Secret" not in str(caught.value)
    assert "Secret" not in repr(caught.value.issues)


def test_a_long_key_is_cut_in_answers() -> None:
    (issue,) = parse(SETTING, ("Patient",), [("x" * 50_000, "1")]).unknown
    assert len(issue.where) <= 100
    assert len(issue.text) <= 400


def test_contained_resources_are_for_who_can_show_them() -> None:
    pairs = [("_contained", "true")]
    with pytest.raises(errors.Unsupported, match="plain search"):
        parse(SETTING, ("Patient",), pairs)
    with pytest.raises(errors.Unsupported):
        criteria(SETTING, "Patient", "name=a&_contained=both")
    assert shown(criteria(SETTING, "Patient", "active=true&_contained=false")) == (
        "Patient.active = true"
    )
