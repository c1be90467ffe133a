"""What a feature has to say of resources of one type before they are written.

A Subscription is more than data: its status belongs to the server, and who wrote it decides what
it may show. The feature declares an `Admit` for its type, `app.build` hands it in, and every write
of the type, by whatever interaction, passes through it. What must stay as it is once it is written,
such as a message that was sent, a `Keep` guards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from careplane.access.caller import Caller
from careplane.fhir.codec import envelope, json
from careplane.fhir.tree import Tree
from careplane.records.bodies import Content
from careplane.storage.ports.records import Version

Admit: TypeAlias = Callable[[Caller, Content], Content]
"""The content as it will be stored. Raises Invalid or Unsupported where it may not be; no I/O."""

Keep: TypeAlias = Callable[[Caller, Version | None, Content | None], None]
"""Asked before the current version of a record (None: there is none) gives way to a content, or to
nothing (a deletion). Raises Forbidden, Conflict or Invalid where it may not; no I/O. What the law
takes away, `$purge` and `$erase`, passes by."""

_ANY_INSTANT: Final = "2020-01-01T00:00:00.000Z"


def said(one: Version | Content) -> Tree:
    """What a resource says, whatever its id and version: what was, and what would be, compare."""
    return json.parse(envelope.join(one.type, "any", 1, _ANY_INSTANT, one.rest))


def each(*families: Mapping[str, Keep]) -> dict[str, Keep]:
    """What guards resources by their type, where several families guard the same type: all are
    asked, in their order."""
    found: dict[str, tuple[Keep, ...]] = {}
    for family in families:
        for type, keep in family.items():
            found[type] = (*found.get(type, ()), keep)
    return {type: keeps[0] if len(keeps) == 1 else _all(keeps) for type, keeps in found.items()}


def _all(keeps: tuple[Keep, ...]) -> Keep:
    def kept(caller: Caller, current: Version | None, content: Content | None) -> None:
        for keep in keeps:
            keep(caller, current, content)

    return kept
