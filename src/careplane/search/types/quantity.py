"""Quantity search (FHIR R4, 3.1.1.4.11): `[prefix]number`, `number|system|code`, `number||code`.

A unit of UCUM is also compared in base units, so that 5.4 g finds 5400 mg.
"""

from __future__ import annotations

from careplane.fhir import ucum
from careplane.search.criterion import Criterion, Modifiers
from careplane.search.numbers import Asked, asked
from careplane.search.plan import Node, Quantity, any_of
from careplane.search.syntax import split, unescape

UCUM = "http://unitsofmeasure.org"


def _quantity(criterion: Criterion) -> Node:
    return any_of(*(_one(criterion, value) for value in criterion.values))


def _one(criterion: Criterion, text: str) -> Node:
    number, *unit = split(text, "|")
    found = asked(number)
    if found is None or len(unit) not in (0, 2):
        raise criterion.invalid(
            "write number, number|system|code or number||code, such as "
            "5.4|http://unitsofmeasure.org|mg, after one of eq ne gt lt ge le sa eb ap or nothing"
        )
    system, code = (unescape(part) or None for part in unit) if unit else (None, None)
    return Quantity(
        criterion.parameter.param,
        found.prefix,
        float(found.low),
        float(found.high),
        system,
        code,
        _canonical(found, code) if code and system == UCUM else None,
    )


def _canonical(found: Asked, code: str) -> tuple[float, float, str] | None:
    """The range in base units; None for a code that is not UCUM's, which is compared as written."""
    try:
        low, unit = ucum.canonicalise(found.low, code)
        high, _ = ucum.canonicalise(found.high, code)
    except (ucum.NotAUnit, ucum.NotComparable):
        return None
    low, high = min(low, high), max(low, high)  # a scale such as pH runs the other way
    return float(low), float(high), unit


MODIFIERS: Modifiers = {"": _quantity}
