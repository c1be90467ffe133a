"""The house stands: every room has its page, says what it is, and the import contracts hold."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support import ROOT

PACKAGE = ROOT / "src" / "careplane"
ROOMS = sorted(p.name for p in PACKAGE.iterdir() if p.is_dir() and (p / "__init__.py").exists())


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_a_page_that_says_how_to_use_it(room: str) -> None:
    page = (PACKAGE / room / "README.md").read_text()
    for part in ("Purpose", "Door", "May import", "To add one more"):
        assert part in page, f"{room}/README.md says nothing under {part!r}"


def test_import_contracts_hold() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.parametrize(
    "path",
    [str(p.relative_to(PACKAGE)) for p in PACKAGE.rglob("*.py") if "generated" not in p.parts],
)
def test_a_file_opens_by_saying_what_it_is(path: str) -> None:
    assert (PACKAGE / path).read_text().startswith('"""'), f"{path} has no opening docstring"
