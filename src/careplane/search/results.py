"""Parameters about the answer, not about what matches (FHIR R4, 3.1.1.5): `_sort`, `_count` ..."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from careplane.fhir.definitions import is_resource
from careplane.fhir.definitions.search import SearchType
from careplane.search.contained import Contained, ContainedType, looks_beyond
from careplane.search.criteria import ANY
from careplane.search.criterion import Setting, invalid, missing, shown, unsupported
from careplane.search.includes import Include
from careplane.search.plan import Node, SortBy, SortKey
from careplane.search.registry import Parameter
from careplane.search.rows import Param

T = TypeVar("T", bound=StrEnum)

MAX_COUNT = 1000
MAX_NAMES = 100
"""Keys of `_sort`, names of `_elements`."""


class Summary(StrEnum):
    """How much of each resource an answer shows (3.1.1.5.8)."""

    TRUE = "true"
    TEXT = "text"
    DATA = "data"
    COUNT = "count"
    FALSE = "false"


class Total(StrEnum):
    """How exact `Bundle.total` shall be (3.1.1.5.3)."""

    NONE = "none"
    ESTIMATE = "estimate"
    ACCURATE = "accurate"


class Results(Struct):
    """What was asked about the answer, as it is read. `types` are those searched."""

    setting: Setting
    types: frozenset[str]
    sort: list[SortKey] = []
    includes: list[Include] = []
    revincludes: list[Include] = []
    elements: list[str] = []
    count: int | None = None
    summary: Summary | None = None
    total: Total | None = None
    contained: Contained | None = None
    contained_type: ContainedType | None = None

    def sort_type(self) -> str:
        return next(iter(self.types)) if len(self.types) == 1 else ANY


Reader = Callable[[Results, str, str], str]
"""Takes key and value into the results; answers with the value as it was understood."""


def _count(results: Results, key: str, value: str) -> str:
    if results.count is not None:
        raise invalid(key, "only one is possible")
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise invalid(key, "write a whole number that is not negative")
    results.count = min(int(value), MAX_COUNT)
    return str(results.count)


def _summary(results: Results, key: str, value: str) -> str:
    results.summary = _one_of(Summary, results.summary, key, value)
    return value


def _total(results: Results, key: str, value: str) -> str:
    results.total = _one_of(Total, results.total, key, value)
    return value


def _one_of(kinds: type[T], present: T | None, key: str, value: str) -> T:
    if present is not None:
        raise invalid(key, "only one is possible")
    try:
        return kinds(value)
    except ValueError:
        raise invalid(key, f"write one of {', '.join(kinds)}") from None


def _elements(results: Results, key: str, value: str) -> str:
    names = value.split(",")
    if not all(re.fullmatch(r"[A-Za-z][A-Za-z.]{0,99}", name, re.ASCII) for name in names):
        raise invalid(key, "write names of elements with commas between them")
    results.elements += names
    if len(results.elements) > MAX_NAMES:
        raise invalid(key, f"at most {MAX_NAMES} names")
    return value


def _sort(results: Results, key: str, value: str) -> str:
    results.sort += [_sort_key(results, key, name) for name in value.split(",")]
    if len(results.sort) > MAX_NAMES:
        raise invalid(key, f"at most {MAX_NAMES} keys")
    return value


def _sort_key(results: Results, key: str, name: str) -> SortKey:
    code = name.removeprefix("-")
    if code in _SORT_BY_RECORD:
        return SortKey(Param(code), _SORT_BY_RECORD[code], name != code)
    parameter = results.setting.registry.lookup(results.sort_type(), code)
    if parameter is None:
        text = f"there is no search parameter {shown(code)!r} to sort by"
        raise missing(results.setting, key, results.sort_type(), code, text)
    by = _SORT_BY.get(parameter.type)
    if parameter.union:
        raise unsupported(key, "values of several elements have no one order; name one of them")
    if by is None:
        raise unsupported(key, f"a parameter of type {parameter.type} has no order")
    return SortKey(parameter.param, by, name != code)


_SORT_BY_RECORD = {"_id": SortBy.ID, "_lastUpdated": SortBy.UPDATED}
_SORT_BY: Mapping[SearchType, SortBy] = {
    "date": SortBy.DATE,
    "string": SortBy.STRING,
    "token": SortBy.TOKEN,
    "number": SortBy.NUMBER,
    "quantity": SortBy.QUANTITY,
    "uri": SortBy.URI,
    "reference": SortBy.REFERENCE,
}


def _include(results: Results, key: str, value: str) -> str:
    results.includes.append(_path(results, key, value))
    return value


def _revinclude(results: Results, key: str, value: str) -> str:
    if value == "*":
        raise unsupported(key, "name the type that refers here, as in Observation:*")
    results.revincludes.append(_path(results, key, value))
    return value


def _path(results: Results, key: str, value: str) -> Include:
    """`*`, `Type:*`, `Type:code` or `Type:code:Target`."""
    iterate = key.endswith(":iterate")
    if value == "*":
        return Include(None, None, None, iterate)
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    if not is_resource(source) or not code or (target and not is_resource(target)):
        raise invalid(key, "write *, Type:*, Type:parameter or Type:parameter:TargetType")
    if code == "*":
        return Include(source, None, frozenset({target}) if target else None, iterate)
    parameter = _reference(results, key, source, code)
    if target and target not in parameter.targets:
        raise invalid(key, f"{shown(code)} never refers to {target}")
    targets = frozenset({target}) if target else parameter.targets
    return Include(source, frozenset({parameter.param}), targets, iterate)


def _reference(results: Results, key: str, source: str, code: str) -> Parameter:
    parameter = results.setting.registry.lookup(source, code)
    if parameter is None:
        text = f"there is no search parameter {shown(code)!r} of {source}"
        raise missing(results.setting, key, source, code, text)
    if parameter.type != "reference":
        raise invalid(key, f"{shown(code)} is no reference")
    return parameter


def _contained(results: Results, key: str, value: str) -> str:
    results.contained = _one_of(Contained, results.contained, key, value)
    return value


def _contained_type(results: Results, key: str, value: str) -> str:
    results.contained_type = _one_of(ContainedType, results.contained_type, key, value)
    return value


def check_contained(results: Results, where: Node, *, offered: bool) -> None:
    """Raises Unsupported where a search over contained resources has what they cannot be searched
    by, or is none that could show them."""
    if results.contained in (None, Contained.FALSE):
        return
    total = results.total not in (None, Total.NONE)
    for key, is_asked, text in (
        ("_contained", not offered, "only a plain search looks for contained resources"),
        ("_contained", not results.types, "name a type of resource"),
        ("_contained", looks_beyond(where), "a chain or _has is not followed from them"),
        ("_include", bool(results.includes or results.revincludes), _NOT_WITH),
        ("_sort", any(k.by not in _SORT_BY_RECORD.values() for k in results.sort), _BY_CONTAINER),
        ("_total", total or results.count == 0, _NOT_COUNTED),
        ("_summary", results.summary is Summary.COUNT, _NOT_COUNTED),
    ):
        if is_asked:
            raise unsupported(key, text)


_NOT_WITH = "not possible with _contained"
_NOT_COUNTED = "contained resources are not counted; go through the pages"
_BY_CONTAINER = "with _contained, sort by _id or _lastUpdated, which are those of the container"


def _refused(results: Results, key: str, value: str) -> str:
    raise unsupported(key, "not offered; leave it out, for it would change what is found")


READERS: Mapping[str, Reader] = {
    "_count": _count,
    "_summary": _summary,
    "_total": _total,
    "_elements": _elements,
    "_sort": _sort,
    "_include": _include,
    "_include:iterate": _include,
    "_revinclude": _revinclude,
    "_revinclude:iterate": _revinclude,
    "_contained": _contained,
    "_containedType": _contained_type,
    "_query": _refused,
}
