"""US Core 6.1.0 as tests have it: its definitions on a shelf, and its own examples."""

from __future__ import annotations

import tarfile
from functools import cache

from tests.support import test_data
from tests.validator_house import Shelf, packed


@cache
def shelf() -> Shelf:
    """The definitions of US Core, above those of R4; skips without the package."""
    found = Shelf()
    for resource in packed(test_data("us-core", "us_core_610.tgz")):
        found.add(resource)
    return found


@cache
def examples() -> dict[str, bytes]:
    """File -> bytes of each example."""
    found = {}
    with tarfile.open(test_data("us-core", "us_core_610.tgz")) as package:
        for member in package:
            folder, _, name = member.name.rpartition("/")
            handle = package.extractfile(member)
            if folder.endswith("/example") and name.endswith(".json") and handle is not None:
                raw = handle.read()
                if name[0] != "." and b'"resourceType"' in raw:
                    found[name] = raw
    return dict(sorted(found.items()))
