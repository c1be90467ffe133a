"""Make the demo data of the package from Synthea patients and the story: `make demo-data`.

    python -m tools.make_demo [FOLDER OF SYNTHEA BUNDLES]

The output is the same for the same input, byte for byte.
"""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import msgspec

from tools.demo import hospital
from tools.demo.around import around, insurer
from tools.demo.cast import CAST, Part
from tools.demo.roles import ROLES, allergies
from tools.demo.shapes import Tree
from tools.demo.synthea import read

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "src/careplane/app/demo/bundles.ndjson.gz"


def main(folder: Path) -> None:
    """Build every bundle, write the file, say what is in it."""
    bundles = [[*hospital.resources(), insurer()]]
    bundles += [patient(folder, part, number) for number, part in enumerate(CAST, 1)]
    lines = b"\n".join(transaction(trees) for trees in bundles)
    OUT.write_bytes(gzip.compress(lines, 9, mtime=0))
    count = sum(map(len, bundles))
    print(f"{len(CAST)} patients, {count} resources, {OUT.stat().st_size:,} bytes -> {OUT.name}")


def patient(folder: Path, part: Part, number: int) -> list[Tree]:
    """One patient's resources: the trimmed base, what the role adds, the allergies."""
    base = read(folder, part, number)
    added = ROLES[part.role](part.id, base) + allergies(part.id, part.allergies)
    trees = base + added + around(part.id)
    ids = [(tree["resourceType"], tree["id"]) for tree in trees]
    assert len(set(ids)) == len(ids), f"{part.id}: an id stands twice"
    return trees


def transaction(trees: list[Tree]) -> bytes:
    """A transaction Bundle that puts each resource under its own id."""
    entries = [
        {
            "fullUrl": f"http://demo.careplane.example/fhir/{tree['resourceType']}/{tree['id']}",
            "resource": tree,
            "request": {"method": "PUT", "url": f"{tree['resourceType']}/{tree['id']}"},
        }
        for tree in trees
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return _encoder.encode(bundle)


_encoder = msgspec.json.Encoder(decimal_format="number")  # the digits stay as written


if __name__ == "__main__":
    data = Path(os.environ.get("CAREPLANE_TEST_DATA", ROOT.parent / "shared/data"))
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else data / "synthea-r4")
