"""Lines of an export against the log: is each a version that has a leaf, byte for byte?"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from careplane.ledger.leaf import Sealed, kind_of, opened
from careplane.ledger.tree import entry_of
from careplane.ledger.versions import told
from careplane.storage.ports.ledger import LedgerStore
from careplane.storage.ports.records import RecordStore, Tenant

_MOST = 100


class _Meta(msgspec.Struct, rename="camel"):
    version_id: str


class _Line(msgspec.Struct, rename="camel"):
    resource_type: str
    id: str
    meta: _Meta


async def checked(
    store: LedgerStore, records: RecordStore, tenant: Tenant, secret: bytes, lines: Iterable[bytes]
) -> tuple[int, list[str]]:
    """How many lines are what a leaf says, and which are not, in words. Lines without a version,
    or of a de-identified or filtered export, are not."""
    good, problems = 0, []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if wrong := await _wrong(store, records, tenant, secret, line.rstrip(b"\r\n")):
            problems.append(f"Line {number}: {wrong}")
            if len(problems) == _MOST:
                return good, [*problems, "... and perhaps more"]
        else:
            good += 1
    return good, problems


async def _wrong(
    store: LedgerStore, records: RecordStore, tenant: Tenant, secret: bytes, line: bytes
) -> str:
    try:
        read = msgspec.json.decode(line, type=_Line)
        number = int(read.meta.version_id)
    except (msgspec.MsgspecError, ValueError):
        return "it is no resource with a version."
    version = await records.vread(tenant, read.resource_type, read.id, number)
    entry = await entry_of(store, tenant, version.t) if version else None
    if version is None or version.deleted or entry is None:
        return "the log has no leaf of this version."
    kind, values = told(tenant, version)
    values["sha256"] = sha256(line).hexdigest()
    if kind_of(entry.leaf) is not kind or not opened(
        Sealed(entry.leaf, entry.salt), values, secret
    ):
        return "it is not what its leaf says."
    return ""
