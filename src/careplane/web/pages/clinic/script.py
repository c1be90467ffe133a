"""The form of a prescription: from its fields to what is prescribed, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from careplane.care import concepts
from careplane.care.prescribing import prescription, sig
from careplane.care.prescribing.prescription import Prescription
from careplane.care.prescribing.sig import Sig
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect
from careplane.web.say.sig import own_words
from careplane.web.say.sig import sig as say_sig
from careplane.words import typed
from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import mark

Problems = list[tuple[str, str]]
"""The name of a field, and what is wrong with it."""

TEXTS = (
    mark("A dose is a number above 0."),
    mark("Choose the unit of the dose."),
    mark("Choose one of the routes."),
    mark("Choose how often."),
    mark("Say how many times in how many hours, days or weeks."),
    mark("The days of treatment are a number up to 3660."),
    mark("Directions have 500 characters at most."),
    mark("Say how often, or write the directions."),
    mark("Choose a medicine."),
    mark("A quantity is a number above 0."),
    mark("Refills are a number up to 99."),
    mark("A note has 1000 characters at most."),
    mark("This is no number."),
    mark("Say why you prescribe this nevertheless, for each warning."),
    mark("A reason has 500 characters at most."),
    mark(
        "Medicines or allergies of this patient were changed just now; look at the warnings again, "
        "then save."
    ),
    mark("Somebody changed this prescription; look at it as it is now."),
    mark("This prescription has ended already."),
    mark("Somebody has answered this request already."),
)  # fmt: skip
"""What can be wrong, for the catalogues."""

OFTEN = (
    ("od", mark("once a day (od)")),
    ("bd", mark("twice a day (bd)")),
    ("tds", mark("three times a day (tds)")),
    ("qds", mark("four times a day (qds)")),
    ("mane", mark("in the morning (mane)")),
    ("nocte", mark("at bedtime (nocte)")),
    ("q4h", mark("every 4 hours")),
    ("q6h", mark("every 6 hours")),
    ("q8h", mark("every 8 hours")),
    ("q12h", mark("every 12 hours")),
    ("alt", mark("every other day")),
    ("weekly", mark("once a week")),
    ("monthly", mark("once a month")),
    ("stat", mark("once only, now (stat)")),
    ("custom", mark("as set below")),
)
UNITS = (
    ("{tbl}", mark("tablets")),
    ("{capsule}", mark("capsules")),
    ("mg", "mg"),
    ("ug", "µg"),
    ("g", "g"),
    ("mL", "mL"),
    ("{drop}", mark("drops")),
    ("{puff}", mark("puffs")),
    ("{patch}", mark("patches")),
    ("{suppository}", mark("suppositories")),
    ("{application}", mark("applications")),
    ("[iU]", mark("units")),
    ("meq", "mEq"),
)
ROUTES = (
    ("26643006", mark("Oral")),
    ("37839007", mark("Sublingual")),
    ("6064005", mark("Topical")),
    ("447694001", mark("Inhaled")),
    ("46713006", mark("Nasal")),
    ("54485002", mark("Eye")),
    ("10547007", mark("Ear")),
    ("37161004", mark("Rectal")),
    ("16857009", mark("Vaginal")),
    ("45890007", mark("Transdermal")),
    ("34206005", mark("Subcutaneous")),
    ("78421000", mark("Intramuscular")),
    ("47625008", mark("Intravenous")),
)
PERIODS = (
    ("h", mark("hours")),
    ("d", mark("days")),
    ("wk", mark("weeks")),
    ("mo", mark("months")),
)


def read(sent: Mapping[str, str], patient: str) -> tuple[Prescription | None, Problems]:
    """What is prescribed, or what is wrong. The directions are written in the prescriber's
    language besides their structure."""
    wrong: Problems = []
    chosen = Sig(
        dose=_decimal(sent, "dose", wrong),
        unit=sent.get("unit", ""),
        route=sent.get("route", ""),
        often=sent.get("often", ""),
        frequency=_whole(sent, "frequency", wrong),
        period=_whole(sent, "period", wrong),
        period_unit=sent.get("period_unit", ""),
        as_needed=bool(sent.get("as_needed")),
        needed=sent.get("needed", "").strip() if sent.get("as_needed") else "",
        days=_whole(sent, "days", wrong),
        advice=sent.get("advice", "").strip(),
    )
    asked = Prescription(
        patient=patient,
        medication=_medicine(sent),
        dosage={},
        quantity=_decimal(sent, "quantity", wrong),
        unit=sent.get("quantity_unit", ""),
        refills=_whole(sent, "refills", wrong),
        supply=_whole(sent, "supply", wrong),
        substitution=bool(sent.get("substitution")),
        reason=sent.get("reason", ""),
        note=sent.get("note", "").strip(),
    )
    known = {name for name, _ in wrong}
    issues = (*sig.problems(chosen), *prescription.problems(asked))
    wrong += [(issue.where, issue.text) for issue in issues if issue.where not in known]
    if wrong:
        return None, wrong
    made = sig.dosage(chosen)
    return replace(asked, dosage={**made, "text": say_sig(made)}), []


def fill(asked: Prescription) -> dict[str, str]:
    """The fields of a prescription that is written again. Directions that say more than their
    structure are there to be read, and kept or taken out."""
    said = sig.of_dosage(asked.dosage)
    if words := own_words(asked.dosage):
        said = replace(said, advice=words[:500])
    coding: Tree = next(iter(asked.medication.get("coding", ())), {})
    fields = {
        "system": coding.get("system", ""),
        "code": coding.get("code", ""),
        "medicine": asked.medication.get("text") or coding.get("display", ""),
        "dose": said.dose,
        "unit": said.unit,
        "route": said.route,
        "often": said.often,
        "frequency": said.frequency,
        "period": said.period,
        "period_unit": said.period_unit,
        "as_needed": "on" if said.as_needed else "",
        "needed": said.needed,
        "days": said.days,
        "advice": said.advice,
        "quantity": asked.quantity,
        "quantity_unit": asked.unit,
        "refills": asked.refills,
        "supply": asked.supply,
        "substitution": "on" if asked.substitution else "",
        "reason": asked.reason,
        "note": asked.note,
    }
    return {key: "" if value in (None, 0) else str(value) for key, value in fields.items()}


def _medicine(sent: Mapping[str, str]) -> Tree:
    text, code, system = (sent.get(name, "").strip() for name in ("medicine", "code", "system"))
    return concepts.chosen(text, code, system)


def _decimal(sent: Mapping[str, str], name: str, wrong: Problems) -> Decimal | None:
    text = sent.get(name, "").strip()
    if not text:
        return None
    try:
        return Decimal(typed.number(text))
    except Incorrect as error:
        wrong.append((name, error.text))
        return None


def _whole(sent: Mapping[str, str], name: str, wrong: Problems) -> int:
    text = sent.get(name, "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 6):
        wrong.append((name, _("This is no number.")))
        return 0
    return int(text or 0)
