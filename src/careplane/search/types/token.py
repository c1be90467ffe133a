"""Token search (FHIR R4, 3.1.1.4.10): `code`, `system|code`, `|code`, `system|`, and modifiers.

`:in`, `:not-in`, `:above` and `:below` become lists of codes, where value set or hierarchy is held.
"""

from __future__ import annotations

from careplane.search.criterion import Criterion, Modifiers
from careplane.search.fold import fold
from careplane.search.implied import implied_systems
from careplane.search.plan import Coding, Node, Not, Text, TextMode, Token
from careplane.search.rows import of_type, text_of
from careplane.search.syntax import coding, split, unescape


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
    return Text(text_of(criterion.parameter.param), TextMode.STARTS, folded)


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
    codings: dict[Coding, None] = {}
    for value in criterion.values:
        members = criterion.setting.code_sets.members(unescape(value))
        if members is None:
            raise criterion.unsupported(
                "this server does not hold such a value set, or not in full"
            )
        codings.update(dict.fromkeys(_as_stored(criterion, coding) for coding in members))
    return Token(criterion.parameter.param, tuple(codings))


def _not_in(criterion: Criterion) -> Node:
    return Not(_in(criterion))


def _below(criterion: Criterion) -> Node:
    return _along(criterion, below=True)


def _above(criterion: Criterion) -> Node:
    return _along(criterion, below=False)


def _along(criterion: Criterion, *, below: bool) -> Node:
    sets = criterion.setting.code_sets
    codings: dict[Coding, None] = {}
    for value in criterion.values:
        wanted = _coding(criterion, value)
        if not wanted.system or wanted.code is None:
            raise criterion.invalid("a hierarchy is that of a code system: write system|code")
        found = (sets.below if below else sets.above)(wanted.system, wanted.code)
        if found is None:
            raise criterion.unsupported("this server does not hold the hierarchy of this system")
        codings.update(dict.fromkeys(_as_stored(criterion, coding) for coding in found))
    return Token(criterion.parameter.param, tuple(codings))


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
    parameter = criterion.parameter
    base = parameter.param.partition(".")[0]
    implied = implied_systems(base, parameter.definition)
    return Coding(None, found.code) if found.system in implied else found


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
