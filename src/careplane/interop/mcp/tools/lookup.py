"""`terminology_lookup`: what a code means (`CodeSystem/$lookup`)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.interop.mcp import codes
from careplane.interop.mcp.tool import Answer, Arguments, Desk, Tool
from careplane.terminology import calls

_MOST = 50


class Taken(Arguments, frozen=True):
    """What `terminology_lookup` takes."""

    system: codes.System
    code: codes.Code
    version: codes.Version = ""
    language: codes.Language = ""


class Said(Struct, frozen=True):
    """A property, or another name."""

    name: Annotated[str, Meta(description="The property, or the language of a name.")]
    value: str


class Given(Answer, frozen=True):
    """What `terminology_lookup` gives."""

    system: Annotated[str, Meta(description="Name of the code system.")]
    display: str
    version: str | None = None
    definition: str | None = None
    designations: Annotated[tuple[Said, ...], Meta(description="Other names.")] = ()
    properties: tuple[Said, ...] = ()
    without_room: Annotated[int, Meta(description="Names and properties beyond those shown.")] = 0


async def lookup(desk: Desk, caller: Caller, taken: Taken) -> Given:
    """Raises NotFound for a code system, or a code, that is not here."""
    said = await codes.ask(
        desk,
        caller,
        ("CodeSystem", "lookup"),
        calls.lookup_code,
        system=taken.system,
        code=taken.code,
        version=taken.version,
        displayLanguage=taken.language,
    )
    names = [
        Said(_language(one), str(codes.value(one, "value"))) for one in _all(said, "designation")
    ]
    properties = [
        Said(str(codes.value(one, "code")), _said(codes.value(one, "value")))
        for one in _all(said, "property")
    ]
    return Given(
        codes.text(said, "name") or taken.system,
        codes.text(said, "display") or "",
        codes.text(said, "version"),
        codes.text(said, "definition"),
        tuple(names[:_MOST]),
        tuple(properties[:_MOST]),
        max(0, len(names) - _MOST) + max(0, len(properties) - _MOST),
    )


def _all(said: Tree, name: str) -> list[Tree]:
    return codes.parts(said, name)


def _language(designation: Tree) -> str:
    use = codes.value(designation, "use") or {}
    return codes.text(designation, "language") or str(use.get("display") or use.get("code") or "")


def _said(value: Any) -> str:
    if isinstance(value, dict):  # a Coding
        return " ".join(filter(None, (str(value.get("code", "")), value.get("display"))))
    return str(value).lower() if isinstance(value, bool) else str(value)


TOOL = Tool(
    "terminology_lookup",
    "Look a code up",
    "Say what a code means: its display, definition, other names and properties.",
    Taken,
    Given,
    lookup,
)
