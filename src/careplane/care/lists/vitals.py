"""Vital signs, from a form to Observations of the vital signs profile (R4 10.1.3), in UCUM."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from careplane.care.lists.fields import Problems, Sent
from careplane.fhir.tree import Tree

_UCUM: Final = "http://unitsofmeasure.org"
_LOINC: Final = "http://loinc.org"
_CATEGORY: Final = {"coding": [{
    "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs",
    "display": "Vital Signs",
}]}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that is taken: its LOINC code and UCUM unit, and between which values it can be a
    human being's."""

    loinc: str
    text: str
    unit: str
    low: Decimal
    high: Decimal


def _measure(loinc: str, text: str, unit: str, low: str, high: str) -> Measure:
    return Measure(loinc, text, unit, Decimal(low), Decimal(high))


MEASURES: Final = {
    "systolic": _measure("8480-6", "Systolic blood pressure", "mm[Hg]", "40", "300"),
    "diastolic": _measure("8462-4", "Diastolic blood pressure", "mm[Hg]", "10", "200"),
    "pulse": _measure("8867-4", "Heart rate", "/min", "20", "300"),
    "temperature": _measure("8310-5", "Body temperature", "Cel", "25", "45"),
    "breaths": _measure("9279-1", "Respiratory rate", "/min", "3", "120"),
    "oxygen": _measure("59408-5", "Oxygen saturation", "%", "30", "100"),
    "weight": _measure("29463-7", "Body weight", "kg", "0.3", "500"),
    "height": _measure("8302-2", "Body height", "cm", "20", "260"),
    "head": _measure("9843-4", "Head circumference", "cm", "15", "75"),
}
PRESSURE: Final = ("85354-9", "Blood pressure")
BMI: Final = ("39156-5", "Body mass index", "kg/m2")
_AHEAD: Final = timedelta(minutes=5)


def bmi(weight: Decimal, height: Decimal) -> Decimal:
    """Kilograms by the square of the height, which is in centimetres."""
    metres = height / 100
    return (weight / (metres * metres)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def make(sent: Sent, patient: str, author: Tree, now: datetime) -> list[Tree]:
    """The Observations, the BMI among them where weight and height are taken. Raises Incorrect."""
    wrong = Problems()
    values = {name: value for name, one in MEASURES.items()
              if (value := _number(sent, name, one, wrong)) is not None}  # fmt: skip
    when = _moment(sent, now, wrong)
    if ("systolic" in values) != ("diastolic" in values):
        missing = "diastolic" if "systolic" in values else "systolic"
        wrong.add(missing, "A blood pressure has two values.")
    elif "systolic" in values and values["diastolic"] >= values["systolic"]:
        wrong.add("diastolic", "The lower value is not below the upper one.")
    if not values and not wrong.issues:
        wrong.add("weight", "Write at least one value.")
    wrong.settle()
    common: Tree = {
        "resourceType": "Observation",
        "status": "final",
        "category": [_CATEGORY],
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": when,
        **({"performer": [author]} if "reference" in author else {}),
    }
    made = [{**common, **_valued(one.loinc, one.text, values[name], one.unit)}
            for name, one in MEASURES.items()
            if name in values and name not in ("systolic", "diastolic")]  # fmt: skip
    if "systolic" in values:
        parts = [_valued(one.loinc, one.text, values[name], one.unit)
                 for name, one in list(MEASURES.items())[:2]]  # fmt: skip
        made.insert(0, {**common, "code": _code(*PRESSURE), "component": parts})
    if "weight" in values and "height" in values:
        made.append(
            {**common, **_valued(*BMI[:2], bmi(values["weight"], values["height"]), BMI[2])}
        )
    return made


def _number(sent: Sent, name: str, one: Measure, wrong: Problems) -> Decimal | None:
    text = sent.get(name, "").strip().replace(",", ".")
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or len(text) > 8 or not one.low <= value <= one.high:
        wrong.add(name, "This is outside of what can be measured; look at the number and its unit.")
        return None
    return value


def _moment(sent: Sent, now: datetime, wrong: Problems) -> str:
    text = sent.get("when", "").strip()
    if not text:
        return now.isoformat(timespec="seconds")
    try:
        when = datetime.fromisoformat(text)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        if not datetime(1900, 1, 1, tzinfo=UTC) < when <= now + _AHEAD:
            raise ValueError
    except ValueError:
        wrong.add("when", "Write when it was taken as 2025-03-01T14:30; it does not lie ahead.")
        return ""
    return when.isoformat(timespec="seconds")


def _code(loinc: str, text: str) -> Tree:
    return {"coding": [{"system": _LOINC, "code": loinc}], "text": text}


def _valued(loinc: str, text: str, value: Decimal, unit: str) -> Tree:
    quantity = {"value": value, "unit": unit, "system": _UCUM, "code": unit}
    return {"code": _code(loinc, text), "valueQuantity": quantity}
