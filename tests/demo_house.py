"""The demo as a server of its own. Its records are loaded once by each process of the tests; a
server begins with a copy of that folder, and what is done there nobody else sees."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tools import screenshots


@contextmanager
def served(data: Path | None = None, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of the demo, on a free port until the block ends: in `data`, which is not there
    yet, or in a scratch folder. `settings`: more of its environment."""
    with tempfile.TemporaryDirectory(prefix="careplane-") as scratch:
        folder = data or Path(scratch) / "data"
        records(folder)
        with screenshots.served(folder, settings) as url:
            yield url


def records(data: Path) -> None:
    """Make it the data folder of a demo that nobody has used."""
    shutil.copytree(_loaded(), data)


@cache
def _loaded() -> Path:
    """Loaded by a server, as for anyone who tries the demo, and that has ended."""
    room = tempfile.mkdtemp(prefix="careplane-demo-")
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    folder = Path(room) / "data"
    with screenshots.served(folder):
        return folder
