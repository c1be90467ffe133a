"""What a plan means: whether one resource, known by its rows, matches a node (FHIR R4, 3.1.1).

The oracle that every engine is held to, the core of the memory engine, and what a write is checked
with against the caller's rights. One function a node, in one table; nothing here is indexed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from careplane.search import plan
from careplane.search.globe import great_circle
from careplane.search.plan import Node, TextMode, UriMode
from careplane.search.ranges import in_range, in_span
from careplane.search.rows import Param, QuantityRow, Rows, part
from careplane.search.words import has

MILLISECOND = 1000
"""How long `last_updated` lasts, in microseconds."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One current resource, as a search sees it; `last_updated` in microseconds since 1970."""

    type: str
    id: str
    last_updated: int
    rows: Rows


class World(Protocol):
    """The other current, undeleted resources, for what looks beyond one of them."""

    def resource(self, type: str, id: str) -> Subject | None:
        """The resource of this type and id, if there is one."""

    def referring(self, source: str, type: str, id: str) -> Iterable[Subject]:
        """Resources of type `source`; at least all that have a reference to `type`/`id`."""


class NoWorld:
    """A world of one resource: chains lead nowhere and nobody refers to it."""

    def resource(self, type: str, id: str) -> Subject | None:
        return None

    def referring(self, source: str, type: str, id: str) -> Iterable[Subject]:
        return ()


def matches(node: Node, subject: Subject, world: World) -> bool:
    """Whether the resource matches."""
    return _MEANING[type(node)](node, subject, world)


def present_params(rows: Rows) -> frozenset[Param]:
    """The parameters that a resource has a value for: what `Present` and `:missing` go by.

    A code that is only text, or a reference that is only an identifier, counts.
    """
    kinds: tuple[Sequence[Any], ...] = (
        rows.tokens, rows.strings, rows.references, rows.uris,
        rows.dates, rows.numbers, rows.quantities, rows.composites,
    )  # fmt: skip
    return frozenset(Param(row.param.partition(":")[0]) for kind in kinds for row in kind)


def _everything(node: plan.Everything, subject: Subject, world: World) -> bool:
    return True


def _nothing(node: plan.Nothing, subject: Subject, world: World) -> bool:
    return False


def _and(node: plan.And, subject: Subject, world: World) -> bool:
    return all(matches(part, subject, world) for part in node.parts)


def _or(node: plan.Or, subject: Subject, world: World) -> bool:
    return any(matches(part, subject, world) for part in node.parts)


def _not(node: plan.Not, subject: Subject, world: World) -> bool:
    return not matches(node.part, subject, world)


def _of_type(node: plan.OfType, subject: Subject, world: World) -> bool:
    return subject.type in node.types


def _ids(node: plan.Ids, subject: Subject, world: World) -> bool:
    return subject.id in node.ids


def _keys(node: plan.Keys, subject: Subject, world: World) -> bool:
    return (subject.type, subject.id) in node.keys


def _updated(node: plan.Updated, subject: Subject, world: World) -> bool:
    at = subject.last_updated
    return in_span(node.prefix, node.low, node.high, at, at + MILLISECOND)


def _token(node: plan.Token, subject: Subject, world: World) -> bool:
    return any(
        row.param == node.param and _is_coding(coding, row.system, row.code)
        for row in subject.rows.tokens
        for coding in node.codings
    )


def _is_coding(wanted: plan.Coding, system: str | None, code: str) -> bool:
    if not wanted.any_system and wanted.system != system:
        return False
    return wanted.code is None or wanted.code == code


def _text(node: plan.Text, subject: Subject, world: World) -> bool:
    fits = _TEXT[node.mode]
    return any(
        row.param == node.param and any(fits(row.folded, row.text, v) for v in node.values)
        for row in subject.rows.strings
    )


_TEXT: dict[TextMode, Callable[[str, str, str], bool]] = {
    TextMode.STARTS: lambda folded, text, value: folded.startswith(value),
    TextMode.CONTAINS: lambda folded, text, value: value in folded,
    TextMode.SAME: lambda folded, text, value: folded == value,
    TextMode.EXACT: lambda folded, text, value: text == value,
}


