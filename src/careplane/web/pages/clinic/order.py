"""Order from the catalogue: choose a kind, tick what is wanted, say why and how urgent."""

from __future__ import annotations

import re
from datetime import date

from starlette.responses import Response

from careplane.care.orders import request as making
from careplane.care.orders.catalogue import CATEGORIES
from careplane.care.orders.orders import Repeated
from careplane.care.orders.request import Wanted
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, Issue, NotFound
from careplane.web.chart import lists, ordered
from careplane.web.chart.banner import person
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.chart import frame
from careplane.web.pages.exchange import sending
from careplane.web.pages.people_of import reasons
from careplane.web.say.dates import say_date, say_time
from careplane.web.visit import Visit, redirect

_FIELDS = 120
_WHO = re.compile(r"(Practitioner|Organization|HealthcareService)/[A-Za-z0-9.-]{1,64}")
_MANY = 200
Problems = list[tuple[str, str]]
TEXTS = (
    mark("Choose what to order."),
    mark("Choose how urgent it is."),
    mark("Write 2000 characters at most."),
    mark("Choose who is to receive it."),
    mark("The date is written as 2030-12-31."),
    mark("Some of this is ordered already and not done yet."),
    mark("Say why it is cancelled, in 500 characters at most."),
    mark("Somebody changed this order; look at it as it is now."),
    mark("This order has ended already."),
)


async def show(visit: Visit) -> Response:
    """GET /patients/{id}/order?kind=&q=."""
    if not visit.may("c", "ServiceRequest"):
        raise Forbidden("Orders are made by those who may order.")
    return await _form(visit, {})


async def _form(
    visit: Visit, sent: dict[str, str], problems: Problems | None = None, repeated: str = ""
) -> Response:
    kind = sent.get("kind") or visit.query("kind") or "laboratory"
    if kind not in CATEGORIES:
        raise NotFound("There are laboratory, imaging, procedure and referral.")
    patient, text = visit.path("id"), visit.query("q")[:100]
    assert visit.caller is not None
    found = await visit.clinic.orders.catalogue(visit.caller)
    conditions = await visit.reader.glance("Condition", [
        ("patient", patient), ("clinical-status", "active,recurrence,relapse"), ("_count", "100"),
    ])  # fmt: skip
    chosen = {key[5:] for key in sent if key.startswith("item:")}
    return visit.render(
        "clinic/order.html",
        400 if problems else 200,
        **await frame(visit, patient, "orders"),
        kind=kind,
        kinds=ordered.KINDS,
        q=text,
        items=found.of(kind, text),
        sets=[(one.key, one.title, [found.items[key].title for key in one.items])
              for one in found.sets_of(kind)],
        chosen=chosen,
        performers=await _performers(visit) if kind == "referral" else [],
        priorities=[*ordered.PRIORITIES.items()],
        conditions=[(tree["id"], lists.problem(tree).title) for tree in conditions.trees],
        sent=sent,
        problems=problems or [],
        repeated=repeated,
    )  # fmt: skip


async def _performers(visit: Visit) -> list[tuple[str, str, str]]:
    """Who can be referred to: kind, reference and name."""
    newest = [("_count", str(_MANY))]
    people, services, organizations = await visit.reader.several(
        ("Practitioner", [("_sort", "family"), *newest]),
        ("HealthcareService", [("active", "true"), *newest]),
        ("Organization", [("_sort", "name"), *newest]),
    )
    named = [("practitioner", f"Practitioner/{t['id']}", str(person(t, visit.today).name.text))
             for t in people.trees]  # fmt: skip
    named += [("service", f"HealthcareService/{t['id']}", str(t.get("name", t["id"])))
              for t in services.trees]  # fmt: skip
    named += [("organization", f"Organization/{t['id']}", str(t.get("name", t["id"])))
              for t in organizations.trees]  # fmt: skip
    return named


