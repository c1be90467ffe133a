"""What is asked, and what is calculated, until nothing changes any more (SDC, Using Expressions,
Dependencies between expressions).

Each round looks at the answers of the round before. A form whose items do not depend on each other
in a circle is settled after as many rounds as it has such items; one that is not, never is, and is
refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from careplane.care.forms import names
from careplane.care.forms.converting import answers_of
from careplane.care.forms.sheet import Entry, Line, Sheet, Value, answered
from careplane.care.forms.writing import has_answer, same, skeleton
from careplane.fhir.fhirpath.items import Collection
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.enabling import Answers, is_enabled
from careplane.fhir.validation.forms.expressions import BUDGET, Expressions, Names, fhirpath
from careplane.fhir.validation.forms.values import extension
from careplane.kernel.errors import Invalid, Issue

_ITEM: Final = "QuestionnaireResponse.item"
_MOST_ROUNDS: Final = 100
CIRCLE: Final = "The calculations of this form never come to an end: they depend on each other."
COSTLY: Final = "The calculations of this form take too long; make them simpler."


@dataclass(frozen=True, slots=True)
class Known:
    """What expressions know besides the answers: `names` such as `%patient`, and the time."""

    names: Names
    now: int


NOBODY: Final = Known({}, 0)


def settle(sheet: Sheet, head: Tree, known: Known = NOBODY) -> Tree:
    """Say of each line whether it is asked, and fill in what is calculated. Returns the response as
    expressions see it. Raises Invalid where that has no end, or takes too long."""
    budget = BUDGET
    if not any(item.is_conditional or item.is_calculated for item in sheet.form.every):
        response = skeleton(sheet, head)
        _offer(sheet, response, known, budget)
        return response
    for _ in range(min(sheet.form.rounds, _MOST_ROUNDS)):
        response = skeleton(sheet, head)
        settled = _Round(sheet, response, known, budget)
        if not settled.changes:
            response = skeleton(sheet, head)
            _offer(sheet, response, known, settled.expressions.left)
            return response
        budget = settled.expressions.left
        if budget < 0:
            raise _refusal(COSTLY)
        sheet.number()
    raise _refusal(CIRCLE)


def _refusal(text: str) -> Invalid:
    return Invalid(text, issues=(Issue("error", "business-rule", text, "Questionnaire.item"),))


class _Round:
    """One look at all lines; `changes` is whether it changed any answer that counts."""

    def __init__(self, sheet: Sheet, response: Tree, known: Known, budget: int) -> None:
        self.answers = Answers()
        self.changes = False
        self.expressions = Expressions(
            response, sheet.form.tree, known.names, known.now or None, budget
        )
        self._later: list[tuple[Line, list[Entry]]] = []
        self._lines(sheet.lines, (response,), self.expressions.names)
        for line, entries in self._later:
            line.entries = entries

    def _lines(self, lines: list[Line], around: tuple[Tree, ...], outer: Names) -> None:
        for line in lines:
            item = line.item
            if item.kind == "display" and not item.is_conditional:
                continue
            needs = _needs_names(line)
            names = self.expressions.names_at(item.tree, line.tree, outer) if needs else outer
            asked = is_enabled(item.tree, self.answers, around)
            if asked and item.is_conditional:
                asked = self.expressions.is_enabled(item.tree, line.tree, names) is not False
            if asked != line.is_asked:
                line.is_asked = asked
                self.changes |= has_answer(line)
            if not asked:
                continue
            if item.is_calculated:
                self._calculate(line, names)
            for repeat in line.repeats:
                here = names
                if needs and len(line.repeats) > 1:
                    here = self.expressions.names_at(item.tree, repeat.tree, outer)
                self._lines(repeat.lines, (*around, repeat.tree), here)
            for entry in line.entries:
                if entry.value is not None:
                    self._lines(entry.lines, (*around, line.tree, entry.tree), names)

    def _calculate(self, line: Line, names: Names) -> None:
        found = self.expressions.calculated(line.item.tree, line.tree, names)
        if found is None:
            return  # it cannot be told: what was there stays
        values = answers_of(line.item, found)
        if not same(values, line.values):
            self._later.append((line, [answered(line.item, value) for value in values]))
            self.changes = True


def _needs_names(line: Line) -> bool:
    tree = line.item.tree
    return bool("extension" in tree and extension(tree, *_USED))


_USED: Final = (names.VARIABLE, names.CALCULATED, names.ENABLE, names.ANSWER)


def _offer(sheet: Sheet, response: Tree, known: Known, budget: int) -> None:
    """What can be answered, where an expression says so."""
    if not any(item.one(names.ANSWER) for item in sheet.form.every):
        return
    expressions = Expressions(response, sheet.form.tree, known.names, known.now or None, budget)
    _offer_lines(sheet.lines, expressions, expressions.names)


def _offer_lines(lines: list[Line], expressions: Expressions, outer: Names) -> None:
    for line in lines:
        if not line.is_asked:
            continue
        needs = _needs_names(line)
        here = expressions.names_at(line.item.tree, line.tree, outer) if needs else outer
        for expression in extension(line.item.tree, names.ANSWER):
            found = expressions.evaluated(fhirpath(expression), line.tree, _ITEM, here)
            line.offered = _several(line, found or [])
        for below in line.below:
            _offer_lines(below, expressions, here)


def _several(line: Line, found: Collection) -> list[Value]:
    return [value for one in found for value in answers_of(line.item, [one])]
