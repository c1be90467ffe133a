"""Write a prescription: find the medicine, say how it is taken, look at what stands against it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from careplane.care import concepts
from careplane.care.prescribing import prescription
from careplane.care.prescribing.checks.port import Finding
from careplane.care.prescribing.prescribing import Replaced, Unanswered
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Forbidden, Incorrect
from careplane.web.chart import lists
from careplane.web.chart.findings import OVERRIDES, warned
from careplane.web.forms import fields
from careplane.web.pages.chart import frame
from careplane.web.pages.clinic import script
from careplane.web.visit import Visit, redirect

_FIELDS = 120
_WAYS = ("renew", "change", "again")


async def show(visit: Visit) -> Response:
    """GET /patients/{id}/prescribe?q=, ?medicine=&code=&system=, or ?from=&how=&refill=."""
    if not visit.may("c", "MedicationRequest"):
        raise Forbidden("Prescriptions are written by those who may prescribe.")
    patient, prior = visit.path("id"), visit.query("from")
    if prior:
        old = (await visit.reader.read("MedicationRequest", prior)).tree
        sent = script.fill(replace(prescription.again(old), note=""))
        how = visit.query("how") if visit.query("how") in _WAYS else "renew"
        if old.get("status") not in prescription.IN_USE:
            how = "again"
        more = {"from": prior, "version": str(old["meta"]["versionId"]), "how": how}
        return await _form(visit, patient, {**sent, **more, "refill": visit.query("refill")})
    if visit.query("medicine"):
        names = ("medicine", "code", "system")
        sent = {name: visit.query(name)[:300] for name in names}
        return await _form(visit, patient, {**sent, "substitution": "on", "route": "26643006"})
    return await _find(visit, patient)


async def _find(visit: Visit, patient: str) -> Response:
    text = visit.query("q")
    assert visit.caller is not None
    found = await concepts.search(visit.web.door, visit.caller, concepts.MEDICINES, text)
    return visit.render(
        "clinic/find_medicine.html",
        **await frame(visit, patient, "medications"),
        q=text[:100],
        rows=found,
        shortest=concepts.SHORTEST,
    )


async def save(visit: Visit) -> Response:
    """POST: checked, then written; what stands against it comes back, and asks for the reason."""
    sent = await fields(visit.request, _FIELDS)
    patient = visit.path("id")
    asked, wrong = script.read(sent, patient)
    if asked is None:
        return await _form(visit, patient, sent, wrong)
    assert visit.caller is not None
    reasons = {key[4:]: text.strip() for key, text in sent.items() if key.startswith("why-")}
    prior = _replaced(sent)
    try:
        id = await visit.clinic.prescribing.prescribe(
            visit.caller, asked, reasons, prior, sent.get("refill", "")
        )
    except Unanswered as error:
        told = [(f"why-{one.key}", error.text) for one in error.findings
                if one.needs_reason and not reasons.get(one.key)]  # fmt: skip
        # The first time nothing is wrong yet: there is something to decide.
        return await _form(visit, patient, sent, told if reasons else [], error.findings)
    except (Conflict, Incorrect) as error:
        without = prior.id if prior else ""
        found = await visit.clinic.prescribing.check(
            visit.caller, patient, asked.medication, asked.dosage, without
        )
        told = [("", issue.text) for issue in error.issues]
        return await _form(visit, patient, sent, told, found)
    return redirect(f"/patients/{patient}/medications?saved={id}")


def _replaced(sent: dict[str, str]) -> Replaced | None:
    if not sent.get("from"):
        return None
    version = sent.get("version", "")
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise Incorrect("The form is not whole; open it again.")
    ways = {"renew": ("completed", ""), "change": ("stopped", "Changed"), "again": ("", "")}
    return Replaced(sent["from"], int(version), *ways.get(sent.get("how", ""), ways["renew"]))


async def _form(
    visit: Visit,
    patient: str,
    sent: dict[str, str],
    problems: script.Problems | None = None,
    findings: tuple[Finding, ...] = (),
) -> Response:
    values, conditions = await frame(visit, patient, "medications"), await visit.reader.glance(
        "Condition", [("patient", patient), ("clinical-status", "active,recurrence,relapse"),
                      ("_count", "100")],
    )  # fmt: skip
    return visit.render(
        "clinic/prescribe.html",
        400 if problems else 200,
        **values,
        sent=sent,
        problems=problems or [],
        warnings=warned(findings),
        overrides=OVERRIDES,
        conditions=[(tree["id"], _title(tree)) for tree in conditions.trees],
        **_choices(),
    )


def _title(tree: Tree) -> str:
    return lists.problem(tree).title


def _choices() -> dict[str, Any]:
    return {"often": script.OFTEN, "units": script.UNITS, "routes": script.ROUTES,
            "periods": script.PERIODS}  # fmt: skip
