"""What leaves say of versions of resources, and of audit records."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256

from careplane.fhir.codec import envelope
from careplane.kernel.clock import format_instant
from careplane.ledger.leaf import SALT_BYTES, Kind, Opening, Sealed, kind_of, opened, seal
from careplane.storage.ports.audit import Together
from careplane.storage.ports.ledger import Entry
from careplane.storage.ports.records import Version

Values = dict[str, str | int]
_CONSENT = "Consent"


def told(tenant: int, version: Version) -> tuple[Kind, Values]:
    """The kind and the statement of a version's leaf. A Consent's says so; its deletion is one."""
    values: Values = {
        "tenant": tenant, "type": version.type, "id": version.id, "version": version.version,
        "recorded": version.last_updated,
    }  # fmt: skip
    if version.deleted:
        return Kind.DELETION, values
    values["sha256"] = sha256(served(version)).hexdigest()
    if version.type != _CONSENT:
        return Kind.VERSION, values
    del values["type"]
    return Kind.CONSENT, values


def served(version: Version) -> bytes:
    """A version as the server answers it."""
    recorded = format_instant(version.last_updated)
    return envelope.join(version.type, version.id, version.version, recorded, version.rest)


def seal_all(tenant: int, versions: Sequence[Version], secret: bytes) -> list[Sealed]:
    """Their leaves, in order."""
    salts = secrets.token_bytes(SALT_BYTES * len(versions))
    return [
        seal(*told(tenant, one), secret, (tenant, one.t), salts[at : at + SALT_BYTES])
        for at, one in zip(range(0, len(salts), SALT_BYTES), versions, strict=True)
    ]


def opening(tenant: int, version: Version, entry: Entry, secret: bytes) -> Opening | None:
    """What shows that a leaf is of this version; None where it is not, or its salt is gone."""
    kind, values = told(tenant, version)
    if kind_of(entry.leaf) is not kind:
        return None
    return opened(Sealed(entry.leaf, entry.salt), values, secret)


def audited(tenant: int, some: Together, recorded: int, secret: bytes) -> Sealed:
    """The leaf of a batch of audit records."""
    values: Values = {
        "tenant": tenant, "first": some.first, "last": some.last, "recorded": recorded,
        "sha256": sha256(some.records).hexdigest(),
    }  # fmt: skip
    return seal(Kind.AUDIT, values, secret)


def sum_of(records: Sequence[tuple[int, bytes]]) -> str:
    """SHA-256 of audit records, one after the other."""
    total = sha256()
    for _, record in records:
        total.update(record)
    return total.hexdigest()
