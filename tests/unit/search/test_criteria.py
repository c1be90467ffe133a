"""Criteria of every type as plan nodes, case by case; one table a parameter type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from careplane.fhir.analytes import Masses
from careplane.kernel import errors
from careplane.search.code_sets import Answer, Question
from careplane.search.criterion import Setting
from careplane.search.parse import parse, parse_query
from careplane.search.plan import Coding
from careplane.search.registry import r4_registry
from tests.unit.search.notation import shown

NOW = 1_704_067_200_000_000


class SomeCodeSets:
    """One small value set and one small hierarchy, and what R4 has."""

    _FAMILY = (Coding("s", "a"), Coding("s", "a1"))

    def answer(self, question: Question) -> Answer:
        if question.value == "http://example.org/vs|1":
            return (Coding("s", "a"), Coding("s", "b"))
        if question.about == "text":
            return (Coding("s", "named"),) if question.value == "Migraine" else ()
        if question.about == "in":
            return SETTING.code_sets.answer(question)
        family = self._FAMILY if question.about == "below" else self._FAMILY[::-1]
        return family if question.system == "s" else None


SETTING = Setting(r4_registry({}), "https://here/fhir", NOW)
MASSES = Masses(
    {("http://loinc.org", "A"): 1e-22, ("http://loinc.org", "B"): 1e-22, ("s", "C"): 1e-21}
)
WITH_CODES = Setting(SETTING.registry, SETTING.base, NOW, SomeCodeSets(), lambda: MASSES)
TABLES = sorted(
    t for t in Path(__file__).with_name("cases").glob("*.yaml") if t.stem != "full_text"
)
CASES = [
    pytest.param(case, id=f"{table.stem}: {case['search']}")
    for table in TABLES
    for case in yaml.safe_load(table.read_text("utf-8"))
]


@pytest.mark.parametrize("case", CASES)
def test_a_search(case: dict[str, Any]) -> None:
    type, _, query = case["search"].partition("?")
    types, pairs = ((type,) if type else ()), parse_query(query)
    if case.get("error"):
        with pytest.raises(getattr(errors, case["error"])) as caught:
            parse(WITH_CODES, types, pairs)
        assert "where" not in case or caught.value.issues[0].where == case["where"]
        return
    search = parse(WITH_CODES, types, pairs)
    assert [issue.where for issue in search.unknown] == case.get("unknown", [])
    assert shown(search.query.where) == case.get("plan", "everything")
