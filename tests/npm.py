"""Packages of npm that tests use as they were published, each pinned by its digest."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

from tests.journeys.test_clients_of_others import node
from tests.support import missing


def packed(package: str, sha512: str, folder: Path) -> Path:
    """The archive of `name@version`; skips, loudly, where npm's registry cannot be had."""
    try:
        said = subprocess.run(
            [*node("npm"), "pack", package, "--ignore-scripts", "--silent"],
            cwd=folder, check=True, timeout=100, capture_output=True, text=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        missing(f"npm's registry, for {package}")
    path = folder / said.stdout.split()[-1]
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    assert digest == sha512
    return path
