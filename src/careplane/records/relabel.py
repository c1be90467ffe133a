"""`$relabel`: what is stored gets the labels that the tables and sources of today call for.

What is written meanwhile is labelled by that write. A resource that has all its labels is left as
it is, so that this can be done again at any time.
"""

from __future__ import annotations

import asyncio

from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.kernel.errors import Stale, Unsupported
from careplane.records import rights
from careplane.records.account import Account
from careplane.records.bodies import rows_of
from careplane.records.commands import Relabel
from careplane.records.commit import Draft, commit
from careplane.records.parts import Parts
from careplane.records.results import Effect, Relabelled
from careplane.storage.ports.records import Put, Version

_PAGE = 500


async def relabel(parts: Parts, account: Account, command: Relabel) -> Relabelled:
    """All of it, one resource after another; for administrators."""
    rights.administrator(account.caller)
    parts.fresh(account.caller)
    if parts.labels is None:
        raise Unsupported("Nothing is labelled on this server.")
    parts = parts.plain
    looked = changed = 0
    for type in sorted(await parts.store.counts(account.caller.tenant)):
        if type not in RESOURCE_TYPES:
            continue
        after: str | None = None
        while page := await parts.store.current(account.caller.tenant, type, after, _PAGE):
            for version in page:
                changed += await _labelled(parts, account, version)
            looked += len(page)
            after = page[-1].id
            await asyncio.sleep(0)  # others have their turn
    account.query = f"{changed} of {looked}"
    return Relabelled(looked, changed)


async def _labelled(parts: Parts, account: Account, version: Version) -> bool:
    assert parts.labels is not None
    rest = parts.labels.labelled(account.caller, version.rest, version.rest)
    if rest is version.rest:
        return False
    new = Version(version.type, version.id, 0, 0, "PUT", rest, 0)
    rows, old = rows_of(parts.extract, new), parts.rows_stored(version)
    put = Put(version.type, version.id, "PUT", rest, rows, expect=version.version, old=old)
    one = Account(account.caller, account.interaction)
    try:
        await commit(parts, one, (Draft(Effect.UPDATED, put),))
    except Stale:  # whoever wrote it has labelled it
        return False
    return True
