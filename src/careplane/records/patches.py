"""A patch inside of a Bundle, where it is a resource: a Binary that holds it (FHIR R4,
3.1.0.11.3)."""

from __future__ import annotations

import base64
import binascii

from careplane.fhir import patch
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, UnsupportedMedia
from careplane.records.commands import Change


def change_of(raw: bytes) -> Change:
    """The change that a Binary of a patch's media type stands for."""
    binary = json.parse(raw)
    media = binary.get("contentType")
    kind = patch.KINDS.get(media) if isinstance(media, str) else None
    if binary.get("resourceType") != "Binary" or kind is None:
        known = ", ".join(sorted(patch.KINDS))
        raise UnsupportedMedia(f"A patch in a Bundle is a Binary whose contentType is of {known}.")
    try:
        data = base64.b64decode(str(binary.get("data", "")), validate=True)
    except binascii.Error as error:
        raise Invalid("Binary.data is not base64.") from error

    def change(tree: Tree) -> Tree:
        return patch.apply(kind, tree, data)

    return change
