"""One prescription: what it says, what was gone past, what came before and after; its end."""

from __future__ import annotations

from starlette.responses import Response

from careplane.care.prescribing import prescription
from careplane.care.prescribing.prescription import STOPPING
from careplane.kernel.errors import Conflict, Incorrect, NotFound
from careplane.web.chart import lists
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.chart import frame
from careplane.web.pages.people_of import reasons
from careplane.web.say import types
from careplane.web.say.dates import say_time
from careplane.web.say.sig import sig
from careplane.web.visit import Visit, redirect

REASONS = (
    ("altchoice", mark("Another treatment is tried first")),
    ("salg", mark("Allergy")),
    ("sddi", mark("Interaction with another medicine")),
    ("drughigh", mark("Level of the medicine too high")),
    ("preg", mark("Pregnancy or breast feeding")),
    ("surg", mark("Surgery is planned")),
    ("hospadm", mark("Admission to hospital")),
    ("nonavail", mark("Not available")),
    ("labint", mark("Disturbs a laboratory test")),
    ("clarif", mark("The prescription needs to be made clear")),
)


async def show(visit: Visit) -> Response:
    """GET /patients/{id}/medications/{request}."""
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", sent: dict[str, str] | None = None) -> Response:
    patient, id = visit.path("id"), visit.path("request")
    record = await visit.reader.read("MedicationRequest", id)
    tree = record.tree
    if tree.get("subject", {}).get("reference") != f"Patient/{patient}":
        raise NotFound("This patient has no such prescription.")
    before, after, issues = await visit.reader.several(
        ("MedicationRequest", [("_id", _id(tree.get("priorPrescription", {})))]),
        ("MedicationRequest", [("patient", patient), ("_sort", "-date"), ("_count", "200")]),
        ("DetectedIssue", [("patient", patient), ("implicated", f"MedicationRequest/{id}"),
                           ("_count", "50")]),
    )  # fmt: skip
    later = [t for t in after.trees if _id(t.get("priorPrescription", {})) == id]
    supply = tree.get("dispenseRequest", {})
    return visit.render(
        "clinic/medicine.html",
        400 if problem else 200,
        **await frame(visit, patient, "medications"),
        row=lists.medication(tree),
        directions=[sig(one) for one in tree.get("dosageInstruction", ())],
        facts={
            "by": types.reference(tree.get("requester", {})),
            "when": say_time(str(tree.get("authoredOn", ""))),
            "quantity": types.quantity(supply.get("quantity", {})),
            "refills": str(supply.get("numberOfRepeatsAllowed", "")),
            "substitution": tree.get("substitution", {}).get("allowedBoolean"),
            "reasons": await reasons(visit, tree),
            "note": " · ".join(str(n.get("text", "")) for n in tree.get("note", ())),
            "ended": types.concept(tree.get("statusReason", {})),
        },
        version=record.version,
        issues=[(types.concept(t.get("code", {})), str(t.get("detail", "")),
                 [(types.concept(m.get("action", {})), types.reference(m.get("author", {})))
                  for m in t.get("mitigation", ())]) for t in issues.trees],
        before=[lists.medication(t) for t in before.trees],
        after=[lists.medication(t) for t in later],
        in_use=tree.get("status") in prescription.IN_USE,
        may_prescribe=visit.may("u", "MedicationRequest"),
        reasons=REASONS,
        problem=problem,
        sent=sent or {},
    )  # fmt: skip


def _id(reference: dict[str, str]) -> str:
    return reference.get("reference", "").rpartition("/")[2] or "none"


async def stop(visit: Visit) -> Response:
    """POST: `reason` or `words`, and `version`."""
    sent = await fields(visit.request)
    patient, id = visit.path("id"), visit.path("request")
    words, code = sent.get("words", "").strip(), sent.get("reason", "")
    version = sent.get("version", "")
    assert visit.caller is not None
    try:
        if not (version.isascii() and version.isdigit() and len(version) < 10):
            raise Incorrect("The form is not whole; open it again.")
        reason = words or (code if code in STOPPING else "")
        await visit.clinic.prescribing.stop(visit.caller, id, reason, int(version))
    except (Incorrect, Conflict) as error:
        return await _page(visit, error.text, sent)
    return redirect(f"/patients/{patient}/medications?stopped=1")
