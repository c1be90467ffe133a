"""How long US Core takes beside base validation: `python -m tools.measure_profiles`. In processor
time of one core.

The Observations of the synthetic patients, each of which claims a profile of US Core; a Bundle of
1,000 of them; and the slow path, which is asked where the fast one is not sure. Definitions come
from the US Core package of the test data, codes are answered from memory.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import msgspec

from careplane.fhir.codec import json as codec
from careplane.fhir.profiles import Library, examine
from careplane.fhir.profiles.fast import Known, Swift
from careplane.fhir.validation import check
from tests.codes_house import LocalCodes
from tests.support import test_data
from tests.us_core_house import shelf

_ENTRIES, _TIMES, _ROUNDS = 1_000, 20, 7
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
_LAB = "us-core-observation-lab"


def main() -> None:
    """Measure and print."""
    library = Library(shelf())
    codes = LocalCodes(shelf())
    swift, known = Swift(library), Known(codes)
    all_of_them = _observations()
    sure = [raw for raw in all_of_them if swift.surely(raw, check(raw).struct, known)]
    print(f"Observations that are surely good: {len(sure)} of {len(all_of_them)}")
    sample = sure[:200]
    structs = [check(raw).struct for raw in sample]
    base = _each(lambda: [check(raw) for raw in sample], len(sample))
    more = _each(
        lambda: [swift.surely(r, s, known) for r, s in zip(sample, structs, strict=True)],
        len(sample),
    )
    together = base + more
    times = together / base
    print(f"base validation {base:.1f} µs, with US Core {together:.1f} µs, {times:.2f} times")
    trees = [codec.parse(raw) for raw in sample]
    slow = _each(lambda: [examine(tree, library, codes=codes) for tree in trees], len(sample))
    print(f"the slow path {slow:.0f} µs")
    bundle = _bundle(sure)
    struct = check(bundle).struct
    assert swift.surely(bundle, struct, known)
    base = _each(lambda: check(bundle), 1, times=1)
    more = _each(lambda: swift.surely(bundle, struct, known), 1, times=1)
    print(
        f"Bundle of {_ENTRIES}: base {base / 1e3:.0f} ms, with US Core {(base + more) / 1e3:.0f} ms"
    )


def _observations() -> list[bytes]:
    """Laboratory results and vital signs, each with its claim."""
    found = []
    for file in sorted(test_data("synthea-r4").glob("*.json.gz"))[:20]:
        for entry in json.loads(gzip.decompress(file.read_bytes()))["entry"]:
            resource = entry["resource"]
            category = str(resource.get("category"))
            if resource["resourceType"] != "Observation" or "laboratory" not in category:
                continue
            resource["meta"] = {"profile": [_US_CORE + _LAB]}
            for name in ("subject", "encounter"):
                reference = resource.get(name, {}).get("reference", "")
                resource[name] = {"reference": reference.replace("urn:uuid:", f"{_OF[name]}/")}
            found.append(json.dumps(resource, separators=(",", ":")).encode())
    return found


_OF = {"subject": "Patient", "encounter": "Encounter"}


def _bundle(resources: list[bytes]) -> bytes:
    entries = [
        {
            "fullUrl": f"urn:uuid:7f8e5b4c-6d1a-4d4e-8a9b-{number:012d}",
            "resource": msgspec.Raw(resources[number % len(resources)]),
            "request": {"method": "POST", "url": "Observation"},
        }
        for number in range(_ENTRIES)
    ]
    tree: dict[str, Any] = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return msgspec.json.encode(tree)


def _each(run: Callable[[], object], among: int, times: int = _TIMES) -> float:
    """Microseconds for one of many, the median of rounds."""
    found = []
    for _ in range(_ROUNDS):
        start = time.process_time()
        for _ in range(times):
            run()
        found.append((time.process_time() - start) / times / among * 1e6)
    return median(found)


if __name__ == "__main__":
    main()
