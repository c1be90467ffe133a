"""What many tests share: where the public test material is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_data(*parts: str) -> Path:
    """A file or folder of the public test material; skips the test, loudly, where it is absent."""
    folder = Path(os.environ.get("CAREPLANE_TEST_DATA", ROOT.parent / "shared" / "data"))
    wanted = folder.joinpath(*parts)
    if not wanted.exists():
        pytest.skip(f"needs {'/'.join(parts)} of the test data; set CAREPLANE_TEST_DATA")
    return wanted


test_data.__test__ = False  # type: ignore[attr-defined]  # a tool for tests, not one
