"""Where a Reference leads: a contained resource, or one on this server (R4, 2.3.0)."""

from __future__ import annotations

import re
from typing import Any

from careplane.fhir.definitions import is_resource
from careplane.fhir.graphql.asks import ById
from careplane.fhir.tree import Tree

_LOCAL = re.compile(r"([A-Za-z]{2,64})/([A-Za-z0-9\-.]{1,64})(?:/_history/([0-9]{1,9}))?", re.ASCII)


def target(reference: Tree, base: str) -> ById | None:
    """The resource of this server that a literal reference names, relative or below `base`."""
    text = reference.get("reference")
    if not isinstance(text, str):
        return None
    found = _LOCAL.fullmatch(text.removeprefix(f"{base}/") if base else text)
    if found is None or not is_resource(found[1]):
        return None
    return ById(found[1], found[2], int(found[3]) if found[3] else None)


def contained(reference: Tree, resource: Tree) -> Tree | None:
    """The contained resource that `#id` names; `#` is the resource that contains."""
    text = reference.get("reference")
    if not isinstance(text, str) or not text.startswith("#"):
        return None
    if text == "#":
        return resource
    inner: Any = resource.get("contained", ())
    return next((one for one in inner if one.get("id") == text[1:]), None)
