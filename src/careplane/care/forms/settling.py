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
from careplane.care.forms.definition import Item
from careplane.care.forms.depending import NONE, Links
from careplane.care.forms.sheet import Entry, Line, Sheet, Value, answered
from careplane.care.forms.writing import has_answer, same, skeleton, write_answers
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
    response = skeleton(sheet, head)
    expressions = _expressions(sheet, response, known, BUDGET)
    if all(item.is_idle for item in sheet.form.items):
        _offer(sheet, expressions)
        return response
    changed: Links = None
    for _ in range(min(sheet.form.rounds, _MOST_ROUNDS)):
        settled = Round(sheet, response, expressions, changed)
        if not settled.is_plain:
            response = skeleton(sheet, head)
            expressions = _expressions(sheet, response, known, expressions.left)
        elif settled.changed:
            expressions.renew()
        if not settled.changes:
            _offer(sheet, expressions)
            return response
        changed = frozenset(settled.changed)
        if expressions.left < 0:
            raise _refusal(COSTLY)
        sheet.number()
    raise _refusal(CIRCLE)


def _expressions(sheet: Sheet, response: Tree, known: Known, budget: int) -> Expressions:
    return Expressions(response, sheet.form.tree, known.names, known.now or None, budget)


def _refusal(text: str) -> Invalid:
    return Invalid(text, issues=(Issue("error", "business-rule", text, "Questionnaire.item"),))


class Round:
    """One look at the lines which hang on what the round before has `changed` (None: at all).

    `changes` is whether this one changed any answer that counts. Where it changed nothing but
    answers, it `is_plain`: they are in the response already.
    """

    def __init__(
        self, sheet: Sheet, response: Tree, expressions: Expressions, before: Links
    ) -> None:
        self.answers = Answers()
        self.changes = False
        self.changed: set[str] = set()
        self.expressions = expressions
        self._needs, self._before = sheet.form.needs, before
        self._turned: list[Line] = []
        self._later: list[tuple[Line, list[Entry]]] = []
        is_first = before is None
        self._lines(sheet.lines, (response,), expressions.names, is_new=is_first)
        touched = [*self._turned, *(line for line, _ in self._later)]
        self.is_plain = all(map(_is_leaf, touched))
        for line, entries in self._later:
            line.entries = entries
        self.is_plain = self.is_plain and all(map(_is_leaf, touched))
        for line in touched if self.is_plain else ():
            write_answers(line)

    def _lines(
        self, lines: list[Line], around: tuple[Tree, ...], outer: Names, *, is_new: bool
    ) -> None:
        """`is_new` where the round before has not looked at them."""
        for line in lines:
            item = line.item
            if item.is_idle:
                continue
            turned = False
            here = outer
            looks = is_new or self._hangs(item)
            if item.has_expressions:
                here = self.expressions.names_at(item.tree, line.tree, outer)
            if looks and item.is_conditional:
                turned = self._ask(line, around, here)
            if not line.is_asked:
                continue
            if looks and item.is_calculated:
                self._calculate(line, here)
            for repeat in line.repeats:
                named = here
                if len(line.repeats) > 1 and item.has_expressions:
                    named = self.expressions.names_at(item.tree, repeat.tree, outer)
                inner = (*around, repeat.tree)
                self._lines(repeat.lines, inner, named, is_new=is_new or turned)
            for entry in line.entries:
                if entry.value is not None:
                    inner = (*around, line.tree, entry.tree)
                    self._lines(entry.lines, inner, here, is_new=is_new or turned)

    def _hangs(self, item: Item) -> bool:
        """Whether the round before has changed what an item hangs on, or put it anew."""
        if self._before is None or item.link in self._before:
            return True
        needs = self._needs.get(item.link, NONE)
        return needs is None or not needs.isdisjoint(self._before)

    def _ask(self, line: Line, around: tuple[Tree, ...], here: Names) -> bool:
        """Say of a line whether it is asked; whether that is new."""
        tree = line.item.tree
        asked = is_enabled(tree, self.answers, around)
        asked = asked and self.expressions.is_enabled(tree, line.tree, here) is not False
        if asked == line.is_asked:
            return False
        line.is_asked = asked
        self.changes |= has_answer(line)
        self.changed |= line.item.links
        self._turned.append(line)
        return True

    def _calculate(self, line: Line, names: Names) -> None:
        found = self.expressions.calculated(line.item.tree, line.tree, names)
        if found is None:
            return  # it cannot be told: what was there stays
        values = answers_of(line.item, found)
        if not same(values, line.values):
            self._later.append((line, [answered(line.item, value) for value in values]))
            self.changes = True
            self.changed |= line.item.links


def _is_leaf(line: Line) -> bool:
    """A question below whose answers nothing is asked: in a response it stands there always."""
    return line.item.is_question and not any(entry.lines for entry in line.entries)


def _offer(sheet: Sheet, expressions: Expressions) -> None:
    """What can be answered, where an expression says so."""
    if any(item.one(names.ANSWER) for item in sheet.form.every):
        _offer_lines(sheet.lines, expressions, expressions.names)


def _offer_lines(lines: list[Line], expressions: Expressions, outer: Names) -> None:
    for line in lines:
        if not line.is_asked:
            continue
        here = outer
        if line.item.has_expressions:
            here = expressions.names_at(line.item.tree, line.tree, outer)
        for expression in extension(line.item.tree, names.ANSWER):
            found = expressions.evaluated(fhirpath(expression), line.tree, _ITEM, here)
            line.offered = _several(line, found or [])
        for below in line.below:
            _offer_lines(below, expressions, here)


def _several(line: Line, found: Collection) -> list[Value]:
    return [value for one in found for value in answers_of(line.item, [one])]
