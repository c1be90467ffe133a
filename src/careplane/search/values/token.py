"""Token rows (FHIR R4, 3.1.1.4.10), and the text beside a code, for `:text`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from careplane.search.fold import fold
from careplane.search.rows import Param, Rows, StringRow, TokenRow

_new = tuple.__new__
_folded = lru_cache(maxsize=4096)(fold)
"""Displays of codes come again and again."""


def coding(rows: Rows, param: Param, text: Param | None, value: Any) -> None:
    """A Coding. One that has a system alone is still found by `system|`."""
    system, code, display = value.system, value.code, value.display
    if code is not None or system is not None:
        rows.tokens.append(_new(TokenRow, (param, system, code or "")))
    if display is not None and text is not None:
        rows.strings.append(_new(StringRow, (text, _folded(display), display)))


def concept(rows: Rows, param: Param, text: Param | None, value: Any) -> None:
    """A CodeableConcept: each coding, and its texts, each once."""
    said = value.text
    if (codings := value.coding) is not None:
        for one in codings:
            system, code, display = one.system, one.code, one.display
            if code is not None or system is not None:
                rows.tokens.append(_new(TokenRow, (param, system, code or "")))
            if display is not None and text is not None and display != said:
                rows.strings.append(_new(StringRow, (text, _folded(display), display)))
    if said is not None and text is not None:
        rows.strings.append(_new(StringRow, (text, _folded(said), said)))


def identifier(
    rows: Rows, param: Param, text: Param | None, typed: Param | None, value: Any
) -> None:
    """An Identifier, and `type-code|value` under the system of each of its types."""
    system, content = value.system, value.value
    if content is not None or system is not None:
        rows.tokens.append(_new(TokenRow, (param, system, content or "")))
    kind = value.type
    if kind is None:
        return
    if typed is not None and content is not None and kind.coding is not None:
        for one in kind.coding:
            if one.code is not None:
                rows.tokens.append(_new(TokenRow, (typed, one.system, f"{one.code}|{content}")))
    if text is not None and kind.text is not None:
        rows.strings.append(_new(StringRow, (text, fold(kind.text), kind.text)))


def contact(rows: Rows, param: Param, value: Any) -> None:
    """A ContactPoint: its value, without a system."""
    if value.value is not None:
        rows.tokens.append(_new(TokenRow, (param, None, value.value)))


def plain(rows: Rows, param: Param, value: str) -> None:
    """A code, string, id or uri."""
    rows.tokens.append(_new(TokenRow, (param, None, value)))


def boolean(rows: Rows, param: Param, value: bool) -> None:
    """A boolean, as JSON writes it."""
    rows.tokens.append(_new(TokenRow, (param, None, "true" if value else "false")))
