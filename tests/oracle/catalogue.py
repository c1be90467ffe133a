"""Every way to data, by name."""

from __future__ import annotations

from tests.oracle.way import Way
from tests.oracle.ways import histories, one, operations, searches

WAYS: dict[str, Way] = {**one.WAYS, **histories.WAYS, **searches.WAYS, **operations.WAYS}
