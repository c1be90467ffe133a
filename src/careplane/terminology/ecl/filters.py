"""Filters that SNOMED CT has beside those of every code system (SNOMED CT on FHIR)."""

from __future__ import annotations

from careplane.terminology.concepts import Filter
from careplane.terminology.ecl.parse import parse
from careplane.terminology.ecl.run import run
from careplane.terminology.ecl.syntax import Members, One
from careplane.terminology.stored.shelf import Shelf


async def of_snomed(shelf: Shelf, filter: Filter) -> bytes | None:
    """`constraint = <an expression constraint>`, and `concept in <a reference set>`."""
    if filter.property == "constraint" and filter.op == "=":
        return await run(shelf, parse(filter.value))
    if filter.property in ("concept", "code") and filter.op == "in":
        code = filter.value.strip()
        return await run(shelf, Members(One(code))) if code in shelf.head.sets else None
    return None
