"""The generated code is what the generator makes of the pinned definitions, to the byte."""

from __future__ import annotations

import pytest

from tests.support import r4_wheel
from tools import generate_ucum
from tools.generate.__main__ import TARGET, generate


@pytest.mark.slow
def test_generated_code_is_fresh() -> None:
    expected = generate(r4_wheel())
    present = {f.relative_to(TARGET).as_posix(): f for f in TARGET.rglob("*.py")}
    assert sorted(present) == sorted(expected)
    stale = [n for n, text in expected.items() if present[n].read_text(encoding="utf-8") != text]
    assert not stale, "run `make generate`"


def test_units_are_fresh() -> None:
    wheel = generate_ucum.find_wheel()
    if wheel is None:
        pytest.skip(
            f"needs the wheel with UCUM: `make generate`, or set {generate_ucum.ENVIRONMENT}"
        )
    expected = generate_ucum.module(generate_ucum.essence(wheel))
    assert generate_ucum.TARGET.read_text("utf-8") == expected, "run `make generate`"
