"""The contexts in which a form is begun, and which of them it speaks of (SDC, launchContext)."""

from __future__ import annotations

import re
from typing import Final

from careplane.care.forms import names
from careplane.care.forms.definition import Form
from careplane.fhir.validation.forms.values import objects, value_of

_MENTIONED: Final = re.compile(r"%`?([A-Za-z_][A-Za-z0-9_-]*)")
_CONTEXTS: Final = frozenset({"patient", "user", "encounter"})


def contexts(of: Form) -> dict[str, str]:
    """The contexts of its launch: name and type; those of SDC are known without being said."""
    found = {"patient": "Patient"}
    for one in objects(of.tree.get("extension")):
        if one.get("url") == names.LAUNCH:
            parts = {str(p.get("url")): value_of(p)[1] for p in objects(one.get("extension"))}
            name = parts.get("name")
            code = name.get("code") if isinstance(name, dict) else name
            if str(code) in _CONTEXTS:
                found[str(code)] = str(parts.get("type", ""))
    return found


def mentioned(of: Form, *, everything: bool) -> frozenset[str]:
    """The names that its expressions speak of: of all, or of those that stay alive while it is
    filled."""
    living = (names.CALCULATED, names.ENABLE, names.ANSWER, names.VARIABLE, names.CONSTRAINT)
    urls = (*living, names.INITIAL, names.POPULATION) if everything else living
    texts = []
    for tree in (of.tree, *(item.tree for item in of.every)):
        for one in objects(tree.get("extension")):
            if one.get("url") in urls:
                texts.append(str(one.get("valueExpression") or one.get("extension")))
    return frozenset(_MENTIONED.findall(" ".join(texts)))
