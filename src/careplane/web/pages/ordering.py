"""The chart's tab of orders: what is under way, what came of it, what is past."""

from __future__ import annotations

from typing import Any

from careplane.care import tasks
from careplane.web.chart import ordered
from careplane.web.chart.ordered import KINDS
from careplane.web.reader import NOT_ALLOWED
from careplane.web.visit import Visit

_MOST = 200
_RESULTS = 100


async def tab(visit: Visit, patient: str) -> dict[str, Any]:
    """Orders of a patient with the results that are based on them, and referrals."""
    where, newest = ("patient", patient), ("_sort", "-authored")
    orders, reports, referred = await visit.reader.several(
        ("ServiceRequest", [where, newest, ("_count", str(_MOST))]),
        ("DiagnosticReport", [where, ("based-on:missing", "false"), ("_sort", "-date"),
                              ("_count", str(_RESULTS))]),
        ("Task", [where, ("code", f"{tasks.CODES}|referral"), ("_count", str(_RESULTS))]),
    )  # fmt: skip
    based = ordered.by_order(reports.trees)
    by_focus = {str(t.get("focus", {}).get("reference", ""))[15:]: t["id"] for t in referred.trees}
    rows = [ordered.order(t, based.get(t["id"], ()), by_focus.get(t["id"], ""))
            for t in orders.trees]  # fmt: skip
    return {
        "active": [row for row in rows if row.open],
        "past": [row for row in rows if not row.open],
        "kinds": KINDS,
        "may_order": visit.web.clinic is not None and visit.may("c", "ServiceRequest"),
        "saved": visit.query("saved"),
        "hidden": orders is NOT_ALLOWED,
        "cut": len(rows) if orders.next else 0,
    }
