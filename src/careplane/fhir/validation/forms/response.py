"""The items of a response beside those of its questionnaire (FHIR R4, 18.8.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.answers import (
    answer_problems,
    extension,
    options_problems,
    value_of,
)
from careplane.fhir.validation.forms.enabling import Answers, is_enabled
from careplane.kernel.errors import Issue

Resolve = Callable[[str], Tree | None]
"""The resource of a canonical URL, None where nobody has it."""

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_FINISHED = frozenset({"completed", "amended"})


def response_problems(response: Tree, resolve: Resolve, where: str) -> Iterator[Issue]:
    """All that is wrong with a response, if its questionnaire can be had."""
    questionnaire = _questionnaire(response, resolve)
    if questionnaire is None:
        return
    if questionnaire.get("resourceType") != "Questionnaire":
        text = "What this names is not a Questionnaire"
        yield Issue("error", "invalid", text, f"{where}.questionnaire")
        return
    yield from _Comparison(response, questionnaire).items(
        _objects(questionnaire.get("item")), _objects(response.get("item")), where
    )


def _questionnaire(response: Tree, resolve: Resolve) -> Tree | None:
    url = response.get("questionnaire")
    if not isinstance(url, str):
        return None
    if not url.startswith("#"):
        return resolve(url)
    inside = _objects(response.get("contained"))
    return next((one for one in inside if one.get("id") == url[1:]), None)


class _Comparison:
    """One response and its questionnaire."""

    def __init__(self, response: Tree, questionnaire: Tree) -> None:
        self.is_finished = response.get("status") in _FINISHED
        self.answers: Answers = {}
        self.known: set[str] = set()
        self._collect(response)
        self._learn(questionnaire)

    def _collect(self, owner: Tree) -> None:
        for item in _objects(owner.get("item")):
            given = self.answers.setdefault(str(item.get("linkId")), [])
            for answer in _objects(item.get("answer")):
                name, value = value_of(answer)
                if name:
                    given.append(value)
                self._collect(answer)
            self._collect(item)

    def _learn(self, owner: Tree) -> None:
        for item in _objects(owner.get("item")):
            self.known.add(str(item.get("linkId")))
            self._learn(item)

    def items(self, asked: list[Tree], given: list[Tree], where: str) -> Iterator[Issue]:
        """The items of one level."""
        links = [str(item.get("linkId")) for item in asked]
        last = -1
        for index, item in enumerate(given):
            place = f"{where}.item[{index}]"
            link = str(item.get("linkId"))
            if link not in links:
                text = (
                    "is not part of this item"
                    if link in self.known
                    else "is not in the questionnaire"
                )
                yield Issue("error", "structure", f"The linkId {text}", place)
                continue
            if links.index(link) < last:
                yield Issue("error", "structure", "The items are not in their order", place)
            last = links.index(link)
        for item in asked:
            found = [(i, g) for i, g in enumerate(given) if g.get("linkId") == item.get("linkId")]
            yield from self._item(item, found, where)

    def _item(self, item: Tree, found: list[tuple[int, Tree]], where: str) -> Iterator[Issue]:
        if not is_enabled(item, self.answers):
            for index, one in found:
                if one.get("answer") or one.get("item"):
                    text = "This item has an answer though it is not enabled"
                    yield Issue("error", "invalid", text, f"{where}.item[{index}]")
            return
        is_group = item.get("type") == "group"
        if item.get("type") == "display":
            return
        if len(found) > 1 and not (is_group and item.get("repeats")):
            text = "Only one item of this linkId is allowed here"
            yield Issue("error", "structure", text, f"{where}.item[{found[1][0]}]")
        if not found and item.get("required") and self.is_finished:
            yield Issue("error", "required", "A required item has no answer", where)
        for index, one in found:
            check = self._group if is_group else self._question
            yield from check(item, one, f"{where}.item[{index}]")

    def _group(self, item: Tree, one: Tree, where: str) -> Iterator[Issue]:
        if one.get("answer"):
            yield Issue("error", "structure", "A group has no answers, but items", where)
        if item.get("required") and not one.get("item") and self.is_finished:
            yield Issue("error", "required", "A required group has no items", where)
        yield from self.items(_objects(item.get("item")), _objects(one.get("item")), where)

    def _question(self, item: Tree, one: Tree, where: str) -> Iterator[Issue]:
        answers = _objects(one.get("answer"))
        if item.get("required") and not answers and self.is_finished:
            yield Issue("error", "required", "A required question has no answer", where)
        if len(answers) > 1 and not item.get("repeats"):
            yield Issue("error", "structure", "This question takes one answer", where)
        for text in self._number(item, len(answers)):
            yield Issue("error", "structure", text, where)
        if one.get("item"):
            text = "Items below a question stand in its answers"
            yield Issue("error", "structure", text, where)
        yield from options_problems(item, answers, where)
        for index, answer in enumerate(answers):
            place = f"{where}.answer[{index}]"
            yield from answer_problems(item, answer, place)
            below = _objects(item.get("item"))
            yield from self.items(below, _objects(answer.get("item")), place)

    def _number(self, item: Tree, number: int) -> Iterator[str]:
        for least in extension(item, _CORE + "questionnaire-minOccurs"):
            if isinstance(least, int) and number < least and self.is_finished:
                yield f"This question takes at least {least} answers"
        for most in extension(item, _CORE + "questionnaire-maxOccurs"):
            if isinstance(most, int) and number > most:
                yield f"This question takes at most {most} answers"


def _objects(value: Any) -> list[Tree]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
