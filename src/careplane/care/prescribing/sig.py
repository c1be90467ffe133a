"""How a medicine is taken, from what a prescriber chose to a Dosage (R4 Dosage, Timing)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, Issue

UCUM: Final = "http://unitsofmeasure.org"
SNOMED: Final = "http://snomed.info/sct"
_ABBREVIATIONS: Final = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"

ROUTES: Final = {
    "26643006": "Oral",
    "37839007": "Sublingual",
    "6064005": "Topical",
    "447694001": "Respiratory tract",
    "46713006": "Nasal",
    "54485002": "Ophthalmic",
    "10547007": "Otic",
    "37161004": "Rectal",
    "16857009": "Vaginal",
    "45890007": "Transdermal",
    "34206005": "Subcutaneous",
    "78421000": "Intramuscular",
    "47625008": "Intravenous",
}
"""SNOMED CT codes of routes, each with its name there less the word route."""

UNITS: Final = ("{tbl}", "{capsule}", "mg", "ug", "g", "mL", "{drop}", "{puff}", "{patch}",
                "{suppository}", "{application}", "[iU]", "meq")  # fmt: skip
"""UCUM codes of doses."""

SHORT: Final[dict[str, tuple[str, Tree]]] = {
    "od": ("QD", {"frequency": 1, "period": 1, "periodUnit": "d"}),
    "mane": ("", {"frequency": 1, "period": 1, "periodUnit": "d", "when": ["MORN"]}),
    "nocte": ("BED", {"frequency": 1, "period": 1, "periodUnit": "d", "when": ["HS"]}),
    "bd": ("BID", {"frequency": 2, "period": 1, "periodUnit": "d"}),
    "tds": ("TID", {"frequency": 3, "period": 1, "periodUnit": "d"}),
    "qds": ("QID", {"frequency": 4, "period": 1, "periodUnit": "d"}),
    "q4h": ("Q4H", {"frequency": 1, "period": 4, "periodUnit": "h"}),
    "q6h": ("Q6H", {"frequency": 1, "period": 6, "periodUnit": "h"}),
    "q8h": ("Q8H", {"frequency": 1, "period": 8, "periodUnit": "h"}),
    "q12h": ("", {"frequency": 1, "period": 12, "periodUnit": "h"}),
    "alt": ("QOD", {"frequency": 1, "period": 2, "periodUnit": "d"}),
    "weekly": ("WK", {"frequency": 1, "period": 1, "periodUnit": "wk"}),
    "monthly": ("MO", {"frequency": 1, "period": 1, "periodUnit": "mo"}),
    "stat": ("", {"count": 1}),
}
"""How often, as prescribers write it: the code of GTSAbbreviation where there is one, and the
repeat that says the same to a machine."""
PERIODS: Final = ("h", "d", "wk", "mo")
_MOST_DOSE: Final = Decimal(100_000)
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Sig:
    """What a prescriber chose. `often` is a key of `SHORT`, `custom` (so many times in so many
    periods) or empty; `needed` says what for, where the medicine is taken as needed."""

    dose: Decimal | None = None
    unit: str = ""
    route: str = ""
    often: str = ""
    frequency: int = 0
    period: int = 0
    period_unit: str = ""
    as_needed: bool = False
    needed: str = ""
    days: int = 0
    advice: str = ""


def problems(sig: Sig) -> list[Issue]:
    """What is wrong with it, by the name of the field."""
    found = []
    if sig.dose is not None and not 0 < sig.dose <= _MOST_DOSE:
        found.append(_wrong("dose", "A dose is a number above 0."))
    if sig.dose is not None and sig.unit not in UNITS:
        found.append(_wrong("unit", "Choose the unit of the dose."))
    if sig.route and sig.route not in ROUTES:
        found.append(_wrong("route", "Choose one of the routes."))
    if sig.often not in ("", "custom", *SHORT):
        found.append(_wrong("often", "Choose how often."))
    if sig.often == "custom" and not (
        1 <= sig.frequency <= 24 and 1 <= sig.period <= 365 and sig.period_unit in PERIODS
    ):
        found.append(_wrong("frequency", "Say how many times in how many hours, days or weeks."))
    if not 0 <= sig.days <= 3660:
        found.append(_wrong("days", "The days of treatment are a number up to 3660."))
    if len(sig.advice) > _LONGEST or len(sig.needed) > _LONGEST:
        found.append(_wrong("advice", "Directions have 500 characters at most."))
    if not (sig.often or sig.as_needed or sig.advice):
        found.append(_wrong("often", "Say how often, or write the directions."))
    return found


def dosage(sig: Sig) -> Tree:
    """The Dosage, without the words. Raises Incorrect with every problem."""
    if wrong := problems(sig):
        raise Incorrect("The directions are not complete.", issues=tuple(wrong))
    made: Tree = {"sequence": 1}
    if sig.advice:
        made["patientInstruction"] = sig.advice
    if timing := _timing(sig):
        made["timing"] = timing
    if sig.needed:
        made["asNeededCodeableConcept"] = {"text": sig.needed}
    elif sig.as_needed:
        made["asNeededBoolean"] = True
    if sig.route:
        coding = {"system": SNOMED, "code": sig.route, "display": f"{ROUTES[sig.route]} route"}
        made["route"] = {"coding": [coding], "text": ROUTES[sig.route]}
    if sig.dose is not None:
        dose = {"value": sig.dose, "unit": sig.unit.strip("{}"), "system": UCUM, "code": sig.unit}
        made["doseAndRate"] = [{"doseQuantity": dose}]
    return made


def _timing(sig: Sig) -> Tree:
    code, repeat = "", {}
    if sig.often == "custom":
        unit = sig.period_unit
        repeat = {"frequency": sig.frequency, "period": sig.period, "periodUnit": unit}
    elif sig.often:
        code, repeat = SHORT[sig.often][0], dict(SHORT[sig.often][1])
    if sig.days:
        days = {"value": sig.days, "unit": "days", "system": UCUM, "code": "d"}
        repeat = {"boundsDuration": days, **repeat}
    made: Tree = {"repeat": repeat} if repeat else {}
    if code:
        made["code"] = {"coding": [{"system": _ABBREVIATIONS, "code": code}], "text": sig.often}
    return made


def of_dosage(dosage: Tree) -> Sig:
    """What a Dosage says of these choices: the beginning of a renewal."""
    quantity: Tree = next((d["doseQuantity"] for d in dosage.get("doseAndRate", ())
                     if "doseQuantity" in d), {})  # fmt: skip
    timing = dosage.get("timing", {})
    repeat = {k: v for k, v in timing.get("repeat", {}).items() if k != "boundsDuration"}
    often = next((key for key, (_, one) in SHORT.items() if _same(one, repeat)), "")
    custom = not often and {"frequency", "period", "periodUnit"} <= repeat.keys()
    routes = (c.get("code", "") for c in dosage.get("route", {}).get("coding", ()))
    bounds = timing.get("repeat", {}).get("boundsDuration", {})
    needed = dosage.get("asNeededCodeableConcept", {})
    unit = str(quantity.get("code") or "")
    structured = bool(often or custom or quantity)
    return Sig(
        dose=Decimal(str(quantity["value"])) if "value" in quantity and unit in UNITS else None,
        unit=unit if unit in UNITS else "",
        route=next((code for code in routes if code in ROUTES), ""),
        often="custom" if custom else often,
        frequency=int(repeat["frequency"]) if custom else 0,
        period=int(repeat["period"]) if custom else 0,
        period_unit=str(repeat["periodUnit"]) if custom else "",
        as_needed=bool(dosage.get("asNeededBoolean") or needed),
        needed=str(needed.get("text", "")),
        days=int(bounds["value"]) if bounds.get("code") == "d" and "value" in bounds else 0,
        advice=str(dosage.get("patientInstruction") or ("" if structured else
                   dosage.get("text", ""))),
    )  # fmt: skip


def _same(one: Tree, repeat: Tree) -> bool:
    return {k: str(v) for k, v in one.items()} == {k: str(v) for k, v in repeat.items()}


def _wrong(field: str, text: str) -> Issue:
    return Issue("error", "invalid", text, field)
