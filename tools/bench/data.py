"""What the bench loads: transaction bundles of synthetic patients, from the public test data."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
Bundle = dict[str, Any]
_URN = "urn:uuid:"


def folder() -> Path | None:
    """The synthetic patients of the public test data, or None."""
    data = Path(os.environ.get("CAREPLANE_TEST_DATA", ROOT.parent / "shared" / "data"))
    patients = data / "synthea-r4"
    return patients if patients.is_dir() else None


def bundles() -> Iterator[Bundle]:
    """Transaction bundles, one a patient."""
    patients = folder()
    if patients is None:
        raise SystemExit(
            "The bench needs the synthetic patients; set CAREPLANE_TEST_DATA to the test data."
        )
    for path in sorted(patients.glob("*.json.gz")):
        yield json.loads(gzip.decompress(path.read_bytes()))


def regrouped(size: int) -> Iterator[tuple[int, bytes]]:
    """Transaction bundles of exactly `size` entries, as bytes, with how many they have. A reference
    to an entry that fell into another bundle becomes one to a resource elsewhere."""
    entries: list[Bundle] = []
    for bundle in bundles():
        for entry in bundle["entry"]:
            entries.append(entry)
            if len(entries) == size:
                yield size, _transaction(entries)
                entries = []


def _transaction(entries: list[Bundle]) -> bytes:
    inside = {entry["fullUrl"] for entry in entries}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    text = json.dumps(bundle, separators=(",", ":"))
    for reference in set(_references(entries)) - inside:
        text = text.replace(f'"{reference}"', f'"Basic/{reference.removeprefix(_URN)}"')
    return text.encode()


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str) and reference.startswith(_URN):
            yield reference
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
