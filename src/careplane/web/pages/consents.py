"""What a patient shares and with whom: seen and changed by the patient, or recorded from paper."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from starlette.responses import Response

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Incorrect
from careplane.records import commands
from careplane.web.chart import consents
from careplane.web.chart.banner import person
from careplane.web.forms import fields
from careplane.web.reader import NOT_ALLOWED
from careplane.web.visit import Visit, redirect
from careplane.words.catalogues import gettext as _

_WHO = re.compile(r"(Practitioner|Organization|CareTeam|RelatedPerson|Device)/[A-Za-z0-9.-]{1,64}")
_PAPER = 200
_MANY = 200


async def tab(visit: Visit, patient: str) -> dict[str, Any]:
    """What there is, and a form for more."""
    found, people = await visit.reader.several(
        ("Consent", [("patient", patient), ("status", "active"), ("_count", str(_MANY))]),
        ("Practitioner", [("_sort", "family"), ("_count", str(_MANY))]),
    )
    return {
        "rows": [consents.row(tree) for tree in found.trees],
        "hidden": found is NOT_ALLOWED,
        "mine": _is_mine(visit, patient),
        "data": consents.DATA,
        "purposes": consents.PURPOSES,
        "people": [(f"Practitioner/{p['id']}", _named(visit, p)) for p in people.trees],
    }


async def record(visit: Visit) -> Response:
    """POST: another Consent."""
    patient = visit.path("id")
    sent = await fields(visit.request)
    _check(visit, patient, sent)
    assert visit.caller is not None
    name = await _name(visit, sent.get("who", ""))
    now = format_instant(visit.web.clock())
    tree = consents.made(patient, sent, visit.caller.id, name, now)
    await visit.web.door.create(visit.caller, commands.Create("Consent", json.dump(tree)))
    return redirect(f"/patients/{patient}/consent")


async def withdraw(visit: Visit) -> Response:
    """POST: a Consent that is in force no longer; it stays on record."""
    patient = visit.path("id")
    assert visit.caller is not None

    def change(tree: Tree) -> Tree:
        return {**tree, "status": "inactive"}

    command = commands.Patch("Consent", change, id=visit.path("consent"))
    await visit.web.door.patch(visit.caller, command)
    return redirect(f"/patients/{patient}/consent")


def _check(visit: Visit, patient: str, sent: dict[str, str]) -> None:
    for name, known in (("what", consents.DATA), ("purpose", consents.PURPOSES)):
        if sent.get(name, "") not in known:
            raise Incorrect(_("Choose one of the list for “%(field)s”.", field=name))
    if sent.get("who") and not _WHO.fullmatch(sent["who"]):
        raise Incorrect("Choose one of the list, or name somebody as Practitioner/17.")
    if sent.get("until"):
        try:
            date.fromisoformat(sent["until"])
        except ValueError as error:
            raise Incorrect("The date is written as 2030-12-31.") from error
    paper = sent.get("paper", "").strip()
    if len(paper) > _PAPER or (not paper and not _is_mine(visit, patient)):
        raise Incorrect(
            _("Say where the signed paper is, in %(count)s characters at most.", count=_PAPER)
        )


def _is_mine(visit: Visit, patient: str) -> bool:
    return visit.caller is not None and visit.caller.id == f"Patient/{patient}"


async def _name(visit: Visit, who: str) -> str:
    if not who.startswith("Practitioner/"):
        return ""
    page = await visit.reader.glance("Practitioner", [("_id", who.partition("/")[2])])
    return _named(visit, page.trees[0]) if page.trees else ""


def _named(visit: Visit, tree: Tree) -> str:
    return str(person(tree, visit.today).name.text)
