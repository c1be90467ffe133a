"""The value set of all codes of a code system, which it names and nobody has written (FHIR R4,
4.8.13 CodeSystem.valueSet)."""

from __future__ import annotations

from careplane.fhir.tree import Tree
from careplane.terminology.versions import split

_KEPT = ("language", "version", "title", "status", "experimental", "publisher")


def named_by(code_system: Tree) -> str:
    """The url of that value set; empty where the code system names none."""
    supplement = code_system.get("content") == "supplement"
    return "" if supplement else split(code_system.get("valueSet", ""))[0]


def whole(code_system: Tree) -> Tree:
    """The value set."""
    include = {"system": code_system.get("url", "")}
    if "version" in code_system:
        include["version"] = code_system["version"]
    return {
        "resourceType": "ValueSet",
        "url": named_by(code_system),
        "name": f"{code_system.get('name', 'CodeSystem')}All",
        **{name: code_system[name] for name in _KEPT if name in code_system},
        "compose": {"include": [include]},
    }
