"""The items of a response beside those of its questionnaire (FHIR R4, 18.8.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.answers import answer_problems, options_problems, type_of
from careplane.fhir.validation.forms.coded import InSet, coded_problems
from careplane.fhir.validation.forms.enabling import Answers, is_enabled
from careplane.fhir.validation.forms.expressions import ENABLE, Expressions, Names
from careplane.fhir.validation.forms.values import (
    CORE,
    SDC,
    extension,
    numbers,
    objects,
    same,
    value_of,
)
from careplane.kernel.errors import Issue

Resolve = Callable[[str], Tree | None]
"""The resource of a canonical URL, None where nobody has it."""
Found = tuple[int, Tree]
"""An item of the response and its place among its siblings."""

_FINISHED = frozenset({"completed", "amended"})
_LEAST, _MOST = CORE + "questionnaire-minOccurs", CORE + "questionnaire-maxOccurs"
_MADE = tuple(SDC + name for name in ("calculatedExpression", "initialExpression"))


def response_problems(
    response: Tree,
    resolve: Resolve,
    where: str,
    in_set: InSet = lambda *_: None,
    known: Names | None = None,
    now: int | None = None,
) -> Iterator[Issue]:
    """All that is wrong with a response, if its questionnaire can be had. `in_set` is asked about
    codes that are drawn from value sets; `known` are names for expressions, such as `%patient`."""
    url = response.get("questionnaire")
    if not isinstance(url, str):
        return
    questionnaire = _questionnaire(response, url, resolve)
    if questionnaire is None:
        text = "The questionnaire is not here: the answers were not looked at"
        yield Issue("information", "not-found", text, f"{where}.questionnaire")
        return
    if questionnaire.get("resourceType") != "Questionnaire":
        text = "What this names is not a Questionnaire"
        yield Issue("error", "invalid", text, f"{where}.questionnaire")
        return
    yield from _about_the_whole(response, questionnaire, where)
    held = _Comparison(questionnaire, in_set, Expressions(response, questionnaire, known, now))
    held.is_finished = response.get("status") in _FINISHED
    yield from held.expressions.of_response(where)
    at = _At((response,), held.expressions.names)
    yield from held.items(
        objects(questionnaire.get("item")), objects(response.get("item")), where, at
    )


def _questionnaire(response: Tree, url: str, resolve: Resolve) -> Tree | None:
    if not url.startswith("#"):
        return resolve(url)
    inside = objects(response.get("contained"))
    return next((one for one in inside if one.get("id") == url[1:]), None)


def _about_the_whole(response: Tree, questionnaire: Tree, where: str) -> Iterator[Issue]:
    """What the questionnaire is for, and whether it is in use."""
    status = questionnaire.get("status")
    if status in ("draft", "retired"):
        text = f"The questionnaire is {'still a draft' if status == 'draft' else 'retired'}"
        yield Issue("warning", "business-rule", text, f"{where}.questionnaire")
    subject, types = response.get("subject"), questionnaire.get("subjectType")
    type = type_of(subject) if isinstance(subject, dict) else None
    if isinstance(types, list) and types and type and type not in types:
        text = f"The questionnaire is about a {' or a '.join(map(str, types))}, not a {type}"
        yield Issue("error", "business-rule", text, f"{where}.subject")


class _At(NamedTuple):
    """Where items stand: the parts of the response that they are in, from the whole to the nearest,
    and the names that expressions have there."""

    around: tuple[Tree, ...]
    names: Names


class _Comparison:
    """One response and its questionnaire."""

    def __init__(self, questionnaire: Tree, in_set: InSet, expressions: Expressions) -> None:
        self.is_finished = False
        self.questionnaire = questionnaire
        self.answers = Answers()
        self.expressions = expressions
        self.in_set = in_set
        self.known = set(_links(questionnaire))

    def items(self, asked: list[Tree], given: list[Tree], where: str, at: _At) -> Iterator[Issue]:
        """The items of one level."""
        yield from self._places(asked, given, where)
        by_link: dict[str, list[Found]] = {}
        for index, one in enumerate(given):
            by_link.setdefault(str(one.get("linkId")), []).append((index, one))
        for item in asked:
            yield from self._item(item, by_link.get(str(item.get("linkId")), []), where, at)

    def _places(self, asked: list[Tree], given: list[Tree], where: str) -> Iterator[Issue]:
        links = {str(item.get("linkId")): place for place, item in enumerate(asked)}
        last = -1
        for index, item in enumerate(given):
            link = str(item.get("linkId"))
            text = None
            if link not in links:
                here = "part of this item" if link in self.known else "in the questionnaire"
                text = f"The linkId is not {here}"
            elif links[link] < last:
                text = "The items are not in their order"
            last = links.get(link, last)
            if text:
                yield Issue("error", "structure", text, f"{where}.item[{index}]")

    def _item(self, item: Tree, found: list[Found], where: str, at: _At) -> Iterator[Issue]:
        here = found[0][1] if found else {"linkId": item.get("linkId")}
        asked = is_enabled(item, self.answers, at.around) and self._is_asked(item, here, at.names)
        if asked is False:
            for index, one in found:
                if one.get("answer") or one.get("item"):
                    text = "This item has an answer though it is not enabled"
                    yield Issue("error", "invalid", text, f"{where}.item[{index}]")
            return
        if asked is None and not found:
            return
        kind = item.get("type")
        if kind == "display":
            for index, one in found:
                if one.get("answer") or one.get("item"):
                    text = "This item only shows a text: it has no answer"
                    yield Issue("error", "structure", text, f"{where}.item[{index}]")
            return
        is_group = kind == "group"
        if len(found) > 1 and not (is_group and item.get("repeats")):
            text = "Only one item of this linkId is allowed here"
            yield Issue("error", "structure", text, f"{where}.item[{found[1][0]}]")
        if not found and item.get("required") and self.is_finished:
            yield Issue("error", "required", "A required item has no answer", where)
        if is_group:
            for text in self._number(item, len(found), "times this group") if found else ():
                yield Issue("error", "structure", text, where)
        for index, one in found:
            place = f"{where}.item[{index}]"
            names = self.expressions.names_at(item, one, at.names)
            check = self._group if is_group else self._question
            yield from check(item, one, place, _At(at.around, names))
            yield from self.expressions.of_item(item, one, names, place)

    def _is_asked(self, item: Tree, here: Tree, names: Names) -> bool | None:
        if not extension(item, ENABLE):
            return True
        names = self.expressions.names_at(item, here, names)
        return self.expressions.is_enabled(item, here, names)

    def _group(self, item: Tree, one: Tree, where: str, at: _At) -> Iterator[Issue]:
        if one.get("answer"):
            yield Issue("error", "structure", "A group has no answers, but items", where)
        if item.get("required") and not one.get("item") and self.is_finished:
            yield Issue("error", "required", "A required group has no items", where)
        yield from self.items(
            objects(item.get("item")),
            objects(one.get("item")),
            where,
            _At((*at.around, one), at.names),
        )

    def _question(self, item: Tree, one: Tree, where: str, at: _At) -> Iterator[Issue]:
        answers = objects(one.get("answer"))
        if item.get("required") and not answers and self.is_finished:
            yield Issue("error", "required", "A required question has no answer", where)
        if len(answers) > 1 and not item.get("repeats"):
            yield Issue("error", "structure", "This question takes one answer", where)
        for text in self._number(item, len(answers), "answers"):
            yield Issue("error", "structure", text, where)
        if one.get("item"):
            text = "Items below a question stand in its answers"
            yield Issue("error", "structure", text, where)
        yield from options_problems(item, answers, where)
        yield from _changed(item, answers, where)
        below = objects(item.get("item"))
        for index, answer in enumerate(answers):
            place = f"{where}.answer[{index}]"
            yield from answer_problems(item, answer, place)
            yield from coded_problems(item, answer, self.questionnaire, self.in_set, place)
            inner = _At((*at.around, one, answer), at.names)
            yield from self.items(below, objects(answer.get("item")), place, inner)

    def _number(self, item: Tree, number: int, what: str) -> Iterator[str]:
        for least in numbers(item, _LEAST):
            if number < least and self.is_finished:
                yield f"Fewer than {least} {what}"
        for most in numbers(item, _MOST):
            if number > most:
                yield f"More than {most} {what}"


def _changed(item: Tree, answers: list[Tree], where: str) -> Iterator[Issue]:
    """What nobody may change is what it was to begin with."""
    initial = [value_of(one)[1] for one in objects(item.get("initial"))]
    if item.get("readOnly") is not True or not initial or extension(item, *_MADE):
        return
    given = [value_of(answer)[1] for answer in answers]
    if not all(any(same(one, other) for other in initial) for one in given):
        text = "This question is read-only, and its answer is not the initial one"
        yield Issue("warning", "business-rule", text, where)


def _links(owner: Tree) -> Iterator[str]:
    for item in objects(owner.get("item")):
        yield str(item.get("linkId"))
        yield from _links(item)
