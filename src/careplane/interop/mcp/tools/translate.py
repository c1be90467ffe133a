"""`terminology_translate`: what a code is in another system (`ConceptMap/$translate`)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.interop.mcp import codes
from careplane.interop.mcp.tool import Answer, Arguments, Desk, Tool
from careplane.terminology import calls

_MOST = 50


class Taken(Arguments, frozen=True):
    """What `terminology_translate` takes."""

    system: codes.System
    code: codes.Code
    target: Annotated[
        codes.Url, Meta(description="URL of the code system that is wanted; empty: any.")
    ] = ""
    concept_map: Annotated[
        codes.Url, Meta(description="Canonical URL of the map to use; empty: any that fits.")
    ] = ""


class Match(Struct, frozen=True, omit_defaults=True):
    """One code that it is translated to."""

    equivalence: Annotated[str, Meta(description="Of concept-map-equivalence, such as wider.")]
    system: str
    code: str
    display: str = ""
    source: Annotated[str, Meta(description="The ConceptMap that says so.")] = ""


class Given(Answer, frozen=True):
    """What `terminology_translate` gives."""

    found: bool
    matches: list[Match]
    message: str | None = None
    without_room: Annotated[int, Meta(description="Matches beyond those shown.")] = 0


async def translate(desk: Desk, caller: Caller, taken: Taken) -> Given:
    """Raises NotFound for a map that is not here."""
    said = await codes.ask(
        desk,
        caller,
        ("ConceptMap", "translate"),
        calls.translate_code,
        url=taken.concept_map,
        system=taken.system,
        code=taken.code,
        targetsystem=taken.target,
    )
    matches = [_match(one) for one in codes.parts(said, "match")]
    return Given(
        codes.value(said, "result") is True,
        matches[:_MOST],
        codes.text(said, "message"),
        max(0, len(matches) - _MOST),
    )


def _match(match: Tree) -> Match:
    concept = codes.value(match, "concept") or {}
    return Match(
        codes.text(match, "equivalence") or "",
        str(concept.get("system", "")),
        str(concept.get("code", "")),
        str(concept.get("display", "")),
        codes.text(match, "source") or "",
    )


TOOL = Tool(
    "terminology_translate",
    "Translate a code",
    "Say what a code of one system is in another, by the concept maps of this server.",
    Taken,
    Given,
    translate,
)