def _full_text(node: plan.FullText, subject: Subject, world: World) -> bool:
    return any(
        row.param in node.texts and has(row.words, node.words, open=node.open)
        for row in subject.rows.words
    )


def _uri(node: plan.Uri, subject: Subject, world: World) -> bool:
    fits = _URI[node.mode]
    return any(
        row.param == node.param
        and any(fits(v, row.value) or fits(v, row.value.partition("|")[0]) for v in node.values)
        for row in subject.rows.uris
    )


def _slash(uri: str) -> str:
    return uri if uri.endswith("/") else uri + "/"


_URI: dict[UriMode, Callable[[str, str], bool]] = {
    UriMode.EXACT: lambda wanted, value: wanted == value,
    UriMode.BELOW: lambda wanted, value: wanted == value or value.startswith(_slash(wanted)),
    UriMode.ABOVE: lambda wanted, value: wanted == value or wanted.startswith(_slash(value)),
}


def _reference(node: plan.Reference, subject: Subject, world: World) -> bool:
    return any(
        row.param == node.param and (row.type, row.id) in node.targets
        for row in subject.rows.references
    )


def _date(node: plan.Date, subject: Subject, world: World) -> bool:
    return any(
        row.param == node.param and in_span(node.prefix, node.low, node.high, row.low, row.high)
        for row in subject.rows.dates
    )


def _number(node: plan.Number, subject: Subject, world: World) -> bool:
    return any(
        row.param == node.param and in_range(node.prefix, node.low, node.high, row.low, row.high)
        for row in subject.rows.numbers
    )


def _quantity(node: plan.Quantity, subject: Subject, world: World) -> bool:
    return any(
        row.param == node.param and _is_quantity(node, row) for row in subject.rows.quantities
    )


def _is_quantity(node: plan.Quantity, row: QuantityRow) -> bool:
    if node.canonical and row.canonical:
        low, high, unit = node.canonical
        r_low, r_high, r_unit = row.canonical
        return unit == r_unit and in_range(node.prefix, low, high, r_low, r_high)
    if node.code is not None and node.code != row.code:
        return False
    if node.system is not None and node.system != row.system:
        return False
    return in_range(node.prefix, node.low, node.high, row.low, row.high)


def _near(node: plan.Near, subject: Subject, world: World) -> bool:
    latitude, longitude = part(node.param, 0), part(node.param, 1)
    numbers = subject.rows.numbers
    return any(
        great_circle(node.latitude, node.longitude, one.low, other.low) <= node.distance
        for one in numbers
        if one.param == latitude
        for other in numbers
        if other.param == longitude
    )


def _composite(node: plan.Composite, subject: Subject, world: World) -> bool:
    return any(
        row.param == node.param and matches(node.where, replace(subject, rows=row.parts), world)
        for row in subject.rows.composites
    )


def _present(node: plan.Present, subject: Subject, world: World) -> bool:
    return node.param in present_params(subject.rows)


def _chain(node: plan.Chain, subject: Subject, world: World) -> bool:
    for row in subject.rows.references:
        if row.param == node.param and row.type in node.types:
            target = world.resource(row.type, row.id)
            if target and matches(node.where, target, world):
                return True
    return False


def _has(node: plan.Has, subject: Subject, world: World) -> bool:
    here = plan.Reference(node.param, frozenset({(subject.type, subject.id)}))
    return any(
        _reference(here, source, world) and matches(node.where, source, world)
        for source in world.referring(node.source, subject.type, subject.id)
    )


_MEANING: dict[type[Node], Callable[[Any, Subject, World], bool]] = {
    plan.Everything: _everything,
    plan.Nothing: _nothing,
    plan.And: _and,
    plan.Or: _or,
    plan.Not: _not,
    plan.OfType: _of_type,
    plan.Ids: _ids,
    plan.Keys: _keys,
    plan.Updated: _updated,
    plan.Token: _token,
    plan.Text: _text,
    plan.FullText: _full_text,
    plan.Uri: _uri,
    plan.Reference: _reference,
    plan.Date: _date,
    plan.Number: _number,
    plan.Quantity: _quantity,
    plan.Near: _near,
    plan.Composite: _composite,
    plan.Present: _present,
    plan.Chain: _chain,
    plan.Has: _has,
}
