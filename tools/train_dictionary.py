"""Trains a dictionary for the compression of bodies: `python -m tools.train_dictionary NUMBER`.

It learns from every second file of the public synthetic patients, written as the store keeps them,
and prints what it makes of the other half. The same input gives the same dictionary.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import zstandard

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("CAREPLANE_TEST_DATA", ROOT.parent / "shared" / "data"))
TARGET = ROOT / "src" / "careplane" / "storage" / "dictionaries"
SIZE = 112 * 1024
LEVEL = 3
SAMPLE_EVERY = 3


def bodies(path: Path) -> Iterator[tuple[str, bytes]]:
    """Type and body of every resource of a bundle, its references made literal."""
    with gzip.open(path) as file:
        text = file.read().decode()
    entries = json.loads(text, parse_float=Decimal)["entry"]
    types = {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in entries}
    literal = re.compile(r"urn:uuid:([0-9a-f-]{36})")

    def named(match: re.Match[str]) -> str:
        type = types.get(match.group())
        return f"{type}/{match.group(1)}" if type else match.group()

    for entry in entries:
        resource: dict[str, Any] = entry["resource"]
        type = resource["resourceType"]
        kept = {k: v for k, v in resource.items() if k not in ("resourceType", "id", "meta")}
        line = json.dumps(kept, separators=(",", ":"), ensure_ascii=False, default=float)
        yield type, literal.sub(named, line).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int, help="of the new dictionary, one more than the newest")
    number = parser.parse_args().number
    files = sorted((DATA / "synthea-r4").glob("*.json.gz"))
    learnt = [body for path in files[::2] for _, body in bodies(path)]
    samples: list[bytes | bytearray | memoryview] = [*learnt[::SAMPLE_EVERY]]
    dictionary = zstandard.train_dictionary(SIZE, samples, level=LEVEL)
    TARGET.mkdir(exist_ok=True)
    (TARGET / f"{number:04}.zdict").write_bytes(dictionary.as_bytes())
    compressor = zstandard.ZstdCompressor(LEVEL, dict_data=dictionary, write_dict_id=False)
    held_out = [body for path in files[1::2] for _, body in bodies(path)]
    packed = [len(compressor.compress(body)) for body in held_out]
    raw = sum(map(len, held_out))
    print(f"{len(samples)} samples, {len(held_out)} held out: {sum(packed) / raw:.3f} of the size,")
    print(f"median {sorted(packed)[len(packed) // 2]} B, mean {sum(packed) / len(packed):.0f} B")


if __name__ == "__main__":
    main()
