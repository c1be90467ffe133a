"""Least and greatest values, lengths and forms (ElementDefinition.minValue, maxValue, maxLength;
the extensions minLength and regex)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

from careplane.fhir import moment, ucum
from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.rules import Rule

Side = Literal["least", "most"]
_UCUM = "http://unitsofmeasure.org"


def beyond(node: Node, rule: Rule, now: int | None) -> Iterator[str]:
    """What is wrong with the size of a value, in words. `now` is what durations count from."""
    if rule.least and _order(node, rule.least, now, -1) == -1:
        yield f"The value must not be less than {_shown(rule.least[1])}"
    if rule.most and _order(node, rule.most, now, 1) == 1:
        yield f"The value must not be more than {_shown(rule.most[1])}"
    text = node.value
    if not isinstance(text, str):
        return
    if rule.max_length is not None and len(text) > rule.max_length:
        yield f"The value must not be longer than {rule.max_length} characters"
    if rule.min_length is not None and len(text) < rule.min_length:
        yield f"The value must not be shorter than {rule.min_length} characters"
    if rule.regex and not _has_form(text, rule.regex):
        yield f"The value must have the form {rule.regex}"


def _has_form(text: str, regex: str) -> bool:
    import re2  # linear in the text, whatever the expression

    try:
        return re2.fullmatch(regex, text) is not None
    except re2.error:
        return True


def _order(node: Node, bound: tuple[str, Any], now: int | None, sign: int) -> int | None:
    """-1, 0, 1: the value is below, at or above the bound; None where they cannot be compared.

    A date is bound by a duration before (`sign` -1) or after now.
    """
    type_name, limit = bound
    if isinstance(limit, dict) and isinstance(node.value, str):
        return _moments(node.value, limit, now, sign)
    if type_name == "Quantity":
        return _quantities(node.value, limit)
    if isinstance(limit, int | Decimal) and isinstance(node.value, int | Decimal):
        return _sign(Decimal(node.value), Decimal(limit))
    if isinstance(limit, str) and isinstance(node.value, str):
        length = min(len(limit), len(node.value))
        return _sign(node.value[:length], limit[:length])
    return None


def _moments(text: str, duration: Any, now: int | None, sign: int) -> int | None:
    amount, unit = duration.get("value"), duration.get("code")
    if now is None or not isinstance(amount, int | Decimal):
        return None
    try:
        seconds = ucum.convert(Decimal(amount), str(unit), "s")
        low, high = moment.interval(text)
    except (ucum.NotAUnit, ucum.NotComparable, ValueError):
        return None
    limit = now + sign * int(seconds) * moment.SECOND
    return -1 if high <= limit else 1 if low > limit else 0


def _quantities(value: Any, limit: Any) -> int | None:
    if not (isinstance(value, dict) and isinstance(limit, dict)):
        return None
    one, other = value.get("value"), limit.get("value")
    if not (isinstance(one, int | Decimal) and isinstance(other, int | Decimal)):
        return None
    if (value.get("system"), value.get("code")) == (limit.get("system"), limit.get("code")):
        return _sign(Decimal(one), Decimal(other))
    if value.get("system") != _UCUM or limit.get("system") != _UCUM:
        return None
    try:
        return ucum.compare(
            Decimal(one), str(value.get("code")), Decimal(other), str(limit.get("code"))
        )
    except (ucum.NotAUnit, ucum.NotComparable):
        return None


def _sign(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def _shown(limit: Any) -> str:
    if isinstance(limit, dict):
        return f"{limit.get('value')} {limit.get('code') or limit.get('unit') or ''}".rstrip()
    return str(limit)
