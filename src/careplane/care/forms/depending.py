"""What the conditions and calculations of an item hang on: the questions whose answers they read.

Told from the text of expressions, and rather too much than too little: one that goes to its
questions in another way than by `where(linkId = 'a')` hangs on all of them. What an answer holds
below goes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from careplane.care.forms import names
from careplane.fhir.fhirpath import ast, known, parse
from careplane.fhir.fhirpath.errors import NotFhirpath
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.expressions import fhirpath
from careplane.fhir.validation.forms.values import extension, objects

Links = frozenset[str] | None
"""Link ids; None for those of all questions."""
NONE: Final[Links] = frozenset()
_RESOURCE: Final = frozenset({"resource", "rootResource"})


def united(found: Iterable[Links]) -> Links:
    """All of them together."""
    links: set[str] = set()
    for one in found:
        if one is None:
            return None
        links |= one
    return frozenset(links)


class Dependencies:
    """Of one questionnaire; `items` are all of its items."""

    def __init__(self, questionnaire: Tree, items: Iterable[Tree]) -> None:
        self._variables: dict[str, list[tuple[str, Links]]] = {}
        for owner, own in [(questionnaire, None), *((one, _own(one)) for one in items)]:
            for variable in extension(owner, names.VARIABLE):
                name, text = _name(variable), fhirpath(variable)
                if name and text is not None:
                    self._variables.setdefault(name, []).append((text, own))
        self._known: dict[str, Links] = {}

    def of(self, item: Tree) -> Links:
        """What decides whether an item is asked, and what it is calculated to be."""
        conditions = objects(item.get("enableWhen"))
        asked = frozenset(str(one.get("question")) for one in conditions)
        told = extension(item, names.ENABLE, names.CALCULATED)
        return united([asked, *(self._text(fhirpath(one), _own(item)) for one in told)])

    def _text(self, text: str | None, own: Links) -> Links:
        try:
            return NONE if text is None else self._expression(parse(text), own, own)
        except NotFhirpath:
            return NONE  # it has no value, ever

    def _variable(self, name: str) -> Links:
        if name not in self._known:
            self._known[name] = None  # what names itself may be anything
            self._known[name] = united(self._text(*one) for one in self._variables.get(name, ()))
        return self._known[name]

    def _expression(self, node: ast.Expression, this: Links, own: Links) -> Links:
        """`this` is what `$this` hangs on, `own` what `%context` does."""
        asked = known.choice(node)
        if asked is not None and asked.child == "linkId":
            return frozenset({asked.text})
        match node:
            case ast.Variable("context"):
                return own
            case ast.Variable(name):
                return None if name in _RESOURCE else self._variable(name)
            case ast.This() | ast.Index() | ast.Total() | ast.Member(None, _):
                return this
            case ast.Call(base, _, arguments):
                focus = this if base is None else self._expression(base, this, own)
                below = (self._expression(one, focus, own) for one in arguments)
                return united([focus, *below])
            case ast.Indexer(base, index):
                focus = self._expression(base, this, own)
                return united([focus, self._expression(index, this, own)])
            case _:
                return united(self._expression(one, this, own) for one in ast.children(node))


def _own(item: Tree) -> Links:
    return frozenset({str(item.get("linkId"))})


def _name(variable: Any) -> str:
    return str(variable.get("name") or "") if isinstance(variable, Mapping) else ""
