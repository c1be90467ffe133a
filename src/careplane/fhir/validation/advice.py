"""The catalogue of rules that `$validate` tells beside structure and invariants.

They never keep a resource out: what the text asks of authors, a store must not lose data over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from careplane.fhir.fhirpath.node import Node
from careplane.fhir.validation.forms import InSet, Resolve, response_problems
from careplane.fhir.validation.measures import measure_problems, report_problems
from careplane.fhir.validation.rules import (
    bundles,
    definitions,
    documents,
    maps,
    questionnaires,
    resources,
    text_links,
    values,
)
from careplane.kernel.errors import Issue

Rule = Callable[[Node, str], Iterator[Issue]]

ANY_RESOURCE = "Resource"

RULES: Mapping[str, tuple[Rule, ...]] = {
    ANY_RESOURCE: (resources.element_ids,),
    "Attachment": (values.attachment_size,),
    "Bundle": (
        bundles.full_urls,
        bundles.link_relations,
        bundles.search_entries,
        bundles.references_inside,
        bundles.references_of_type,
        documents.reachable,
        documents.stylesheets,
    ),
    "CodeSystem": (resources.content_not_present, definitions.properties),
    "Coding": (values.coding_system,),
    "Expression": (definitions.fhirpath,),
    "Identifier": (values.identifier_value,),
    "Narrative": (resources.narrative_links, text_links.text_links),
    "Quantity": (values.ucum_code,),
    "Questionnaire": (
        definitions.enable_when,
        questionnaires.conditions,
        questionnaires.constraints,
    ),
    "Questionnaire.item": (
        definitions.enable_behavior,
        questionnaires.options,
        questionnaires.limits,
        questionnaires.constraints,
    ),
    "Reference": (resources.reference_form,),
    "SearchParameter": (definitions.search_expression,),
    "StructureDefinition": (definitions.defined_type,),
    "StructureMap": (maps.groups,),
    "ValueSet.compose.include": (resources.include_system,),
    "canonical": (values.uri_form,),
    "uri": (values.uri_form,),
    "url": (values.uri_form,),
}
"""Type of an element -> the rules for it."""


def rules(resolve: Resolve, in_set: InSet) -> Callable[[Node], Iterator[Rule]]:
    """What finds the rules for an element; `resolve` finds resources by their canonical URLs."""

    def response(node: Node, where: str) -> Iterator[Issue]:
        return response_problems(node.value, resolve, where, in_set)

    def measure(node: Node, where: str) -> Iterator[Issue]:
        return measure_problems(node.value, resolve, where)

    def report(node: Node, where: str) -> Iterator[Issue]:
        return report_problems(node.value, resolve, where)

    beside = {"QuestionnaireResponse": response, "Measure": measure, "MeasureReport": report}

    def of(node: Node) -> Iterator[Rule]:
        yield from RULES.get(node.type, ())
        if node.is_resource:
            yield from RULES[ANY_RESOURCE]
        if node.type in beside:
            yield beside[node.type]

    return of
