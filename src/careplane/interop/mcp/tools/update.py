"""`update`: elements of a resource as they shall be (FHIR R4, 3.1.0.6 patch).

Whole resources are not taken: what a model has read lacks narratives and long texts, and would
take them away.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Raw

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.fhir.tree import Tree
from careplane.interop.mcp.asking import Id, Type
from careplane.interop.mcp.tool import Answer, Arguments, Desk, Tool
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.rest.outcome import outcome

_FIXED = ("resourceType", "id")


class Taken(Arguments, frozen=True):
    """What `update` takes."""

    type: Type
    id: Id
    version: Annotated[
        int,
        Meta(
            ge=1,
            lt=10**9,
            description="The version that was read (meta.versionId): if somebody else has written "
            "in between, nothing is done.",
        ),
    ]
    elements: Annotated[
        dict[str, Any],
        Meta(
            description="Top-level elements as they shall be, each whole, such as "
            '{"status": "completed"}; null takes one away, others stay as they are.',
            min_length=1,
        ),
    ]


class Given(Answer, frozen=True):
    """What `update` gives."""

    effect: Annotated[str, Meta(description="updated, or unchanged.")]
    version: int
    outcome: Annotated[
        Raw | None, Meta(description="OperationOutcome of what its profiles say of it.")
    ] = None


async def update(desk: Desk, caller: Caller, taken: Taken) -> Given:
    """Raises Invalid with every problem, Precondition where the version is another one."""
    for name in _FIXED:
        if name in taken.elements:
            raise Incorrect(f"{name} cannot be changed.")

    def change(tree: Tree) -> Tree:
        after = {**_without_stale_text(tree), **taken.elements}
        return {name: value for name, value in after.items() if value is not None}

    command = c.Patch(taken.type, change, taken.id, if_match=taken.version)
    done = await desk.door.patch(caller, command)
    assert done.version is not None, "a patch leaves a version"
    issues = Raw(outcome(done.issues)) if done.issues else None
    return Given(done.effect, done.version.version, issues)


def _without_stale_text(tree: Tree) -> Tree:
    """A narrative that was generated from the elements would say what they were before."""
    is_generated = tree.get("text", {}).get("status") in ("generated", "extensions")
    return {k: v for k, v in tree.items() if k != "text"} if is_generated else tree


TOOL = Tool(
    "update",
    "Update a record",
    "Replace elements of a FHIR resource. A narrative that was generated from its elements goes, "
    "unless a new one is sent. Ask the person whom you work for before you call this.",
    Taken,
    Given,
    update,
    Permission.UPDATE,
)
