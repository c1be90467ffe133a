"""Erasing again who was erased, where the store is a copy from before that."""

from __future__ import annotations

from dataclasses import replace

from careplane.app.settings import Settings
from careplane.storage.keys.erasures import NAME


async def reapplied(settings: Settings, *, wholly: bool = False) -> int:
    """Erase again who was erased before, where the store is a copy from before that; how many.
    `wholly`: look through all of it, not only for keys that have come back."""
    if not (settings.data / NAME).exists():
        return 0
    from careplane.app.build import OPERATOR, build  # seldom: most have erased nobody
    from careplane.records.erase import reapply

    here = build(settings, forgiving=True)
    try:
        if not wholly and not await here.store.keeper.pending():
            return 0
        await here.tenancy.known.look()
        tenants = [one.tenant for one in here.tenancy.known.all()]
        callers = [replace(OPERATOR, tenant=tenant) for tenant in tenants]
        return sum([await reapply(here.parts, here.erasing, caller) for caller in callers])
    finally:
        await here.close()