async def save(visit: Visit) -> Response:
    """POST: `item:<key>` and `set:<key>` for what is ticked, and what is the same for all."""
    sent = await fields(visit.request, _FIELDS)
    patient, kind = visit.path("id"), sent.get("kind", "")
    assert visit.caller is not None
    try:
        found = await visit.clinic.orders.catalogue(visit.caller)
        keys = [key[5:] for key in sent if key.startswith("item:")]
        for one in (key[4:] for key in sent if key.startswith("set:")):
            keys += found.sets[one].items if one in found.sets else ()
        items = [found.items[key] for key in dict.fromkeys(keys) if key in found.items]
        wanted = await _wanted(visit, patient, kind, sent)
        ids = await visit.clinic.orders.place(
            visit.caller, wanted, items, again=bool(sent.get("again"))
        )
    except Repeated as error:
        return await _form(visit, sent, [("again", error.text)], ", ".join(error.titles))
    except Incorrect as error:
        told = [(issue.where, issue.text) for issue in error.issues]
        return await _form(visit, sent, told)
    return redirect(f"/patients/{patient}/orders?saved={len(ids)}")


async def _wanted(visit: Visit, patient: str, kind: str, sent: dict[str, str]) -> Wanted:
    to, when = sent.get("performer", ""), sent.get("when", "")
    if kind == "referral" and not _WHO.fullmatch(to):
        raise _wrong("Choose who is to receive it.", "performer")
    if when:
        try:
            date.fromisoformat(when)
        except ValueError as error:
            raise _wrong("The date is written as 2030-12-31.", "when") from error
    names = {reference: name for _, reference, name in await _performers(visit)} if to else {}
    return Wanted(
        patient=patient,
        priority=sent.get("priority", "routine"),
        reason=sent.get("reason", ""),
        words=sent.get("words", "").strip(),
        note=sent.get("note", "").strip(),
        instruction=sent.get("instruction", "").strip(),
        when=when,
        performer=to if kind == "referral" else "",
        performer_name=names.get(to, ""),
    )


def _wrong(text: str, field: str) -> Incorrect:
    return Incorrect(text, issues=(Issue("error", "required", text, field),))


async def details(visit: Visit) -> Response:
    """GET /patients/{id}/orders/{order}."""
    return await _details(visit)


async def _details(visit: Visit, problem: str = "", sent: dict[str, str] | None = None) -> Response:
    patient, id = visit.path("id"), visit.path("order")
    record = await visit.reader.read("ServiceRequest", id)
    tree = record.tree
    if tree.get("subject", {}).get("reference") != f"Patient/{patient}":
        raise NotFound("This patient has no such order.")
    place = f"ServiceRequest/{id}"
    reports, observations, referred = await visit.reader.several(
        ("DiagnosticReport", [("based-on", place), ("_sort", "-date"), ("_count", "50")]),
        ("Observation", [("based-on", place), ("_sort", "-date"), ("_count", "50")]),
        ("Task", [("focus", place), ("_count", "10")]),
    )
    results = [*reports.trees, *observations.trees]
    task = next((t["id"] for t in referred.trees), "")
    return visit.render(
        "clinic/order_details.html",
        400 if problem else 200,
        **await frame(visit, patient, "orders"),
        row=ordered.order(tree, results, task),
        facts={
            "when": say_time(str(tree.get("authoredOn", ""))),
            "on": say_date(str(tree.get("occurrenceDateTime", ""))),
            "reasons": await reasons(visit, tree),
            "note": " · ".join(str(n.get("text", "")) for n in tree.get("note", ())),
            "instruction": str(tree.get("patientInstruction", "")),
            "requisition": str(tree.get("requisition", {}).get("value", "")),
            "why": making.why(tree),
        },
        kinds=ordered.KINDS,
        version=record.version,
        may_order=visit.may("u", "ServiceRequest"),
        problem=problem,
        sent=sent or {},
    )  # fmt: skip


async def end(visit: Visit) -> Response:
    """POST: `do` is `revoked` or `completed`, with `words` and `version`."""
    sent = await fields(visit.request)
    version = sent.get("version", "")
    assert visit.caller is not None
    try:
        if not (version.isascii() and version.isdigit() and len(version) < 10):
            raise Incorrect("The form is not whole; open it again.")
        await visit.clinic.orders.end(
            visit.caller, visit.path("order"), sent.get("do", ""), sent.get("words", ""),
            int(version),
        )  # fmt: skip
    except (Incorrect, Conflict) as error:
        return await _details(visit, error.text, sent)
    await sending.ended(visit, visit.path("order"))
    return redirect(f"/patients/{visit.path('id')}/orders")
