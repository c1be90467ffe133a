"""`search`: resources of a type that match (FHIR R4, 3.1.1)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct, field

from careplane.access.caller import Caller
from careplane.interop.mcp.asking import Cursor, Elements, Type
from careplane.interop.mcp.compact import Omitted, Room, compact
from careplane.interop.mcp.tool import DATA, Answer, Arguments, Desk, Tool
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.records.commands import Handling
from careplane.records.results import Version
from careplane.rest.outcome import outcome

_OURS = frozenset({"_count", "_elements", "_summary", "_format", "_pretty", "_page", "_contained"})
_MOST_PARAMETERS = 30
Value = Annotated[str, Meta(max_length=2000)]


class Taken(Arguments, frozen=True):
    """What `search` takes."""

    type: Type = ""
    parameters: Annotated[
        dict[Annotated[str, Meta(max_length=200)], Value | list[Value]],
        Meta(
            description="Search parameters of FHIR R4 by name, modifiers and chains included, such "
            'as {"patient": "Patient/17", "code": "http://loinc.org|4548-4", "_sort": "-date"}. '
            "Values with commas match any of them; a list of values must all match.",
        ),
    ] = field(default_factory=dict)
    count: Annotated[
        int, Meta(ge=0, le=50, description="Matches in the answer; 0 only counts them.")
    ] = 10
    elements: Elements = ()
    cursor: Cursor = ""


class Given(Answer, frozen=True):
    """What `search` gives."""

    matches: Annotated[list[Raw], Meta(description="Resources that match, in their order.")]
    omitted: Annotated[list[Omitted], Meta(description="What was left out of resources.")]
    total: Annotated[
        int | None, Meta(description="How many match altogether, where that is known.")
    ] = None
    included: Annotated[
        tuple[Raw, ...], Meta(description="Resources that _include and _revinclude added.")
    ] = ()
    without_room: Annotated[
        tuple[str, ...],
        Meta(description="Of this page, resources that were too long to show; read them singly."),
    ] = ()
    next: Annotated[str | None, Meta(description="Cursor of what follows; none at the end.")] = None
    outcome: Annotated[
        Raw | None, Meta(description="OperationOutcome of what should be known besides.")
    ] = None


class _Further(Struct, frozen=True, array_like=True):
    """What a cursor carries."""

    type: str
    pairs: tuple[tuple[str, str], ...]
    elements: tuple[str, ...]
    cursor: str


async def search(desk: Desk, caller: Caller, taken: Taken) -> Given:
    """A page. A parameter that is not known is an error, so that no answer is wider than asked."""
    asked = desk.seal.open(taken.cursor, _Further) if taken.cursor else _first(taken)
    command = c.Search(
        asked.type, asked.pairs, Handling.STRICT, cursor=asked.cursor if taken.cursor else None
    )
    found = await desk.door.search(caller, command)
    room = Room()
    omitted: list[Omitted] = []
    without: list[str] = []

    def shown(versions: tuple[Version, ...], elements: tuple[str, ...]) -> list[Raw]:
        kept = []
        for one in (compact(version, elements) for version in versions):
            raw = room.takes(one)
            if raw is None:
                without.append(one.reference)
            else:
                kept.append(raw)
                omitted.extend(one.omitted)
        return kept

    further = None
    if found.next is not None:
        further = desk.seal.seal(_Further(asked.type, asked.pairs, asked.elements, found.next))
    return Given(
        shown(found.matches, asked.elements),
        omitted,
        found.total,
        tuple(shown(found.included, ())),
        tuple(without),
        further,
        Raw(outcome(found.issues)) if found.issues else None,
    )


def _first(taken: Taken) -> _Further:
    if not taken.type:
        raise Incorrect("Name the type of resource to search, such as Observation.")
    if len(taken.parameters) > _MOST_PARAMETERS:
        raise Incorrect(f"A search takes {_MOST_PARAMETERS} parameters.")
    pairs: list[tuple[str, str]] = []
    for name, value in taken.parameters.items():
        if name in _OURS:
            raise Incorrect(
                f"{name} is not taken as a parameter; there are 'count', 'elements' and 'cursor'."
            )
        pairs += [(name, one) for one in ([value] if isinstance(value, str) else value)]
    if taken.count == 0:
        pairs.append(("_summary", "count"))
    else:
        pairs.append(("_count", str(taken.count)))
    return _Further(taken.type, tuple(pairs), taken.elements, "")


TOOL = Tool(
    "search",
    "Search records",
    "Find FHIR resources of one type by search parameters. The answer has as many as asked for, "
    "without narratives and files, and a cursor where there are more; what the caller may not see "
    "is not counted." + DATA,
    Taken,
    Given,
    search,
)
