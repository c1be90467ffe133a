"""A patch inside of a Bundle, where it is a Binary that holds it, or Parameters (FHIR R4,
3.1.0.6 and 3.1.0.11)."""

from __future__ import annotations

import base64
import binascii

from careplane.fhir import patch
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, UnsupportedMedia
from careplane.records.commands import Change


def change_of(raw: bytes) -> Change:
    """The change that a Binary of a patch's media type, or a FHIRPath Patch, stands for."""
    resource = json.parse(raw)
    kind, data = _patch_in(resource, raw)

    def change(tree: Tree) -> Tree:
        return patch.apply(kind, tree, data)

    return change


def _patch_in(resource: Tree, raw: bytes) -> tuple[patch.Kind, bytes]:
    if resource.get("resourceType") == "Parameters":
        return "fhirpath", raw
    media = resource.get("contentType")
    kind = patch.KINDS.get(media) if isinstance(media, str) else None
    if resource.get("resourceType") != "Binary" or kind is None:
        known = ", ".join(sorted(patch.KINDS))
        raise UnsupportedMedia(
            f"A patch in a Bundle is a Parameters, or a Binary whose contentType is of {known}."
        )
    try:
        return kind, base64.b64decode(str(resource.get("data", "")), validate=True)
    except binascii.Error as error:
        raise Invalid("Binary.data is not base64.") from error
