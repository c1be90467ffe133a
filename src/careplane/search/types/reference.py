"""Reference search (FHIR R4, 3.1.1.4.12): `id`, `Type/id`, an absolute URL or a canonical one.

`:Patient` and the like say the type of a bare id; `:identifier` looks at the logical identifier in
the reference, not at the resource. Chains are read in `search.criteria`.
"""

from __future__ import annotations

import re

from careplane.fhir.definitions import is_resource
from careplane.search.criterion import Criterion, Modifiers
from careplane.search.plan import Coding, Node, Nothing, Reference, Token, Uri, UriMode, any_of
from careplane.search.rows import identifier_of
from careplane.search.syntax import coding, unescape

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:", re.ASCII)


def _any(criterion: Criterion) -> Node:
    return _to(criterion, criterion.parameter.targets)


def _typed(criterion: Criterion) -> Node:
    if criterion.modifier not in criterion.parameter.targets:
        raise criterion.invalid(f"this never refers to a {criterion.modifier}")
    return _to(criterion, frozenset({criterion.modifier}))


def _to(criterion: Criterion, allowed: frozenset[str]) -> Node:
    keys: set[tuple[str, str]] = set()
    urls: list[str] = []
    for value in criterion.values:
        text = _relative(unescape(value), criterion.setting.base)
        if _ABSOLUTE.match(text):
            urls.append(text)
        else:
            keys.update(_keys(criterion, text, allowed))
    param = criterion.parameter.param
    here = Reference(param, frozenset(keys)) if keys else Nothing()
    return any_of(here, Uri(param, UriMode.EXACT, tuple(urls))) if urls else here


def _relative(text: str, base: str) -> str:
    return text[len(base) + 1 :] if base and text.startswith(base + "/") else text


def _keys(criterion: Criterion, text: str, allowed: frozenset[str]) -> list[tuple[str, str]]:
    type, slash, id = text.rpartition("/")
    if "/" in type:
        raise criterion.unsupported("references are found by type and id, not by version")
    if not _ID.fullmatch(id) or (slash and not is_resource(type)):
        raise criterion.invalid("write id, Type/id or an absolute URL")
    return [(t, id) for t in ([type] if slash else allowed) if t in allowed]


def _identifier(criterion: Criterion) -> Node:
    codings = tuple(_coding(criterion, value) for value in criterion.values)
    return Token(identifier_of(criterion.parameter.param), codings)


def _coding(criterion: Criterion, text: str) -> Coding:
    found = coding(text)
    if found is None:
        raise criterion.invalid("write value, system|value, |value or system|")
    return found


MODIFIERS: Modifiers = {"": _any, "[type]": _typed, "identifier": _identifier}
