"""Every way to data, by name."""

from __future__ import annotations

from tests.oracle.way import Way
from tests.oracle.ways import (
    assistants,
    audits,
    calendars,
    care,
    changes,
    conditional,
    documents,
    ends,
    hidden,
    histories,
    metas,
    one,
    operations,
    pages,
    records,
    searches,
    studies,
    summaries,
    surfaces,
    talk,
)

WAYS: dict[str, Way] = {
    **one.WAYS, **histories.WAYS, **searches.WAYS, **operations.WAYS,
    **changes.WAYS, **conditional.WAYS, **hidden.WAYS, **surfaces.WAYS, **records.WAYS,
    **documents.WAYS, **metas.WAYS, **ends.WAYS, **summaries.WAYS,
    **assistants.WAYS, **audits.WAYS, **studies.WAYS, **talk.WAYS,
    **care.WAYS, **calendars.WAYS, **pages.WAYS,
}  # fmt: skip
