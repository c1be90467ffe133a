"""`$closure`: the tables of codes that clients keep, in the StateStore, each of its own client."""

from __future__ import annotations

import msgspec

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Incorrect, NotFound, Stale, Unsupported
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.parts import Parts
from careplane.records.terms.ask import library
from careplane.terminology.closure import Table, added, concept_map, since
from careplane.terminology.options import Options
from careplane.terminology.scope import Scope

_SPACE = "closure"
_LONGEST = 200
_CODES = 1000
"""Codes of one call."""


async def closure(parts: Parts, account: Account, command: c.Closure) -> Tree:
    """The ConceptMap of what is new in a table. Without codes and version: the table, empty."""
    state = parts.terms.state if parts.terms else None
    if state is None:
        raise Unsupported("This server keeps no closure tables.")
    if not 0 < len(command.name) <= _LONGEST or len(command.codings) > _CODES:
        raise Incorrect(f"A table has a name of 1 to {_LONGEST} characters; send {_CODES} codes.")
    account.query = f"$closure?name={command.name}"
    tenant, key = account.caller.tenant, f"{account.caller.id}\n{command.name}"
    held = await state.get(tenant, _SPACE, key)
    revision = 0 if held is None else held.revision
    date = format_instant(parts.clock())
    if not command.codings and command.since is None:
        table = Table()
    elif held is None:
        raise NotFound("There is no closure table of this name; begin it with its name alone.")
    else:
        before = msgspec.msgpack.decode(held.value, type=Table)
        scope = Scope(library(parts, account), Options())
        table = await added(scope, before, command.codings)
        first = before.number if command.since is None else command.since
        if table is before:
            return concept_map(command.name, since(table, first), date)
        command = msgspec.structs.replace(command, since=first)
    value = msgspec.msgpack.encode(table)
    if await state.put(tenant, _SPACE, key, value, revision) is None:
        raise Stale("The closure table was changed meanwhile; send the request again.")
    return concept_map(command.name, since(table, command.since or 0), date)
