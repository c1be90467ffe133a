"""Languages of a narrative (the extension narrative-language-control): whether it has sections in
languages, and one in that of the resource."""

from __future__ import annotations

import re
from collections.abc import Iterator

from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.places import place
from careplane.kernel.errors import Issue

_SECTION = re.compile(r"""<div\s[^>]*?(?:xml:)?lang\s*=\s*["']([A-Za-z0-9\-]{1,64})["']""")


def language_issues(node: Node, control: str, by: str) -> Iterator[Issue]:
    """What a Narrative lacks of what the control asks for."""
    div = node.value.get("div") if isinstance(node.value, dict) else None
    if not isinstance(div, str):
        return
    inner = div[div.find(">") + 1 :]
    found = sorted(set(_SECTION.findall(inner)))
    language = node.resource().value.get("language")
    if control == "_no" and found:
        text = f"The narrative may have no sections in languages, and has {', '.join(found)}{by}"
        yield Issue("error", "business-rule", text, place(node))
    elif control == "_yes" and not found:
        text = f"The narrative must have sections in languages{by}"
        yield Issue("error", "business-rule", text, place(node))
    elif control == "_resource" and found and language not in found:
        text = f"The narrative must have a section in the language of the resource{by}"
        yield Issue("error", "business-rule", text, place(node))
