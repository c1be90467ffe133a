"""From what an expression finds to answers of a question (SDC, Using Expressions)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from careplane.care.forms import names
from careplane.care.forms.choices import UCUM, bare
from careplane.care.forms.definition import Item
from careplane.care.forms.sheet import Value
from careplane.fhir.fhirpath.items import Collection, system
from careplane.fhir.fhirpath.items import Item as Found
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.fhirpath.values.quantity import Quantity
from careplane.fhir.fhirpath.values.temporal import Date, DateTime, Time
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import objects, value_of

_DAY: Final = len("2026-11-28")


def answers_of(item: Item, found: Collection) -> list[Value]:
    """Answers, one where the question takes one; what cannot be an answer of its type is left
    out."""
    made = [value for one in found for value in _answer(item, one)]
    return made if item.repeats else made[:1]


def _answer(item: Item, found: Found) -> Iterator[Value]:
    convert = _CONVERT.get(item.kind)
    value = convert(item, found) if convert else None
    if value is not None:
        yield value


def _boolean(item: Item, found: Found) -> Value | None:
    value = system(found)
    return ("valueBoolean", value) if isinstance(value, bool) else None


def _number(found: Found) -> Decimal | None:
    if isinstance(found, Node) and found.type == "Quantity":
        amount = None if "comparator" in found.value else found.value.get("value")
        return Decimal(amount) if isinstance(amount, int | Decimal) else None
    value = system(found)
    if isinstance(value, Quantity):
        return value.value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value)


def _integer(item: Item, found: Found) -> Value | None:
    value = _number(found)
    if value is None or value != value.to_integral_value():
        return None
    return "valueInteger", int(value)


def _decimal(item: Item, found: Found) -> Value | None:
    value = _number(found)
    return None if value is None else ("valueDecimal", shorter(value))


def shorter(value: Decimal) -> Decimal:
    """Without digits that nobody measured: at most eight places, and no zeros that a division
    brought."""
    if -int(value.as_tuple().exponent) > 8:
        value = value.quantize(Decimal("1e-8")).normalize()
        return value.quantize(Decimal(1)) if int(value.as_tuple().exponent) > 0 else value
    return value


def _date(item: Item, found: Found) -> Value | None:
    value = system(found)
    is_date = isinstance(value, Date | DateTime)
    return ("valueDate", str(value)[:_DAY].rstrip("T")) if is_date else None


def _datetime(item: Item, found: Found) -> Value | None:
    value = system(found)
    return ("valueDateTime", str(value)) if isinstance(value, Date | DateTime) else None


def _time(item: Item, found: Found) -> Value | None:
    value = system(found)
    return ("valueTime", str(value)) if isinstance(value, Time) else None


def _text(item: Item, found: Found) -> Value | None:
    value = system(found)
    if isinstance(value, Node) or value is None:
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return ("valueString", text) if text.strip() else None


def _url(item: Item, found: Found) -> Value | None:
    text = _text(item, found)
    return ("valueUri", text[1]) if text else None


def _choice(item: Item, found: Found) -> Value | None:
    tree = found.value if isinstance(found, Node) else None
    if isinstance(tree, dict):
        if "reference" in tree:
            return "valueReference", tree
        coding = next(iter(objects(tree.get("coding"))), None) if "coding" in tree else tree
        if coding is not None and "code" in coding:
            return "valueCoding", coding
        return None
    value = system(found)
    if isinstance(value, Node | Quantity) or value is None:
        return None
    for option in objects(item.tree.get("answerOption")):
        name, one = value_of(option)
        if one == value or (isinstance(one, dict) and one.get("code") == value):
            return name, bare(one)
    plain = _DIRECT.get(type(value))
    if item.tree.get("answerOption") or plain is None or item.tree.get("answerValueSet"):
        is_open = item.kind == "open-choice" and isinstance(value, str)
        return ("valueString", value) if is_open else None
    return plain, str(value) if plain in ("valueDate", "valueTime") else value


_DIRECT: Final[Mapping[type, str]] = {
    str: "valueString", int: "valueInteger", Date: "valueDate", Time: "valueTime",
}  # fmt: skip


def _quantity(item: Item, found: Found) -> Value | None:
    if isinstance(found, Node) and isinstance(found.value, dict):
        return ("valueQuantity", found.value) if "value" in found.value else None
    value = system(found)
    number = _number(found)
    if number is None:
        return None
    tree: Tree = {"value": shorter(number)}
    coding = item.one(names.UNIT)
    if isinstance(value, Quantity) and value.code is not None and value.unit != "1":
        tree |= {"unit": value.unit, "system": UCUM, "code": value.code}
    elif isinstance(coding, dict):
        tree |= unit_of(coding)
    return "valueQuantity", tree


def unit_of(coding: Tree) -> Tree:
    """The parts of a Quantity that say its unit."""
    parts = {
        "unit": coding.get("display") or coding.get("code"),
        "system": coding.get("system"),
        "code": coding.get("code") if coding.get("system") else None,
    }
    return {name: value for name, value in parts.items() if value}


def _reference(item: Item, found: Found) -> Value | None:
    tree = found.value if isinstance(found, Node) else None
    if not isinstance(tree, dict):
        return None
    if "resourceType" in tree and "id" in tree:
        return "valueReference", {"reference": f"{tree['resourceType']}/{tree['id']}"}
    return ("valueReference", tree) if "reference" in tree else None


def _attachment(item: Item, found: Found) -> Value | None:
    tree = found.value if isinstance(found, Node) else None
    return ("valueAttachment", tree) if isinstance(tree, dict) and "contentType" in tree else None


_CONVERT: Final[Mapping[str, Callable[[Item, Any], Value | None]]] = {
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "date": _date,
    "dateTime": _datetime,
    "time": _time,
    "string": _text,
    "text": _text,
    "url": _url,
    "choice": _choice,
    "open-choice": _choice,
    "quantity": _quantity,
    "reference": _reference,
    "attachment": _attachment,
}
