"""What the status of concepts, code systems and value sets gives reason to say."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.fhir.tree import Tree
from careplane.terminology.coded import Coding
from careplane.terminology.compose import Composed
from careplane.terminology.concepts import Concept, Concepts
from careplane.terminology.findings import Finding
from careplane.terminology.messages import say
from careplane.terminology.scope import Scope
from careplane.terminology.versions import joined

STANDARDS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"
DEPRECATED = "http://hl7.org/fhir/StructureDefinition/valueset-deprecated"
_NOTEWORTHY = ("retired", "deprecated", "withdrawn")


def of_concept(concept: Concept, coding: Coding) -> Iterator[Finding]:
    """A concept that should not be used any more."""
    if concept.inactive:
        status = concept.status
        said = "inactive" if status in ("", "inactive") else f"{status} and inactive"
        yield say("INACTIVE_CONCEPT_FOUND", coding.whole, code=coding.code, status=said)
    elif concept.status in ("deprecated", "withdrawn"):
        yield say("DEPRECATED_CONCEPT_FOUND", coding.whole, code=coding.code)


def is_worth_saying(concept: Concept) -> bool:
    """Whether the status of a concept is a reason to think twice."""
    return concept.status in _NOTEWORTHY


def of_listed(listed: Tree | None) -> str:
    """The status that a value set gives one of its concepts, where it is out of use."""
    for extension in () if listed is None else listed.get("extension", ()):
        url = extension.get("url")
        if url == DEPRECATED and _is_true(extension):
            return "deprecated"
        if url == STANDARDS and extension.get("valueCode") in _NOTEWORTHY:
            return str(extension["valueCode"])
    return ""


def _is_true(extension: Tree) -> bool:
    return any(key.startswith("value") and v in (True, "true") for key, v in extension.items())


def statuses(tree: Tree, source: Tree) -> Iterator[str]:
    """Of a resource: deprecated, withdrawn; and experimental or draft, where the one that uses it
    is neither."""
    standards = standards_status(tree)
    if standards in ("deprecated", "withdrawn"):
        yield standards
    elif tree.get("status") == "retired":
        yield "withdrawn" if tree["resourceType"] == "ValueSet" else "deprecated"
    elif tree.get("experimental") is True and source.get("experimental") is not True:
        yield "experimental"
    elif "draft" in (tree.get("status"), standards) and source.get("status") != "draft":
        yield "draft"


def standards_status(tree: Tree) -> str:
    """The standards status of a resource."""
    found = (e for e in tree.get("extension", ()) if e.get("url") == STANDARDS)
    return next((str(e.get("valueCode", "")) for e in found), "")


def value_sets(value_set: Composed) -> Iterator[Composed]:
    """A value set and all that it imports, each once."""
    seen: set[int] = set()
    waiting = [value_set]
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting.extend(s for part in (*one.includes, *one.excludes) for s in part.sets)


async def of_value_set(
    scope: Scope, value_set: Composed, concepts: Concepts | None
) -> list[Finding]:
    """What the statuses of the value sets and of the code system say."""
    found = []
    for one in value_sets(value_set):
        for status in statuses(one.tree, value_set.tree):
            found.append(say(f"MSG_{status.upper()}", of=f"ValueSet {one.canonical}"))
    return [*found, *(of_code_system(concepts, value_set.tree) if concepts else ())]


def of_code_system(concepts: Concepts, source: Tree) -> Iterator[Finding]:
    """What the status of a code system says, to whoever uses it."""
    for status in statuses(concepts.about.header, source):
        of = f"CodeSystem {joined(concepts.about.url, concepts.about.version)}"
        yield say(f"MSG_{status.upper()}", of=of)
