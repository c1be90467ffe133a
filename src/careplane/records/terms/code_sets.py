"""What a search asks of terminology, answered: `:in`, `:not-in`, `:above` and `:below`, over all
that the caller can look codes up in; `:text`, over the releases that were loaded."""

from __future__ import annotations

from collections.abc import Sequence

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import NotFound
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.parts import Parts
from careplane.records.read import read
from careplane.records.targets import target
from careplane.records.terms.ask import library
from careplane.search.code_sets import Answer, Question
from careplane.search.plan import Coding
from careplane.terminology.codes import Pair, all_codes, codes_along
from careplane.terminology.findings import Missing
from careplane.terminology.options import Options
from careplane.terminology.scope import Scope


async def answered(parts: Parts, account: Account, question: Question) -> Answer:
    """The codes; None where what is asked about is not held here. Raises Incorrect for a value set
    that goes round in a circle, or has too many codes."""
    if question.about == "text":
        named = parts.terms.named if parts.terms else None
        return _codings([] if named is None else await named(question.value))
    if parts.terms is None:
        return None
    scope = Scope(library(parts, account), Options())
    if question.about != "in":
        below = question.about == "below"
        found = await codes_along(scope, question.system, question.value, below=below)
    else:
        try:
            tree = await _value_set(parts, account, scope, question.value)
            found = None if tree is None else await all_codes(scope, tree)
        except Missing:
            return None
    return None if found is None else _codings(found)


def _codings(pairs: Sequence[Pair]) -> tuple[Coding, ...]:
    return tuple(Coding(*pair) for pair in pairs)


async def _value_set(parts: Parts, account: Account, scope: Scope, name: str) -> Tree | None:
    """By type and id, or by canonical."""
    key = target(parts.base, name)
    if key is None or key[0] != "ValueSet":
        return await scope.value_set(name)
    try:
        version = await read(parts, account, c.Read(*key))
    except NotFound:
        return await scope.value_set(name)
    account.saw((version,))
    return json.parse(whole(version))
