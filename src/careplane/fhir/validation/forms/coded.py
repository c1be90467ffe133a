"""Answers that are drawn from a value set, and units that are (FHIR R4, Questionnaire.item)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import CORE, extension, objects, value_of
from careplane.kernel.errors import Issue

InSet = Callable[[str, str, str], bool | None]
"""Whether a code, by its system, is in the value set of this canonical; None where nobody can
tell."""
_SDC_UNITS = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-unitValueSet"


def coded_problems(
    item: Tree, answer: Tree, questionnaire: Tree, in_set: InSet, where: str
) -> Iterator[Issue]:
    """A Coding that is not in the question's value set; a unit that is not in that of its units.
    Nothing is said of value sets that nobody can tell of."""
    name, value = value_of(answer)
    if not isinstance(value, dict):
        return
    url = item.get("answerValueSet")
    if name == "valueCoding" and isinstance(url, str):
        is_member = _is_member(value, url, questionnaire, in_set)
        if is_member is False:
            text = f"The code is not in the value set of this question, {url}"
            yield Issue("error", "code-invalid", text, where)
    if name == "valueQuantity":
        for url in extension(item, CORE + "questionnaire-unitValueSet", _SDC_UNITS):
            if _is_member(value, str(url), questionnaire, in_set) is False:
                text = f"The unit is not in the value set of units of this question, {url}"
                yield Issue("error", "value", text, f"{where}.valueQuantity")


def _is_member(value: Tree, url: str, questionnaire: Tree, in_set: InSet) -> bool | None:
    system, code = value.get("system"), value.get("code")
    if not isinstance(code, str) or not isinstance(system, str):
        return False
    if url.startswith("#"):
        inside = objects(questionnaire.get("contained"))
        found = next((one for one in inside if one.get("id") == url[1:]), None)
        return None if found is None else _is_listed(found, system, code)
    return in_set(system, code, url)


def _is_listed(value_set: Tree, system: str, code: str) -> bool | None:
    """Of a value set in the questionnaire, which lists its codes; None of one that does not."""
    expansion = value_set.get("expansion")
    if isinstance(expansion, dict):
        return (system, code) in set(_expanded(expansion.get("contains")))
    compose = value_set.get("compose")
    includes = objects(compose.get("include")) if isinstance(compose, dict) else []
    if isinstance(compose, dict) and (compose.get("exclude") or not includes):
        return None
    if any("valueSet" in one or "filter" in one for one in includes):
        return None
    mine = [one for one in includes if one.get("system") == system]
    if any("concept" not in one for one in mine):
        return None
    return any(c.get("code") == code for one in mine for c in objects(one.get("concept")))


def _expanded(contains: Any) -> Iterator[tuple[Any, Any]]:
    for one in objects(contains):
        yield one.get("system"), one.get("code")
        yield from _expanded(one.get("contains"))
