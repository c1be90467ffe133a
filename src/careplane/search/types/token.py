"""Token search (FHIR R4, 3.1.1.4.10): `code`, `system|code`, `|code`, `system|`, and modifiers.

`:in`, `:not-in`, `:above` and `:below` become lists of codes, where value set or hierarchy is held;
`:text` adds the codes that have such a name in their code system, where that is held.
"""

from __future__ import annotations

from typing import Literal

from careplane.search.code_sets import Question
from careplane.search.criterion import Criterion, Modifiers
from careplane.search.fold import fold
from careplane.search.implied import implied_systems
from careplane.search.plan import Coding, Node, Not, Text, TextMode, Token, any_of
from careplane.search.rows import of_type, text_of
from careplane.search.syntax import coding, split, unescape

_LETTERS = 3
"""Of a text by which codes are looked up; shorter ones are compared with what resources say."""


def _any(criterion: Criterion) -> Node:
    return Token(
        criterion.parameter.param,
        tuple(_as_stored(criterion, _coding(criterion, v)) for v in criterion.values),
    )


def _not(criterion: Criterion) -> Node:
    return Not(_any(criterion))


def _text(criterion: Criterion) -> Node:
    folded = tuple(fold(unescape(value)) for value in criterion.values)
    if not all(folded):
        raise criterion.invalid("a value has neither a letter nor a digit; write at least one")
    own = Text(text_of(criterion.parameter.param), TextMode.STARTS, folded)
    asked = [Question("text", unescape(value)) for value in criterion.values]
    named = [question for question in asked if len(question.value) >= _LETTERS]
    codings = _codings(criterion, named, "names of codes")
    return any_of(own, Token(criterion.parameter.param, codings)) if codings else own


def _of_type(criterion: Criterion) -> Node:
    codings = tuple(_typed_identifier(criterion, value) for value in criterion.values)
    return Token(of_type(criterion.parameter.param), codings)


def _typed_identifier(criterion: Criterion, text: str) -> Coding:
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) != 3 or not all(parts):
        raise criterion.invalid(
            "write the type's system, its code and the value: system|code|value"
        )
    system, code, value = parts
    return Coding(system, f"{code}|{value}")


def _in(criterion: Criterion) -> Node:
    asked = [Question("in", unescape(value)) for value in criterion.values]
    found = _codings(criterion, asked, "such a value set, or not in full")
    return Token(criterion.parameter.param, found)


def _not_in(criterion: Criterion) -> Node:
    return Not(_in(criterion))


def _below(criterion: Criterion) -> Node:
    return _along(criterion, "below")


def _above(criterion: Criterion) -> Node:
    return _along(criterion, "above")


def _along(criterion: Criterion, about: Literal["below", "above"]) -> Node:
    asked: list[Question] = []
    for value in criterion.values:
        wanted = _coding(criterion, value)
        if not wanted.system or wanted.code is None:
            raise criterion.invalid("a hierarchy is that of a code system: write system|code")
        asked.append(Question(about, wanted.code, wanted.system))
    found = _codings(criterion, asked, "the hierarchy of this system")
    return Token(criterion.parameter.param, found)


def _codings(criterion: Criterion, asked: list[Question], what: str) -> tuple[Coding, ...]:
    codings: dict[Coding, None] = {}
    implied = _implied(criterion)
    for question in asked:
        found = criterion.setting.code_sets.answer(question)
        if found is None:
            raise criterion.unsupported(f"this server does not hold {what}")
        if implied:
            found = tuple(Coding(None, c.code) if c.system in implied else c for c in found)
        codings.update(dict.fromkeys(found))
    return tuple(codings)


def _coding(criterion: Criterion, text: str) -> Coding:
    found = coding(text)
    if found is None:
        raise criterion.invalid(
            "write code, system|code, |code or system|; escape a | inside as \\|"
        )
    return found


def _as_stored(criterion: Criterion, found: Coding) -> Coding:
    """Codes whose system is implied by their element are stored without it."""
    if found.system is None:
        return found
    return Coding(None, found.code) if found.system in _implied(criterion) else found


def _implied(criterion: Criterion) -> frozenset[str]:
    parameter = criterion.parameter
    return implied_systems(parameter.param.partition(".")[0], parameter.definition)


MODIFIERS: Modifiers = {
    "": _any,
    "not": _not,
    "text": _text,
    "of-type": _of_type,
    "in": _in,
    "not-in": _not_in,
    "above": _above,
    "below": _below,
}
