"""Resources as a table of Polars: a row each, a column for each FHIRPath expression.

    to_polars({"id": "id", "born": "birthDate", "family": "name.family"})

A column is of lists where any row has several values. Decimals stay decimals: the column has as
many digits after the point as its longest value. Dates and times stay text, since FHIR's may be
partial.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from careplane.fhir.codec import json
from careplane.fhir.fhirpath import Item, Node, evaluate
from careplane.kernel.errors import Incorrect, Unsupported

if TYPE_CHECKING:
    import polars


def frame(resources: Iterable[bytes], columns: Mapping[str, str]) -> polars.DataFrame:
    """The table. Raises Incorrect where an expression finds what is no single value."""
    try:
        import polars
    except ImportError:
        raise Unsupported("Tables need Polars: pip install 'careplane[polars]'.") from None
    found: dict[str, list[list[Any]]] = {name: [] for name in columns}
    for raw in resources:
        tree = json.parse(raw)
        for name, expression in columns.items():
            found[name].append([_value(name, item) for item in evaluate(expression, tree)])
    return polars.DataFrame({name: _column(cells) for name, cells in found.items()}, strict=False)


def _column(cells: list[list[Any]]) -> Any:
    import polars

    values = [value for cell in cells for value in cell]
    inner = _kind([_uniform(value, values) for value in values])
    if any(len(cell) > 1 for cell in cells):
        lists = [[_uniform(value, values) for value in cell] for cell in cells]
        return polars.Series(lists, dtype=polars.List(inner))
    single = [_uniform(cell[0], values) if cell else None for cell in cells]
    return polars.Series(single, dtype=inner)


def _uniform(value: Any, values: list[Any]) -> Any:
    """Whole numbers among decimals are decimals; what else is mixed is text."""
    kinds = {type(each) for each in values}
    if len(kinds) == 1:
        return value
    return Decimal(value) if kinds == {int, Decimal} else str(value)


def _kind(values: list[Any]) -> Any:
    import polars

    first = values[0] if values else None
    if isinstance(first, Decimal):
        places = [-int(v.as_tuple().exponent) for v in values]
        return polars.Decimal(38, max(0, *places))
    kinds: dict[type, Any] = {bool: polars.Boolean, int: polars.Int64, str: polars.String}
    return polars.Null if first is None else kinds[type(first)]


def _value(name: str, item: Item) -> Any:
    value = item.value if isinstance(item, Node) else item
    if isinstance(value, dict):
        raise Incorrect(f"The column {name!r} finds an element; go on to one of its values.")
    return value if isinstance(value, bool | int | Decimal | str) else str(value)
