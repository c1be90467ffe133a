"""The page of conformance cannot drift: it names every suite, and each case known to fail."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest

from tests.support import ROOT, test_data
from tools.conformance import PAGE, SUITES, name_of

TEXT = PAGE.read_text("utf-8")
NAMES = sorted(name_of(str(file)) for file in SUITES.glob("test_*.py"))


def module(name: str) -> ModuleType:
    return import_module(f"tests.conformance.test_{name}")


def row(name: str) -> list[str]:
    """The cells of a suite's row."""
    opening = (f"| {name} |", f"| [{name}](#{name}) |")
    (found,) = [line for line in TEXT.splitlines() if line.startswith(opening)]
    return [cell.strip() for cell in found.strip("|").split(" | ")]


@pytest.mark.parametrize("name", NAMES)
def test_a_suite_has_its_row_and_its_failures_are_named(name: str) -> None:
    failures = module(name).EXPECTED_FAILURES
    cases, passed = map(int, row(name)[2:4])
    assert cases > 0
    assert cases - passed == len(failures), "run `make conformance`"
    section = TEXT.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    missing = [case for case in failures if f"`{case}`" not in section]
    assert not missing, "run `make conformance`"


def test_the_page_names_no_suite_that_is_gone() -> None:
    assert sum(line.startswith("| ") and "%" in line for line in TEXT.splitlines()) == len(NAMES)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_the_page_is_what_the_suites_say() -> None:
    test_data("fhir-test-cases")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "tools.conformance", "--check"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
