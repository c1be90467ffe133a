"""SubscriptionTopic (FHIR R4B and R5) as a value: what must happen, and what it may be narrowed
by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

Interaction: TypeAlias = Literal["create", "update", "delete"]
INTERACTIONS: tuple[Interaction, ...] = ("create", "update", "delete")


class Trigger(Struct, frozen=True):
    """One `resourceTrigger`. `previous` and `current` are criteria such as `status=finished`, empty
    for none; `on_create` and `on_delete` are what a criterion comes to where the state that it asks
    about does not exist (`test-passes` is true). Without `both`, either criterion is enough. A
    `fhirpath` must hold besides, over `%previous` and `%current`."""

    type: str
    interactions: frozenset[Interaction] = frozenset(INTERACTIONS)
    previous: str = ""
    current: str = ""
    on_create: bool = False
    on_delete: bool = False
    both: bool = False
    fhirpath: str = ""


class Allowed(Struct, frozen=True):
    """One `canFilterBy`: modifiers and comparators that a filter by this parameter may use besides
    plain equality."""

    modifiers: frozenset[str] = frozenset()


FilterBy: TypeAlias = Mapping[str, Mapping[str, Allowed]]
"""Type and search parameter to how it may be used."""


class Topic(Struct, frozen=True):
    """A topic. `filters` None: by any search parameter of its types, however it is used."""

    url: str
    title: str
    triggers: tuple[Trigger, ...]
    filters: FilterBy | None = None

    @property
    def types(self) -> frozenset[str]:
        """The types that it looks at."""
        return frozenset(trigger.type for trigger in self.triggers)
