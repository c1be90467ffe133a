"""What `_sort` means: the order of resources, known by their rows (FHIR R4, 3.1.1.5.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from careplane.search.match import Subject
from careplane.search.plan import SortBy, SortKey
from careplane.search.rows import Param

Value: TypeAlias = float | str
Ends: TypeAlias = Iterator[tuple[Value, Value]]


def ordered(subjects: Iterable[Subject], sort: Sequence[SortKey]) -> list[Subject]:
    """In the order of `sort`; the given order, which is that of creation, breaks ties."""
    result = list(subjects)
    for key in reversed(sort):
        result = _by(key, result)
    return result


def sort_value(subject: Subject, key: SortKey) -> Value | None:
    """What the key compares, None where the resource has no value.

    Texts compare folded, tokens by code, quantities in base units where they have them. A range
    counts by its low end ascending and by its high end descending.
    """
    ends = list(_ENDS[key.by](subject, key.param))
    if not ends:
        return None
    return max(high for _, high in ends) if key.descending else min(low for low, _ in ends)


def _by(key: SortKey, subjects: list[Subject]) -> list[Subject]:
    there: list[tuple[Value, Subject]] = []
    missing: list[Subject] = []
    for subject in subjects:
        value = sort_value(subject, key)
        if value is None:
            missing.append(subject)
        else:
            there.append((value, subject))
    there.sort(key=lambda pair: pair[0], reverse=key.descending)
    return [subject for _, subject in there] + missing


def _dates(subject: Subject, param: Param) -> Ends:
    return ((row.low, row.high) for row in subject.rows.dates if row.param == param)


def _numbers(subject: Subject, param: Param) -> Ends:
    return ((row.low, row.high) for row in subject.rows.numbers if row.param == param)


def _quantities(subject: Subject, param: Param) -> Ends:
    for row in subject.rows.quantities:
        if row.param == param:
            best = row.canonical or row
            yield best.low, best.high


def _strings(subject: Subject, param: Param) -> Ends:
    return ((row.folded, row.folded) for row in subject.rows.strings if row.param == param)


def _tokens(subject: Subject, param: Param) -> Ends:
    return ((row.code, row.code) for row in subject.rows.tokens if row.param == param)


def _uris(subject: Subject, param: Param) -> Ends:
    return ((row.value, row.value) for row in subject.rows.uris if row.param == param)


def _references(subject: Subject, param: Param) -> Ends:
    for row in subject.rows.references:
        if row.param == param:
            yield f"{row.type}/{row.id}", f"{row.type}/{row.id}"


_ENDS: dict[SortBy, Callable[[Subject, Param], Ends]] = {
    SortBy.DATE: _dates,
    SortBy.STRING: _strings,
    SortBy.TOKEN: _tokens,
    SortBy.NUMBER: _numbers,
    SortBy.QUANTITY: _quantities,
    SortBy.URI: _uris,
    SortBy.REFERENCE: _references,
    SortBy.ID: lambda subject, param: iter([(subject.id, subject.id)]),
    SortBy.UPDATED: lambda subject, param: iter([(subject.last_updated, subject.last_updated)]),
}
