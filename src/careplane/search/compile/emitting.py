"""What line puts a value into the rows, by the kind of parameter and the type of the value."""

from __future__ import annotations

from collections.abc import Callable

from careplane.fhir.definitions.search import SearchType

Row = Callable[[str, str], str]
"""From the constant of a parameter and the code of a value to a line of Python."""


def _plain(function: str) -> Row:
    return lambda p, value: f"{function}(rows, {p}, {value})"


def _with(function: str, *more: str) -> Row:
    """With the constants of derived parameters beside it, such as `P1_text`."""
    extra = "".join(f" {{0}}_{name}," for name in more)
    return lambda p, value: f"{function}(rows, {p},{extra.format(p)} {value})"


_STRINGS = ("string", "markdown")
_MOMENTS = ("date", "dateTime", "instant")
_NUMBERS = ("integer", "decimal", "positiveInt", "unsignedInt")
_URIS = ("uri", "url", "canonical", "oid", "uuid")
_QUANTITIES = ("Quantity", "Age", "Count", "Distance", "Duration")

EMITTERS: dict[SearchType, dict[str, Row]] = {
    "token": {
        "CodeableConcept": _with("token.concept", "text"),
        "Coding": _with("token.coding", "text"),
        "Identifier": _with("token.identifier", "text", "typed"),
        "ContactPoint": _plain("token.contact"),
        "boolean": _plain("token.boolean"),
        "System.Boolean": _plain("token.boolean"),
        **dict.fromkeys(("code", "id", *_STRINGS, *_URIS), _plain("token.plain")),
    },
    "string": {
        "HumanName": _plain("string.name"),
        "Address": _plain("string.address"),
        **dict.fromkeys(("code", *_STRINGS), _plain("string.text")),
    },
    "reference": {
        "Reference": _with("reference.reference", "text", "identifier"),
        **dict.fromkeys(_URIS, _plain("reference.link")),
    },
    "uri": dict.fromkeys(_URIS, _plain("uri.uri")),
    "date": {
        "Period": _plain("date.period"),
        "Timing": _plain("date.timing"),
        **dict.fromkeys(_MOMENTS, _plain("date.moment")),
    },
    "number": {
        "Range": _plain("number.between"),
        **dict.fromkeys(_NUMBERS, _plain("number.number")),
    },
    "quantity": {
        "Money": _plain("quantity.money"),
        "Range": _plain("quantity.between"),
        "SampledData": _plain("quantity.sampled"),
        **dict.fromkeys(_QUANTITIES, _plain("quantity.quantity")),
    },
}
"""Types that are not here have no rows under such a parameter: an Age tells no date, a
free text in place of a dateTime no moment, an Attachment is no reference."""

DERIVED = ("text", "typed", "identifier")
"""The derived parameters that emitters name."""
