"""From a sheet to the items of a QuestionnaireResponse (FHIR R4, 18.8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from careplane.care.forms import names
from careplane.care.forms.choices import key_of
from careplane.care.forms.definition import Item
from careplane.care.forms.sheet import Line, Sheet, Value
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import extension, objects, value_of


def skeleton(sheet: Sheet, head: Tree) -> Tree:
    """A response with every item in its place, answered or not: what expressions are asked over.
    `head` is the response without its items. Lines, repetitions and entries know their trees."""
    return {**head, "item": [tree for line in sheet.lines for tree in _whole(line)]}


def _whole(line: Line) -> list[Tree]:
    link: Tree = {"linkId": line.item.link}
    if line.item.is_group:
        for repeat in line.repeats:
            below = [tree for one in repeat.lines for tree in _whole(one)] if line.is_asked else []
            repeat.tree = {**link, "item": below} if below else dict(link)
        trees = [repeat.tree for repeat in line.repeats]
        line.tree = trees[0] if trees else link
        return trees
    line.tree = link
    write_answers(line)
    return [line.tree] if line.item.is_question else []


def write_answers(line: Line) -> None:
    """Put the answers of a question into the response that has its tree already."""
    answers = []
    for entry in line.entries if line.is_asked else ():
        if entry.value is not None:
            name, value = entry.value
            below = [tree for one in entry.lines for tree in _whole(one)]
            entry.tree = {name: weighed(line.item, value), **({"item": below} if below else {})}
            answers.append(entry.tree)
    line.tree.pop("answer", None)
    if answers:
        line.tree["answer"] = answers


def items(sheet: Sheet, language: str = "") -> list[Tree]:
    """The items as they are stored: what was asked and answered, with the texts of the questions.
    In groups that were repeated every item stands, so that a condition finds the answer of its own
    repetition, even if there is none."""
    return [tree for line in sheet.lines for tree in _stored(line, language, keep=False)]


def _stored(line: Line, language: str, *, keep: bool) -> Iterator[Tree]:
    text = line.item.text(language)
    head: Tree = {"linkId": line.item.link, **({"text": text} if text.strip() else {})}
    if line.item.is_group:
        several = keep or len(line.repeats) > 1
        for repeat in line.repeats if line.is_asked else ():
            below = [t for one in repeat.lines for t in _stored(one, language, keep=several)]
            if below or several:
                yield {**head, **({"item": below} if below else {})}
        return
    answers = list(_answers(line, language, keep=keep)) if line.is_asked else []
    if answers or (keep and line.item.is_question):
        yield {**head, **({"answer": answers} if answers else {})}


def _answers(line: Line, language: str, *, keep: bool) -> Iterator[Tree]:
    for entry in line.entries:
        if entry.value is None:
            continue
        name, value = entry.value
        below = [t for one in entry.lines for t in _stored(one, language, keep=keep)]
        yield {name: weighed(line.item, value), **({"item": below} if below else {})}


def weighed(item: Item, value: Any) -> Any:
    """A coding with what its option counts for (the extension ordinalValue), which sums are made
    of."""
    if not isinstance(value, dict) or "code" not in value or extension(value, *names.ORDINAL):
        return value
    for option in objects(item.tree.get("answerOption")):
        _, coding = value_of(option)
        if isinstance(coding, dict) and key_of(coding) == key_of(value):
            own = (one for one in objects(coding.get("extension")))
            around = (one for one in objects(option.get("extension")))
            weights = [one for one in (*own, *around) if one.get("url") in names.ORDINAL]
            if weights:
                return {**value, "extension": [*objects(value.get("extension")), *weights]}
    return value


def same(one: list[Value], other: list[Value]) -> bool:
    """Whether two lists of answers are the same."""
    return [(n, _plain(v)) for n, v in one] == [(n, _plain(v)) for n, v in other]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: v for k, v in value.items() if k not in ("display", "extension")}
    return value


def has_answer(line: Line, *, asked: bool = False) -> bool:
    """Whether a line, or one below it, has an answer; with `asked`, one that counts."""
    if any(entry.value is not None for entry in line.entries):
        return True
    return any(
        has_answer(one, asked=asked)
        for lines in line.below
        for one in lines
        if one.is_asked or not asked
    )
