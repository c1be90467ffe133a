"""Codes: their own systems, and the value sets that elements bind (FHIR R4, 4.1 Using Codes)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.places import place
from careplane.fhir.profiles.ports import UNKNOWN, CodeChecker, CodeQuestion, Options, Verdict
from careplane.fhir.profiles.rules import Bound
from careplane.fhir.profiles.syntax import is_misshapen
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Issue

UCUM = "http://unitsofmeasure.org"
BINDABLE = frozenset(
    {"code", "Coding", "CodeableConcept", "Quantity", "Age", "Duration", "SimpleQuantity"}
    | {"MoneyQuantity", "Count", "Distance", "string", "uri"}
)
"""Types that a binding can be about (ElementDefinition.binding)."""


def coding_issues(node: Node, codes: CodeChecker, options: Options) -> Iterator[Issue]:
    """Whether a Coding is a code of its system, under a name that the system knows."""
    asked = _question(node.value, "")
    if asked is None or asked.system == UCUM:
        return
    verdict = codes.check(asked)
    if verdict.result is None and is_misshapen(asked.system, asked.code):
        text = f"The code does not have the form of a code of {asked.system}"
        yield Issue("error", "code-invalid", text, f"{place(node)}.code")
    elif verdict.supplement:
        text = f"{asked.system} is a supplement: no code is drawn from it"
        yield Issue("error", "not-found", text, f"{place(node)}.system")
    elif verdict.result is False:
        text = verdict.text or f"The code is not in the code system {asked.system}"
        yield Issue("error", "code-invalid", text, f"{place(node)}.code")
    elif verdict.display:
        text = f"The display is not one of the code system; it says '{verdict.display}'"
        yield Issue(options.displays, "invalid", text, f"{place(node)}.display")


def binding_issues(node: Node, bound: Bound, codes: CodeChecker, by: str) -> Iterator[Issue]:
    """Whether a coded element keeps to its binding."""
    if node.type not in BINDABLE or (bound.strength == "example" and not bound.maximum):
        return
    asked = tuple(questions(node, bound.value_set))
    verdict = _any(codes, asked)
    if verdict.result is False:
        yield from _outside(node, bound, by, verdict)
    elif not asked and bound.strength == "required" and node.type == "code":
        text = f"A code from the value set {bound.value_set} is required{by}"
        yield Issue("error", "code-invalid", text, place(node))
    elif not asked and bound.strength == "required" and _is_empty_of_codes(node):
        text = f"No code is given, and one from the value set {bound.value_set} is required{by}"
        yield Issue("error", "code-invalid", text, place(node))
    elif verdict.result is None and asked and bound.strength == "required":
        text = f"Whether the code is in the value set {bound.value_set} cannot be told here{by}"
        yield Issue("information", "not-found", text, place(node))
    if bound.maximum and _any(codes, tuple(questions(node, bound.maximum))).result is False:
        text = f"A code must be from the value set {bound.maximum}, the widest allowed{by}"
        yield Issue("error", "code-invalid", text, place(node))


def _outside(node: Node, bound: Bound, by: str, verdict: Verdict) -> Iterator[Issue]:
    where = place(node)
    why = f" ({verdict.text})" if verdict.text else ""
    if bound.strength == "required":
        text = f"The code must be from the value set {bound.value_set}{why}{by}"
        yield Issue("error", "code-invalid", text, where)
    elif bound.strength == "extensible":
        text = f"The code should be from the value set {bound.value_set}, if one there fits{by}"
        yield Issue("warning", "code-invalid", text, where)
    else:
        text = f"The code is best taken from the value set {bound.value_set}{by}"
        yield Issue("information", "code-invalid", text, where)


def member(node: Node, value_set: str, codes: CodeChecker) -> bool | None:
    """Whether a coded element has a code of a value set; None where nobody can tell."""
    asked = tuple(questions(node, value_set))
    return _any(codes, asked).result if asked else False


def questions(node: Node, value_set: str) -> Iterator[CodeQuestion]:
    """What has to be asked about the codes of an element."""
    value = node.value
    if isinstance(value, str):
        yield CodeQuestion("", value, value_set=value_set)
    elif node.type == "CodeableConcept":
        coding = value.get("coding") if isinstance(value, dict) else None
        for one in coding if isinstance(coding, list) else ():
            found = _question(one, value_set)
            if found is not None:
                yield found
    else:
        found = _question(value, value_set)
        if found is not None:
            yield found


def _question(value: Any, value_set: str) -> CodeQuestion | None:
    if not isinstance(value, dict):
        return None
    system, code = value.get("system"), value.get("code")
    if not isinstance(code, str) or not isinstance(system, str):
        return None
    display = "" if value_set else _text(value, "display")
    return CodeQuestion(system, code, _text(value, "version"), display, value_set)


def _text(value: Tree, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _any(codes: CodeChecker, asked: tuple[CodeQuestion, ...]) -> Verdict:
    """One that is in is enough; all must be out to be out."""
    if not asked:
        return UNKNOWN
    verdicts = [codes.check(one) for one in asked]
    for verdict in verdicts:
        if verdict.result:
            return verdict
    return next((v for v in verdicts if v.result is None), verdicts[0])


def _is_empty_of_codes(node: Node) -> bool:
    return node.type in ("CodeableConcept", "Coding")
