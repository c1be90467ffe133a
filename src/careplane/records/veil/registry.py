"""The search parameters of a caller who does not see everything: those that read nothing hidden."""

from __future__ import annotations

from functools import lru_cache

from careplane.access.deidentify.parameters import offered
from careplane.access.masks.parameters import reads
from careplane.access.masks.view import View
from careplane.records.veil.study import KNOWLEDGE
from careplane.search.registry import Parameter, Registry


@lru_cache(maxsize=1024)
def shown(registry: Registry, view: View | None) -> Registry:
    """The registry without parameters that read what is hidden of a type, of some resource at
    least; whoever names one is refused."""
    if view is None:
        return registry

    def hidden(type: str, parameter: Parameter) -> bool:
        if view.study and type not in KNOWLEDGE and not offered(type, parameter):
            return True
        bound = view.bound(type)
        return bool(bound) and reads(type, parameter, bound)

    return registry.without(hidden)
