"""A referral that goes to another institution: what goes with it, and that the patient agrees."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect, TooLarge
from careplane.sharing.exchange import steps
from careplane.sharing.exchange.exchange import Exchange, Wish
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.say import types
from careplane.web.say.dates import say_date
from careplane.web.visit import Visit, redirect

_MANY = "20"
_FIELDS = 40
NOT_AGREED = mark("It is sent when the patient has agreed to it.")
TOO_MUCH = mark("This is too much to be sent with a referral; choose fewer documents.")
ENDED = mark("This referral is not to be sent to another institution, or has ended.")
PROBLEMS = {"agreed": NOT_AGREED, "large": TOO_MUCH, "ended": ENDED}


def exchange_of(visit: Visit) -> Exchange | None:
    return visit.web.sharing.exchange if visit.web.sharing else None


async def brought_up(visit: Visit, task: Tree) -> Tree:
    """A referral with what has happened at the other institution."""
    exchange = exchange_of(visit)
    if exchange is None or visit.caller is None or not steps.exchanged(task):
        return task
    await exchange.follow(visit.caller.tenant, task)
    return (await visit.reader.read("Task", str(task["id"]))).tree


async def ended(visit: Visit, order: str) -> None:
    """Say at the other institution that an order has ended, where it was sent there."""
    if exchange_of(visit) is None:
        return
    focus = ("focus", f"ServiceRequest/{order}")
    page = await visit.reader.glance("Task", [focus, ("_count", "5")])
    for task in page.trees:
        await brought_up(visit, task)


def is_unsent(visit: Visit, task: Tree) -> bool:
    """Whether it is for an institution of this installation, and has not been sent there."""
    exchange = exchange_of(visit)
    assert visit.caller is not None
    return (
        exchange is not None
        and not steps.exchanged(task)
        and task.get("status") in steps.OPEN
        and exchange.partner(visit.caller.tenant, task) is not None
    )


async def of_referral(visit: Visit, task: Tree) -> dict[str, Any] | None:
    """What the page of a referral says and offers; None where it is not for an institution of this
    installation."""
    exchange = exchange_of(visit)
    assert visit.caller is not None
    if exchange is None or visit.caller.patient:
        return None
    partner = exchange.partner(visit.caller.tenant, task)
    if partner is None:
        return None
    sender = str(task.get("requester", {}).get("reference", "")) == visit.caller.id
    offers = sender and is_unsent(visit, task)
    return {
        "to": partner.title,
        "sent": bool(steps.exchanged(task)),
        "offers": offers,
        "documents": await _documents(visit, task) if offers else [],
        "problem": PROBLEMS.get(visit.query("problem"), ""),
    }


async def _documents(visit: Visit, task: Tree) -> list[tuple[str, str, str]]:
    """The newest documents of the patient: id, title and day."""
    pairs = [("patient", str(task.get("for", {}).get("reference", ""))), ("status", "current"),
             ("_sort", "-date"), ("_count", _MANY)]  # fmt: skip
    page = await visit.reader.glance("DocumentReference", pairs)
    return [(str(t["id"]), str(t.get("description", "")) or types.concept(t.get("type", {})),
             say_date(str(t.get("date", "")))) for t in page.trees]  # fmt: skip


async def send(visit: Visit) -> Response:
    """POST /referrals/{task}/send: `summary`, `d-ID` for each document, `agreed`."""
    assert visit.caller is not None
    id, exchange = visit.path("task"), exchange_of(visit)
    sent = await fields(visit.request, _FIELDS)
    if exchange is None:
        return redirect(f"/referrals/{id}?problem=ended")
    documents = tuple(name.removeprefix("d-") for name in sent if name.startswith("d-"))
    wish = Wish(sent.get("summary") == "1", documents, sent.get("agreed") == "1")
    scope = visit.request.scope
    base = visit.web.addressing.base(scope, dict(scope["headers"]))
    try:
        await exchange.send(visit.caller, id, wish, base)
    except Incorrect:
        return redirect(f"/referrals/{id}?problem=agreed")
    except TooLarge:
        return redirect(f"/referrals/{id}?problem=large")
    except Conflict:
        return redirect(f"/referrals/{id}?problem=ended")
    return redirect(f"/referrals/{id}")
