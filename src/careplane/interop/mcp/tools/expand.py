"""`terminology_expand`: the codes of a value set, page by page (`ValueSet/$expand`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.interop.mcp import codes
from careplane.interop.mcp.tool import Answer, Arguments, Desk, Tool
from careplane.kernel.clock import format_instant
from careplane.kernel.ids import new_id
from careplane.terminology import calls
from careplane.terminology.expand import Stamp


class Taken(Arguments, frozen=True):
    """What `terminology_expand` takes."""

    value_set: Annotated[codes.Url, Meta(description="Canonical URL of the value set.")]
    filter: Annotated[
        str, Meta(description="Text that a name must have; empty: all.", max_length=200)
    ] = ""
    count: Annotated[int, Meta(ge=1, le=200, description="Codes in the answer.")] = 50
    offset: Annotated[int, Meta(ge=0, lt=10**9, description="Codes to pass over.")] = 0
    active: Annotated[bool, Meta(description="Only codes that are in use.")] = False
    language: codes.Language = ""


class Coded(Struct, frozen=True, omit_defaults=True):
    """One code."""

    system: str
    code: str
    display: str = ""
    abstract: bool = False
    inactive: bool = False


class Given(Answer, frozen=True):
    """What `terminology_expand` gives."""

    codes: list[Coded]
    total: Annotated[int | None, Meta(description="How many there are, where it is known.")] = None


async def expand(desk: Desk, caller: Caller, taken: Taken) -> Given:
    """Raises NotFound for a value set, or a code system of it, that is not here."""
    stamp = Stamp(f"urn:uuid:{new_id()}", format_instant(desk.clock()))

    async def work(call: calls.Call) -> Tree:
        return await calls.expand_value_set(call, stamp)

    said = await codes.ask(
        desk,
        caller,
        ("ValueSet", "expand"),
        work,
        url=taken.value_set,
        filter=taken.filter,
        count=taken.count,
        offset=taken.offset,
        activeOnly=taken.active or "",
        displayLanguage=taken.language,
    )
    expansion = said.get("expansion", {})
    found = list(_flat(expansion.get("contains", [])))
    return Given(found[: taken.count], expansion.get("total"))


def _flat(contains: list[Tree]) -> Iterator[Coded]:
    for one in contains:
        if "code" in one:
            yield Coded(
                str(one.get("system", "")),
                str(one["code"]),
                str(one.get("display", "")),
                one.get("abstract", False),
                one.get("inactive", False),
            )
        yield from _flat(one.get("contains", []))


TOOL = Tool(
    "terminology_expand",
    "Codes of a value set",
    "List the codes of a value set, or those whose names have a text.",
    Taken,
    Given,
    expand,
)
