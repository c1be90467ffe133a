"""Patches of a resource (FHIR R4, 3.1.0.7): one file a format, one door to all of them.

A patch makes a new tree and leaves the old one alone. What comes out is a resource of the same type
and id, yet to be validated by whoever stores it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from careplane.fhir.patch import fhirpath_patch, json_patch, xml_patch
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid

Kind = Literal["json", "xml", "fhirpath"]

KINDS: dict[str, Kind] = {
    "application/json-patch+json": "json",
    "application/xml-patch+xml": "xml",
    "application/fhir+json": "fhirpath",
    "application/fhir+xml": "fhirpath",
}
"""Media type -> kind of patch."""

_APPLY: dict[Kind, Callable[[Tree, bytes], Any]] = {
    "json": json_patch.apply,
    "xml": xml_patch.apply,
    "fhirpath": fhirpath_patch.apply,
}


def apply(kind: Kind, tree: Tree, patch: bytes) -> Tree:
    """What a patch makes of a resource.

    Raises Malformed for what is no patch, Precondition where a `test` in it fails, Invalid where an
    operation cannot be done or would make another resource of it, TooLarge.
    """
    patched = _APPLY[kind](tree, patch)
    if not isinstance(patched, dict):
        raise Invalid("The patch makes something of the resource that is not an object.")
    for name in ("resourceType", "id"):
        if patched.get(name) != tree.get(name):
            raise Invalid(f"A patch may not change '{name}'.")
    return patched
