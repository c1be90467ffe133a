"""Prefixes on ranges, case by case, and what holds between them whatever the ranges are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from careplane.search.plan import Prefix
from careplane.search.ranges import in_range, in_span

CASES = yaml.safe_load(Path(__file__).with_name("ranges.yaml").read_text())
POINTS_ONLY = {Prefix.GT, Prefix.LT, Prefix.GE, Prefix.LE, Prefix.SA, Prefix.EB}


@pytest.mark.parametrize("case", CASES["dates"], ids=str)
def test_dates(case: dict[str, Any]) -> None:
    found = {p.value for p in Prefix if in_span(p, *case["asked"], *case["has"])}
    assert found == set(case["match"])


@pytest.mark.parametrize("case", CASES["numbers"], ids=str)
def test_numbers(case: dict[str, Any]) -> None:
    low, high = case["asked"]
    asked = (set(Prefix) - {Prefix.EQ, Prefix.NE}) if low == high else set(Prefix) - POINTS_ONLY
    if not case["match"] or case["match"] == ["ap"]:
        asked = {Prefix.AP}
    found = {p.value for p in asked if in_range(p, low, high, *case["has"])}
    assert found == set(case["match"])


spans = st.tuples(st.integers(-50, 50), st.integers(1, 20)).map(lambda t: (t[0], t[0] + t[1]))


@given(spans, spans)
def test_laws_of_dates(asked: tuple[int, int], has: tuple[int, int]) -> None:
    is_ = {p: in_span(p, *asked, *has) for p in Prefix}
    assert is_[Prefix.NE] is not is_[Prefix.EQ]
    assert is_[Prefix.GE] is (is_[Prefix.GT] or is_[Prefix.EQ])
    assert is_[Prefix.LE] is (is_[Prefix.LT] or is_[Prefix.EQ])
    assert is_[Prefix.SA] <= is_[Prefix.GT]
    assert is_[Prefix.EB] <= is_[Prefix.LT]
    assert is_[Prefix.AP] is not (is_[Prefix.SA] or is_[Prefix.EB])
    assert any((is_[Prefix.EQ], is_[Prefix.GT], is_[Prefix.LT]))
