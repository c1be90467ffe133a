"""One line of text for each FHIR data type that people can read in one line (R4 2.24)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from careplane.fhir.tree import Tree
from careplane.web.say.dates import say_date, say_period, say_time
from careplane.words import codes, numbers, units
from careplane.words.catalogues import gettext as _
from careplane.words.lists import isolated

Say = Callable[[Any], str]

COMPARATORS = {"<": "<", "<=": "≤", ">=": "≥", ">": ">"}


def concept(value: Tree) -> str:
    """CodeableConcept: its text, else the first display, else the code."""
    return str(value.get("text") or next(map(coding, value.get("coding", ())), ""))


def coding(value: Tree) -> str:
    """Coding: its display, else the code."""
    return str(value.get("display") or value.get("code") or value.get("system", ""))


def quantity(value: Tree) -> str:
    """Quantity with its comparator and unit; the digits as they were sent."""
    number = numbers.measured(value.get("value", ""))
    said = f"{COMPARATORS.get(value.get('comparator', ''), '')}{number} {unit(value)}"
    return isolated(said.strip())


def unit(value: Tree) -> str:
    """The unit of a Quantity in the form that its number asks for: the code's words, else what the
    record calls it."""
    code, named = str(value.get("code", "")), str(value.get("unit", ""))
    number = float(value["value"]) if "value" in value else None
    said = units.unit(code, number)
    return said if said != code else units.unit(named, number) if named else code


def range_(value: Tree) -> str:
    """Range: low – high, or one open end."""
    low, high = value.get("low"), value.get("high")
    if low and high:
        return isolated(f"{numbers.measured(low.get('value', ''))} – {quantity(high)}")
    return f"≥ {quantity(low)}" if low else f"≤ {quantity(high)}" if high else ""


def ratio(value: Tree) -> str:
    """Ratio: numerator / denominator."""
    ends = (quantity(value[end]) for end in ("numerator", "denominator") if end in value)
    return isolated(" / ".join(ends))


def name(value: Tree) -> str:
    """HumanName as the CUI orders it: FAMILY, Given (Prefix). Capitals and the comma belong to
    Latin script; a name in another one is said as its owner writes it."""
    whole = _joined([value.get("family"), *value.get("given", ())])
    if not is_latin(whole):
        return str(value.get("text") or whole)
    family, given = str(value.get("family", "")).upper(), _joined(value.get("given", ()))
    prefix = _joined(value.get("prefix", ()))
    said = ", ".join(part for part in (family, given) if part) or str(value.get("text", ""))
    return f"{said} ({prefix})" if prefix and said else said


def _joined(parts: Iterable[Any], between: str = " ") -> str:
    """Those parts that are there; an array may hold nulls (R4 2.6.2.3)."""
    return between.join(str(part) for part in parts if part)


def is_latin(text: str) -> bool:
    """Whether every letter is of the Latin script."""
    return all(unicodedata.name(c, "").startswith("LATIN") for c in text if c.isalpha())


def address(value: Tree) -> str:
    """Address in one line."""
    if "text" in value:
        return str(value["text"])
    order = ("city", "district", "state", "postalCode", "country")
    return _joined([*value.get("line", ()), *map(value.get, order)], ", ")


def contact(value: Tree) -> str:
    """ContactPoint: the value and what it is for."""
    kinds = (str(value[key]) for key in ("use", "system") if key in value)
    kind = ", ".join(codes.said(kind) or kind for kind in kinds)
    return f"{value.get('value', '')} ({kind})" if kind else str(value.get("value", ""))


def identifier(value: Tree) -> str:
    """Identifier: what kind, and the value whole."""
    kind = concept(value.get("type", {}))
    return f"{kind}: {value.get('value', '')}" if kind else str(value.get("value", ""))


def reference(value: Tree) -> str:
    """Reference: the display, else where it leads."""
    return str(
        value.get("display") or value.get("reference") or identifier(value.get("identifier", {}))
    )


def attachment(value: Tree) -> str:
    """Attachment: title and content type."""
    return " · ".join(str(value[key]) for key in ("title", "contentType", "url") if key in value)


def annotation(value: Tree) -> str:
    """Annotation: the text; when and by whom where known."""
    when = say_time(value["time"]) if "time" in value else ""
    by = value.get("authorString") or reference(value.get("authorReference", {}))
    tail = ", ".join(part for part in (by, when) if part)
    return f"{value.get('text', '')} ({tail})" if tail else str(value.get("text", ""))


def dosage(value: Tree) -> str:
    """Dosage: the sig in words, else dose and timing."""
    if "text" in value:
        return str(value["text"])
    doses = value.get("doseAndRate", ())
    dose = quantity(doses[0]["doseQuantity"]) if doses and "doseQuantity" in doses[0] else ""
    needed = _("as needed") if value.get("asNeededBoolean") else ""
    parts = (dose, timing(value.get("timing", {})), needed, concept(value.get("route", {})))
    return ", ".join(part for part in parts if part)


def timing(value: Tree) -> str:
    """Timing: how often."""
    if "code" in value:
        return concept(value["code"])
    repeat = value.get("repeat", {})
    if "frequency" not in repeat or "period" not in repeat:
        return ""
    period, often = float(repeat["period"]), repeat["frequency"]
    code = str(repeat.get("periodUnit", ""))
    if code not in units.OF_TIME:
        return ""
    if period == 1:
        return _(units.OF_TIME[code], often=often)
    length = f"{numbers.measured(repeat['period'])} {units.unit(code, period)}"
    return _("%(often)s × every %(length)s", often=often, length=length)


def boolean(value: bool) -> str:
    """Yes or no."""
    return _("yes") if value else _("no")


def money(value: Tree) -> str:
    """Money: the amount and its currency."""
    amount = numbers.measured(value.get("value", ""))
    return isolated(f"{amount} {value.get('currency', '')}".strip())


TYPES: dict[str, Say] = {
    "CodeableConcept": concept,
    "Coding": coding,
    "Quantity": quantity,
    "Age": quantity,
    "Count": quantity,
    "Distance": quantity,
    "Duration": quantity,
    "SimpleQuantity": quantity,
    "Money": money,
    "Range": range_,
    "Ratio": ratio,
    "HumanName": name,
    "Address": address,
    "ContactPoint": contact,
    "Identifier": identifier,
    "Reference": reference,
    "Attachment": attachment,
    "Annotation": annotation,
    "Period": say_period,
    "Dosage": dosage,
    "Timing": timing,
    "boolean": boolean,
    "date": say_date,
    "dateTime": say_time,
    "instant": say_time,
}
"""How a type is said; one that is not here is shown part by part, a primitive as it is."""
