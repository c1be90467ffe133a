"""Folding: a table of scripts, and that it is stable."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from careplane.search.fold import fold

CASES = yaml.safe_load(Path(__file__).with_name("fold.yaml").read_text("utf-8"))


@pytest.mark.parametrize(("text", "folded"), CASES.items())
def test_a_text(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_short_way_for_ascii_agrees_with_the_long_one(text: str) -> None:
    assert (
        fold(text + "é").removesuffix("e").rstrip() == fold(text + "e").removesuffix("e").rstrip()
    )


@given(st.text(alphabet="aAbBéÉßÅ -'"))
def test_case_does_not_count(text: str) -> None:
    assert fold(text.upper()) == fold(text.lower())
