"""Where the tests write, and in which order they run."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from hatch_build import compile_catalogues

ROOT = Path(__file__).resolve().parent.parent
MEMORY = Path("/dev/shm")
ROOM = 4_000_000_000
"""Bytes that must be free there; each test's files go when it has passed."""
LONG = ("oracle", "journeys", "contracts", "attacks", "laws", "conformance")
"""Folders of tests that take seconds each: they start servers and stores, or draw many examples."""


def pytest_configure(config: pytest.Config) -> None:
    """Folders of tests are in memory where there is room: a store syncs a hundred times a test, and
    no test is about a disk that loses power. The catalogues of all languages are compiled."""
    compile_catalogues(ROOT)
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
        tempfile.tempdir = str(MEMORY)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long ones first: a worker takes the next file when it is done with one, and at the end only
    files of milliseconds are left."""
    items.sort(key=lambda item: _place(Path(item.path).relative_to(config.rootpath).parts))


def _place(parts: tuple[str, ...]) -> int:
    found = [place for place, folder in enumerate(LONG) if folder in parts]
    return found[0] if found else len(LONG)
