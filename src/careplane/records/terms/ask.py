"""Operations on codes: `$expand`, `$validate-code` and their kind, over all that the caller finds.

The meaning of them is `terminology`'s; here it gets its library: the tenant's own resources, in
front of those that are everybody's.
"""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.parts import Parts
from careplane.records.read import read
from careplane.records.terms.library import TenantLibrary
from careplane.terminology.library import Library, Shelves


async def ask(parts: Parts, account: Account, command: c.Ask) -> Tree:
    """What the operation answers; with a type and id, of that resource."""
    instance = None
    if command.id is not None:
        version = await read(parts, account, c.Read(command.type, command.id))
        account.saw((version,))
        instance = json.parse(whole(version))
    account.query = f"{command.type}/${command.operation}"
    return await command.work(library(parts, account), instance)


def library(parts: Parts, account: Account) -> Library:
    """Everything that a caller can look codes up in."""
    if parts.terms is None:
        return Shelves()
    return Shelves(TenantLibrary(parts, account, parts.terms.index), parts.terms.everybodys)
