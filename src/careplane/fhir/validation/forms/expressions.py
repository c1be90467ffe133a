"""What a questionnaire says in FHIRPath: constraints on answers, what is asked, what is calculated.

An expression is asked at the item that it stands on (`%context`), with `%resource`,
`%questionnaire`, `%qitem`, the variables of that item and of all around it, and what else is known,
such as the contexts of a launch (SDC, Using Expressions). One that uses a name which nobody knows
has no answer, and nothing is said about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
ENABLE: Final = SDC + "enableWhenExpression"
_VARIABLE: Final = CORE + "variable"
BUDGET: Final = 500_000
"""Steps of all expressions of one response together, about a second."""
_PLAIN: Final = (bool, int, Decimal, str)
_RESPONSE: Final = "QuestionnaireResponse"
_ITEM: Final = "QuestionnaireResponse.item"

Names = Mapping[str, Collection]
"""What stands behind `%name` at some place of a questionnaire."""


class Expressions:
    """Those of one questionnaire, over one response. `known` are names besides those that the
    questionnaire defines, `now` is in microseconds since 1970."""

    def __init__(
        self,
        response: Tree,
        questionnaire: Tree,
        known: Names | None = None,
        now: int | None = None,
        budget: int = BUDGET,
    ) -> None:
        self._root = root_node(response)
        self._questionnaire = root_node(questionnaire)
        self._shared = Shared(
            Environment(
                now=now, resource=self._root, root_resource=self._root, budget=max(budget, 0)
            )
        )
        self._whole: Names = {**(known or {}), "questionnaire": [self._questionnaire]}
        self.names = self._named(questionnaire, response, _RESPONSE, self._whole)
        """Those of the questionnaire as a whole."""

    def renew(self) -> None:
        """Answers have changed, in place, and no item has come or gone."""
        self._shared.renew("linkId")
        of = self._questionnaire.value, self._root.value
        self.names = self._named(*of, _RESPONSE, self._whole)

    @property
    def left(self) -> int:
        """Steps that are left; none once they have not sufficed."""
        return self._shared.left

    def names_at(self, item: Tree, given: Tree, around: Names) -> Names:
        """The names at an item of the response, `given`."""
        qitem: Collection = [root_node(item, "Questionnaire.item")]
        return self._named(item, given, _ITEM, {**around, "qitem": qitem})

    def of_response(self, where: str) -> Iterator[Issue]:
        """Constraints on the response as a whole."""
        of = (self._root.value, _RESPONSE)
        yield from self._constraints(self._questionnaire.value, *of, self.names, where)

    def of_item(self, item: Tree, given: Tree, names: Names, where: str) -> Iterator[Issue]:
        """Constraints on an item of the response, and whether its answer is the calculated one."""
        yield from self._constraints(item, given, _ITEM, names, where)
        answers = [value_of(answer)[1] for answer in objects(given.get("answer"))]
        found = self.calculated(item, given, names) if len(answers) == 1 else None
        if found and len(found) == 1 and _differ(system(found[0]), answers[0]):
            told = "The answer is not what the questionnaire calculates"
            yield Issue("warning", "business-rule", told, where)

    def is_enabled(self, item: Tree, given: Tree, names: Names) -> bool | None:
        """Whether its enableWhenExpression holds; an item without one is asked, and None is of one
        that cannot be told."""
        told: bool | None = True
        for expression in extension(item, ENABLE):
            found = self.evaluated(fhirpath(expression), given, _ITEM, names)
            if found is None:
                return None
            told = _truth(found) is True
        return told

    def calculated(self, item: Tree, given: Tree, names: Names) -> Collection | None:
        """What an item's answer is calculated to be; None where it is not calculated, or cannot
        be."""
        for expression in extension(item, _CALCULATED):
            return self.evaluated(fhirpath(expression), given, _ITEM, names)
        return None

    def evaluated(
        self, expression: str | None, given: Tree, type: str, names: Names
    ) -> Collection | None:
        """None for what cannot be evaluated, or costs too much."""
        if self._shared.left < 0 or expression is None:
            return None
        try:
            return self._shared.evaluate(expression, root_node(given, type), 0, names)
        except (BudgetSpent, NotFhirpath, NotMeaningful, EvaluationError):
            return None

    def _named(self, owner: Tree, given: Tree, type: str, around: Names) -> Names:
        names = around
        for expression in extension(owner, _VARIABLE):
            name = expression.get("name") if isinstance(expression, dict) else None
            found = self.evaluated(fhirpath(expression), given, type, names)
            if isinstance(name, str) and found is not None:
                names = {**names, name: found}
        return names

    def _constraints(
        self, owner: Tree, given: Tree, type: str, names: Names, where: str
    ) -> Iterator[Issue]:
        for one in objects(owner.get("extension")):
            if one.get("url") != _CONSTRAINT:
                continue
            said = {str(p.get("url")): value_of(p)[1] for p in objects(one.get("extension"))}
            text = said.get("expression")
            found = self.evaluated(text if isinstance(text, str) else None, given, type, names)
            if found is not None and _truth(found) is False:
                text = f"{said.get('key')}: {said.get('human') or 'a rule of the questionnaire'}"
                is_mild = said.get("severity") == "warning"
                yield Issue("warning" if is_mild else "error", "invariant", text, where)


def fhirpath(expression: Any) -> str | None:
    """The text of an Expression in FHIRPath; None of one in another language."""
    if isinstance(expression, dict) and expression.get("language") == "text/fhirpath":
        text = expression.get("expression")
        return text if isinstance(text, str) else None
    return None


def _truth(found: Collection) -> bool | None:
    try:
        return truth(found, "A condition")
    except EvaluationError:
        return None


def _differ(calculated: object, answer: object) -> bool:
    """Whether two plain values are not the same; what has parts is not compared."""
    if not isinstance(calculated, _PLAIN) or not isinstance(answer, _PLAIN):
        return False
    if isinstance(calculated, bool | str) or isinstance(answer, bool | str):
        return type(calculated) is type(answer) and calculated != answer
    return calculated != answer
