"""Every way to data, by name."""

from __future__ import annotations

from tests.oracle.way import Way
from tests.oracle.ways import (
    changes,
    conditional,
    hidden,
    histories,
    one,
    operations,
    records,
    searches,
    surfaces,
)

WAYS: dict[str, Way] = {
    **one.WAYS, **histories.WAYS, **searches.WAYS, **operations.WAYS,
    **changes.WAYS, **conditional.WAYS, **hidden.WAYS, **surfaces.WAYS, **records.WAYS,
}  # fmt: skip
