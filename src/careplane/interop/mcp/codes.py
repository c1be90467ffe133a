"""How tools ask the operations on codes, and read their Parameters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any

from msgspec import Meta

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.interop.mcp.tool import Desk
from careplane.records import commands as c
from careplane.terminology import calls
from careplane.terminology.library import Library, Shelves

System = Annotated[
    str,
    Meta(
        description="URL of the code system, such as http://loinc.org or http://snomed.info/sct.",
        max_length=500,
    ),
]
Code = Annotated[str, Meta(description="The code, without its system.", max_length=500)]
Url = Annotated[str, Meta(max_length=2000)]
Version = Annotated[
    str, Meta(description="Version of the code system; empty: the newest here.", max_length=200)
]
Language = Annotated[
    str, Meta(description="Language of names that is wanted, such as de (BCP 47).", max_length=60)
]


async def ask(
    desk: Desk,
    caller: Caller,
    operation: tuple[str, str],
    work: Callable[[calls.Call], Awaitable[Tree]],
    **values: object,
) -> Tree:
    """What an operation on a type answers to these parameters; those that are empty are not sent,
    and `_` in a name stands for `-`."""
    type, name = operation
    pairs = tuple((key.replace("_", "-"), value) for key, value in values.items() if value != "")
    call = calls.Call(Shelves(), pairs)

    async def within(library: Library, instance: Tree | None) -> Tree:
        return await work(replace(call, library=library))

    return await desk.door.ask(caller, c.Ask(name, type, within))


def parts(parameters: Tree, name: str) -> list[Tree]:
    """The parameters of a name, of a Parameters resource or within one that has parts."""
    found: list[Tree] = parameters.get("parameter") or parameters.get("part") or []
    return [one for one in found if one.get("name") == name]


def value(parameters: Tree, name: str) -> Any:
    """The one value of a parameter, None where it is not there."""
    for one in parts(parameters, name):
        return next((v for k, v in one.items() if k.startswith("value") or k == "resource"), None)
    return None


def text(parameters: Tree, name: str) -> str | None:
    """The one value as text."""
    found = value(parameters, name)
    return None if found is None else str(found)
