"""From a resource to its rows, by generated code: the door to `generated/` and `values/`.

One module a type, imported when the type is first met. `compile` makes them from the search
parameters in `make generate`; for parameters that come at run time, `extractor` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import Any

from careplane.fhir.definitions import SearchParam
from careplane.fhir.structs import Struct, decoder
from careplane.fhir.translate.compiled import build
from careplane.search.compile import source
from careplane.search.contained import tokens
from careplane.search.rows import CompositeRow, Rows

Extractor = Callable[[Any, Rows], None]


def extract(resource: Struct) -> Rows:
    """The rows of a resource, without duplicates."""
    rows = Rows()
    _generated(type(resource))(resource, rows)
    rows.tokens += tokens(resource)
    return distinct(rows)


def extract_bytes(type_name: str, whole: bytes) -> Rows:
    """The rows of a stored resource, which was valid when it was written."""
    return extract(decoder(type_name).decode(whole))


def extractor(type_name: str, definitions: Iterable[SearchParam]) -> Callable[[Struct], Rows]:
    """A function from a resource of the type to the rows of these parameters, made now."""
    fill: Extractor = build(source.extractor(type_name, definitions), "extract")

    def run(resource: Struct) -> Rows:
        rows = Rows()
        fill(resource, rows)
        return distinct(rows)

    return run


@cache
def _generated(of: type[Struct]) -> Extractor:
    module = import_module(f"careplane.search.generated.{of.__name__.lower()}")
    found: Extractor = module.extract
    return found


def distinct(rows: Rows) -> Rows:
    """The rows, each once."""
    for kind in _kinds(rows):
        if len(kind) > 1 and len(set(kind)) < len(kind):
            kind[:] = dict.fromkeys(kind)
    if len(rows.composites) > 1:
        rows.composites[:] = {_content(group): group for group in rows.composites}.values()
    return rows


def _kinds(rows: Rows) -> tuple[list[Any], ...]:
    return (
        rows.tokens, rows.strings, rows.references, rows.uris,
        rows.dates, rows.numbers, rows.quantities,
    )  # fmt: skip


def _content(group: CompositeRow) -> tuple[Any, ...]:
    return group.param, *[row for kind in _kinds(group.parts) if kind for row in kind]
