"""What must be said with an answer: that it holds records which may not be passed on."""

from __future__ import annotations

from collections.abc import Iterable

from careplane.access.consent.consents import PART2_BYTES
from careplane.access.labels.labelling import NOTICE
from careplane.kernel.errors import Issue
from careplane.records.parts import Parts
from careplane.storage.ports.records import Tenant, Version

REDISCLOSURE = Issue("information", "informational", NOTICE)
"""The notice of 42 CFR 2.32, for records that are labelled 42CFRPart2."""


def notices(parts: Parts, tenant: Tenant, versions: Iterable[Version]) -> tuple[Issue, ...]:
    """Those that go with these versions. Nothing is looked at where no such record is stored."""
    consents = parts.decider.consents
    edition = consents and consents.books.edition(tenant)
    if not edition or not edition.part2:
        return ()
    return (REDISCLOSURE,) if any(PART2_BYTES in version.rest for version in versions) else ()
