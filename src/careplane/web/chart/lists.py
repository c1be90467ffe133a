"""Rows of the chart's lists: problems, medications, allergies, immunizations and others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.say import types
from careplane.web.say.dates import say_date, say_time
from careplane.web.say.elements import label, say_choice
from careplane.words import codes
from careplane.words.catalogues import gettext as _


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list. `active` puts it into the first of two groups; `grave` marks it."""

    type: str
    id: str
    title: str
    when: str
    status: str
    detail: str = ""
    sort: str = ""
    active: bool = True
    grave: bool = False
    extra: str = ""


def status(tree: Tree, name: str = "clinicalStatus") -> str:
    """The code of a status concept, else the plain `status`, in words."""
    concept = tree.get(name)
    if concept:
        code = next((str(c.get("code", "")) for c in concept.get("coding", ())), "")
        return codes.said(code) or label(types.concept(concept))
    code = str(tree.get("status", ""))
    return codes.said(code) or label(code.replace("-", " "))


def _refuted(tree: Tree) -> bool:
    """Whether it was found not to be so."""
    codes = (c.get("code") for c in tree.get("verificationStatus", {}).get("coding", ()))
    return next(codes, "") in ("refuted", "entered-in-error")


def problem(tree: Tree) -> Row:
    """A Condition."""
    code = next((c.get("code") for c in tree.get("clinicalStatus", {}).get("coding", ())), "")
    return Row(
        "Condition", tree.get("id", ""), types.concept(tree.get("code", {})),
        _day(tree, "onset") or say_date(tree.get("recordedDate", "")),
        status(tree), detail=types.concept(tree.get("severity", {})),
        sort=str(tree.get("onsetDateTime") or tree.get("recordedDate", "")),
        active=code in ("active", "recurrence", "relapse", "") and not _refuted(tree),
        extra=_day(tree, "abatement"),
    )  # fmt: skip


def medication(tree: Tree) -> Row:
    """A MedicationRequest or MedicationStatement."""
    drug = types.concept(tree.get("medicationCodeableConcept", {})) or types.reference(
        tree.get("medicationReference", {})
    )
    doses = tree.get("dosageInstruction") or tree.get("dosage") or ()
    when = str(
        tree.get("authoredOn") or tree.get("dateAsserted") or tree.get("effectiveDateTime", "")
    )
    return Row(
        tree["resourceType"], tree.get("id", ""), drug, say_date(when), status(tree),
        detail="; ".join(filter(None, map(types.dosage, doses))), sort=when,
        active=tree.get("status") in ("active", "on-hold", "intended"),
        extra=types.reference(tree.get("requester", {})) if "display" in tree.get("requester", {})
        else "",
    )  # fmt: skip


def allergy(tree: Tree) -> Row:
    """An AllergyIntolerance: what, how dangerous, what happened."""
    reactions = [
        types.concept(manifestation)
        for reaction in tree.get("reaction", ())
        for manifestation in reaction.get("manifestation", ())
    ]
    code = next((c.get("code") for c in tree.get("clinicalStatus", {}).get("coding", ())), "")
    critical = tree.get("criticality", "")
    return Row(
        "AllergyIntolerance", tree.get("id", ""), types.concept(tree.get("code", {})),
        say_date(tree.get("recordedDate", "")), status(tree), detail=", ".join(reactions),
        sort=f"{critical == 'high':d}{tree.get('recordedDate', '')}",
        active=code in ("active", "") and not _refuted(tree), grave=critical == "high",
        extra=_(CRITICALITY.get(critical, "")),
    )  # fmt: skip


CRITICALITY = {
    "high": mark("High risk"),
    "low": mark("Low risk"),
    "unable-to-assess": mark("Risk not known"),
}


def immunization(tree: Tree) -> Row:
    """An Immunization."""
    when = str(tree.get("occurrenceDateTime") or tree.get("occurrenceString", ""))
    return Row(
        "Immunization", tree.get("id", ""), types.concept(tree.get("vaccineCode", {})),
        say_date(when), status(tree), detail=types.concept(tree.get("site", {})), sort=when,
        extra=str(tree.get("lotNumber", "")),
    )  # fmt: skip


def alert(tree: Tree) -> Row:
    """A Flag."""
    start = str(tree.get("period", {}).get("start", ""))
    return Row(
        "Flag", tree.get("id", ""), types.concept(tree.get("code", {})), say_time(start),
        status(tree), sort=start, active=tree.get("status") == "active", grave=True,
        extra=str(tree.get("subject", {}).get("reference", "")),
    )  # fmt: skip


def visit(tree: Tree) -> Row:
    """An Appointment; `extra` is the patient it is with."""
    start = str(tree.get("start", ""))
    actors = [str(p.get("actor", {}).get("reference", "")) for p in tree.get("participant", ())]
    what = str(tree.get("description", "")) or types.concept(tree.get("appointmentType", {}))
    return Row(
        "Appointment", tree.get("id", ""), what or _("Appointment"), say_time(start), status(tree),
        sort=start, extra=next((actor for actor in actors if actor.startswith("Patient/")), ""),
    )  # fmt: skip


def report(tree: Tree) -> Row:
    """A DiagnosticReport: its conclusion under its name."""
    when = str(tree.get("effectiveDateTime") or tree.get("issued", ""))
    return Row(
        "DiagnosticReport", tree.get("id", ""), types.concept(tree.get("code", {})),
        say_time(when), status(tree), detail=str(tree.get("conclusion", "")), sort=when,
        extra=", ".join(types.concept(c) for c in tree.get("category", ())),
    )  # fmt: skip


def members(trees: Iterable[Tree]) -> list[tuple[str, str]]:
    """Who is in the care teams: name and role."""
    return [
        (types.reference(p.get("member", {})), ", ".join(map(types.concept, p.get("role", ()))))
        for tree in trees
        for p in tree.get("participant", ())
        if "display" in p.get("member", {})
    ]


def newest(rows: Iterable[Row]) -> list[Row]:
    """Rows by time, newest first."""
    return sorted(rows, key=lambda row: row.sort, reverse=True)


def current(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Rows in two groups: what is active, and what is past; each newest first, repeats dropped
    from the active ones."""
    active: dict[str, Row] = {}
    for row in newest(row for row in rows if row.active):
        active.setdefault(row.title, row)
    return list(active.values()), newest(row for row in rows if not row.active)


def _day(tree: Tree, name: str) -> str:
    """The date of a choice element that may have a time of day."""
    moment = tree.get(f"{name}DateTime")
    return say_date(moment) if moment else say_choice(tree, name)
