"""Equal and equivalent (FHIRPath 2.0, 6.1): `=`, `!=`, `~`, `!~`, and the sets built on them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from decimal import Decimal
from typing import Any, Final

from careplane.fhir.fhirpath.items import Collection, Item, quantity, system
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.fhirpath.scope import Run
from careplane.fhir.fhirpath.values import quantity as quantities
from careplane.fhir.fhirpath.values import temporal
from careplane.fhir.fhirpath.values.quantity import Quantity
from careplane.fhir.fhirpath.values.temporal import Date, DateTime, Time

TEMPORAL: Final = (Date, DateTime, Time)
NUMBER: Final = (int, Decimal)


def equal_items(left: Item, right: Item) -> bool | None:
    """Whether two items are equal; None where it cannot be known."""
    one, other = system(left), system(right)
    if type(one) is type(other) and type(one) in (str, int, bool, Decimal):
        return one == other
    if isinstance(one, TEMPORAL) and isinstance(other, TEMPORAL):
        if not temporal.comparable(one, other):
            return False
        order = temporal.compare(one, other)
        return None if order is None else order == 0
    if type(one) in NUMBER and type(other) in NUMBER:
        return one == other
    return _equal_structures(one, other)


def _equal_structures(one: Item, other: Item) -> bool | None:
    if type(one) is bool or type(other) is bool:
        return False
    if type(one) in (Node, Quantity) or type(other) in (Node, Quantity):
        first, second = quantity(one), quantity(other)
        if first is not None and second is not None:
            order = quantities.compare(first, second)
            return None if order is None else order == 0
    if type(one) is Node and type(other) is Node:
        return one.type == other.type and one.value == other.value and one.extra == other.extra
    return type(one) is type(other) and one == other


def equal(left: Collection, right: Collection) -> bool | None:
    """Whether two collections have equal items in the same order; None if one is empty."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    results = [equal_items(one, other) for one, other in zip(left, right, strict=True)]
    if False in results:
        return False
    return None if None in results else True


def equivalent_items(left: Item, right: Item) -> bool:
    """Whether two items are the same but for case, spaces, trailing digits and order."""
    one, other = system(left), system(right)
    if type(one) is str and type(other) is str:
        return _loose_text(one) == _loose_text(other)
    if type(one) in NUMBER and type(other) in NUMBER:
        assert isinstance(one, NUMBER)
        assert isinstance(other, NUMBER)
        return _equivalent_numbers(Decimal(one), Decimal(other))
    first, second = quantity(one), quantity(other)
    if first is not None and second is not None:
        pair = quantities.in_one_unit(first, second)
        return pair is not None and _equivalent_numbers(*pair)
    if type(one) is Node and type(other) is Node:
        return one.type == other.type and loose(one.value) == loose(other.value)
    return equal_items(one, other) is True


def equivalent(run: Run, left: Collection, right: Collection) -> bool:
    """Whether two collections have equivalent items in any order."""
    if len(left) != len(right):
        return False
    run.spend(len(left) * len(right))
    waiting = list(right)
    for one in left:
        for place, other in enumerate(waiting):
            if equivalent_items(one, other):
                del waiting[place]
                break
        else:
            return False
    return True


def _loose_text(text: str) -> str:
    return " ".join(text.casefold().split())


def _equivalent_numbers(one: Decimal, other: Decimal) -> bool:
    """Compare after rounding to the precision of the less precise; trailing zeros do not count."""
    places = min(_places(one), _places(other))
    return round(one, places) == round(other, places)


def _places(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def loose(value: Any) -> Hashable:
    """A JSON value as a key that equivalent values share."""
    match value:
        case str():
            return _loose_text(value)
        case dict():
            return frozenset((name, loose(one)) for name, one in value.items() if name != "id")
        case list():
            keys = [loose(one) for one in value]
            return frozenset((key, keys.count(key)) for key in keys)
        case _:
            return (type(value) is bool, value)


def key(item: Item) -> Hashable | None:
    """A key that two items share exactly if they are equal; None for items without one."""
    value = system(item)
    if type(value) is str or type(value) in NUMBER:
        return value
    return (bool, value) if type(value) is bool else None


class Known:
    """A growing set of items under `=`. Plain values cost one look-up, others a comparison each."""

    def __init__(self, run: Run, items: Iterable[Item] = ()) -> None:
        self.run = run
        self.keys: set[Hashable] = set()
        self.others: Collection = []
        for item in items:
            self.add(item)

    def __contains__(self, item: Item) -> bool:
        found = key(item)
        if found is not None and found in self.keys:
            return True
        self.run.spend(1 + len(self.others))
        return any(equal_items(item, other) is True for other in self.others)

    def add(self, item: Item) -> bool:
        """Add an item; whether it was new."""
        if item in self:
            return False
        found = key(item)
        if found is None:
            self.others.append(item)
        else:
            self.keys.add(found)
        return True


def distinct(run: Run, items: Collection) -> Collection:
    """The items without those equal to an earlier one."""
    known = Known(run)
    return [item for item in items if known.add(item)]
