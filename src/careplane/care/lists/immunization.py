"""A vaccine given, from a form to an Immunization (R4 10.2) and back."""

from __future__ import annotations

from datetime import date
from typing import Final

from careplane.care import concepts
from careplane.care.lists.fields import Problems, Sent, code_of, coded, noted, whole
from careplane.fhir.tree import Tree

STATUSES: Final = {"completed": "", "not-done": "", "entered-in-error": ""}
_SITE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActSite"
SITES: Final = {"LA": "left arm", "RA": "right arm", "LT": "left thigh", "RT": "right thigh"}
_ROUTE: Final = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
ROUTES: Final = {"IM": "Injection, intramuscular", "SQ": "Injection, subcutaneous",
                 "IDINJ": "Injection, intradermal", "PO": "Swallow, oral",
                 "NASINHLC": "Inhalation, nasal"}  # fmt: skip


def make(sent: Sent, before: Tree, patient: str, author: Tree, now: str, today: date) -> Tree:
    """The Immunization as it shall be. Raises Incorrect with every problem."""
    wrong = Problems()
    what = concepts.chosen(*(sent.get(name, "").strip() for name in ("what", "code", "system")))
    if not what:
        wrong.add("what", "Say what it is.")
    status = wrong.choice(sent, "status", STATUSES, "completed")
    when = wrong.day(sent, "when", today)
    if not when:
        wrong.add("when", "Say when it was given, or was to be.")
    site, route = wrong.choice(sent, "site", SITES), wrong.choice(sent, "route", ROUTES)
    lot, note = wrong.words(sent, "lot"), wrong.words(sent, "note")
    wrong.settle()
    kept = {k: v for k, v in before.items() if not k.startswith("occurrence")}
    by = [{"actor": author}] if "reference" in author else []
    return whole({
        **kept,
        "resourceType": "Immunization",
        "status": status,
        "vaccineCode": what,
        "patient": {"reference": f"Patient/{patient}"},
        "occurrenceDateTime": when,
        "recorded": before.get("recorded", now),
        "primarySource": before.get("primarySource", True),
        "lotNumber": lot[:64],
        "site": coded(_SITE, site, SITES[site]) if site else {},
        "route": coded(_ROUTE, route, ROUTES[route]) if route else {},
        "performer": before.get("performer", by),
        "note": noted(before, note, now),
    })  # fmt: skip


def fill(tree: Tree) -> dict[str, str]:
    """The fields of an Immunization."""
    coding: Tree = next(iter(tree.get("vaccineCode", {}).get("coding", ())), {})
    return {
        "what": str(tree.get("vaccineCode", {}).get("text") or coding.get("display", "")),
        "code": str(coding.get("code", "")),
        "system": str(coding.get("system", "")),
        "status": str(tree.get("status", "completed")),
        "when": str(tree.get("occurrenceDateTime", ""))[:10],
        "lot": str(tree.get("lotNumber", "")),
        "site": code_of(tree.get("site", {})),
        "route": code_of(tree.get("route", {})),
        "note": next((str(n.get("text", "")) for n in tree.get("note", ())), ""),
    }
