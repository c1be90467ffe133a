"""What a questionnaire says in FHIRPath: constraints on answers, and answers that are calculated.

A constraint (the extension questionnaire-constraint) is asked at the item that it stands on, with
`%resource`, `%questionnaire` and `%qitem`. What uses more, such as variables of SDC, is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from careplane.fhir.fhirpath import root_node
from careplane.fhir.fhirpath.engine import Shared
from careplane.fhir.fhirpath.errors import BudgetSpent, EvaluationError, NotFhirpath, NotMeaningful
from careplane.fhir.fhirpath.items import Collection, system, truth
from careplane.fhir.fhirpath.scope import Environment
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import CORE, SDC, extension, objects, value_of
from careplane.kernel.errors import Issue

_CONSTRAINT: Final = CORE + "questionnaire-constraint"
_CALCULATED: Final = SDC + "calculatedExpression"
_BUDGET: Final = 500_000
"""Steps of all expressions of one response together, about a second."""
_PLAIN: Final = (bool, int, Decimal, str)


class Expressions:
    """Those of one questionnaire, over one response."""

    def __init__(self, response: Tree, questionnaire: Tree) -> None:
        self._root = root_node(response)
        self._questionnaire = root_node(questionnaire)
        self._left: Shared | None = Shared(
            Environment(
                variables={"questionnaire": [self._questionnaire]},
                resource=self._root,
                root_resource=self._root,
                budget=_BUDGET,
            )
        )

    def of_response(self, where: str) -> Iterator[Issue]:
        """Constraints on the response as a whole."""
        questionnaire = self._questionnaire.value
        yield from self._constraints(
            questionnaire, self._root.value, "QuestionnaireResponse", where
        )

    def of_item(self, item: Tree, given: Tree, where: str) -> Iterator[Issue]:
        """Constraints on an item of the response, and whether its answer is the calculated one."""
        yield from self._constraints(item, given, "QuestionnaireResponse.item", where)
        answers = [value_of(answer)[1] for answer in objects(given.get("answer"))]
        for expression in extension(item, _CALCULATED) if len(answers) == 1 else ():
            text = _fhirpath(expression)
            found = self._evaluated(text, self._root.value, "QuestionnaireResponse")
            if len(found) == 1 and _differ(system(found[0]), answers[0]):
                told = "The answer is not what the questionnaire calculates"
                yield Issue("warning", "business-rule", told, where)

    def _constraints(self, owner: Tree, given: Tree, type: str, where: str) -> Iterator[Issue]:
        for one in objects(owner.get("extension")):
            if one.get("url") != _CONSTRAINT:
                continue
            said = {str(p.get("url")): value_of(p)[1] for p in objects(one.get("extension"))}
            found = self._evaluated(said.get("expression"), given, type)
            if _is_broken(found):
                text = f"{said.get('key')}: {said.get('human') or 'a rule of the questionnaire'}"
                is_mild = said.get("severity") == "warning"
                yield Issue("warning" if is_mild else "error", "invariant", text, where)

    def _evaluated(self, expression: object, given: Tree, type: str) -> Collection:
        """Nothing for what cannot be evaluated, or costs too much."""
        if self._left is None or not isinstance(expression, str):
            return []
        try:
            return self._left.evaluate(expression, root_node(given, type), 0)
        except BudgetSpent:
            self._left = None
        except (NotFhirpath, NotMeaningful, EvaluationError):
            pass
        return []


def _fhirpath(expression: Any) -> object:
    if isinstance(expression, dict) and expression.get("language") == "text/fhirpath":
        return expression.get("expression")
    return None


def _is_broken(found: Collection) -> bool:
    try:
        return truth(found, "A constraint") is False
    except EvaluationError:
        return False


def _differ(calculated: object, answer: object) -> bool:
    """Whether two plain values are not the same; what has parts is not compared."""
    if not isinstance(calculated, _PLAIN) or not isinstance(answer, _PLAIN):
        return False
    if isinstance(calculated, bool | str) or isinstance(answer, bool | str):
        return type(calculated) is type(answer) and calculated != answer
    return calculated != answer
