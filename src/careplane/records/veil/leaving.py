"""The last gate: no version leaves the door for a caller who does not see everything, but veiled.

What was read is veiled already (`store`); what was written, or judged on what is stored, is veiled
here. A result that this file does not know is kept in: whoever adds one must say here where its
versions are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from careplane.kernel.errors import Fault
from careplane.records import results as r
from careplane.records.commands import Operated
from careplane.records.veil.veil import Veil
from careplane.records.veil.veiled import Veiled
from careplane.records.walk import Walk

Result = TypeVar("Result")

_HOLDS_NONE = (
    type(None), int, Mapping, Operated, Walk, r.Checked, r.MetaFound, r.Prepared, r.Purged,
    r.Reached, r.Relabelled, r.Report, r.Shredded,
)  # fmt: skip
"""They hold no version; trees in them are made of what was read under the veil."""
_FIELDS: Mapping[type[Struct], tuple[str, ...]] = {
    r.Versions: ("versions",),
    r.Found: ("matches", "included"),
    r.Exported: ("versions",),
    r.Statistics: ("sources",),
    r.Around: ("found",),
    r.Processed: ("answers",),
    r.Answer: ("result",),
    r.Written: ("version",),
    r.Acted: ("written",),
}


async def leaving(veil: Veil, result: Result) -> Result:
    """The result, with every version in it as the caller sees it. Raises Fault for one of a kind
    that is not known here."""
    found: Result = await _shown(veil, result)
    return found


async def _shown(veil: Veil, result: Any) -> Any:
    if isinstance(result, r.Version):
        return await veil.one(result)
    if isinstance(result, tuple):
        if all(isinstance(one, r.Version) for one in result):
            return tuple(await veil.over(result))
        return tuple([await _shown(veil, one) for one in result])
    fields = _FIELDS.get(type(result))
    if fields is not None:
        if isinstance(result, r.Found):
            _only_veiled(result)
        return replace(result, **{n: await _shown(veil, getattr(result, n)) for n in fields})
    if isinstance(result, _HOLDS_NONE):
        return result
    raise Fault(f"A result of type {type(result).__name__} has no place in records.veil.leaving.")


def _only_veiled(found: r.Found) -> None:
    if not all(isinstance(inside.container, Veiled) for inside in found.inside):
        raise Fault("A contained resource was found in one that is not veiled.")
