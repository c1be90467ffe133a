"""The plain form of a resource: its JSON object, for the paths where richness matters over speed.

Names are those of FHIR JSON (2.6.2), extensions of primitives stand in `_name` siblings, numbers
are `int` or `Decimal` with the digits that were sent. Trees are made by `fhir.codec`; nobody
changes one that was handed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeAlias

Number: TypeAlias = int | Decimal
Tree: TypeAlias = dict[str, Any]

MAX_DEPTH = 100
"""Levels of nesting that a resource may have; R4's own examples stay below 20."""

MAX_DIGITS = 100
"""Characters of a number without its exponent; the standard asks for 18 digits."""

MAX_EXPONENT = 308
"""Powers of ten of a number, the range of a double; an example of R4 has 1.0e245."""


def is_sane_number(value: Number) -> bool:
    """Whether a number is of a size that arithmetic and storage take without harm.

    Guards against `1e999999999`, whose text is short, and a million digits, whose size is small.
    """
    if isinstance(value, int):
        return len(str(value)) <= MAX_DIGITS
    # `adjusted` is the exponent of the first digit, `str` writes each digit that was sent.
    return -MAX_EXPONENT <= value.adjusted() <= MAX_EXPONENT and len(str(value)) <= MAX_DIGITS


def texts_named(name: str, value: Any) -> Iterator[str]:
    """Every text under a name, wherever it stands in a value."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get(name), str):
                yield one[name]
            waiting.extend(v for v in one.values() if isinstance(v, dict | list))
        elif isinstance(one, list):
            waiting.extend(one)
