"""The chart's tab of who cares for a patient."""

from __future__ import annotations

from typing import Any

from careplane.care.lists.team import present
from careplane.web.chart.banner import person
from careplane.web.reader import NOT_ALLOWED
from careplane.web.say import types
from careplane.web.say.dates import say_date
from careplane.web.visit import Visit

_MANY = 200


async def tab(visit: Visit, patient: str) -> dict[str, Any]:
    """Care teams with who is in them, and who could come."""
    may = visit.web.clinic is not None and visit.may("u", "CareTeam")
    teams, staff = await visit.reader.several(
        ("CareTeam", [("patient", patient), ("_count", "50")]),
        ("Practitioner", [("_sort", "family"), ("_count", str(_MANY if may else 1))]),
    )
    rows = [
        (
            tree["id"],
            str(tree.get("name", "")),
            tree.get("status", "") in ("active", "proposed", ""),
            [
                (
                    str(part.get("member", {}).get("reference", "")),
                    types.reference(part.get("member", {})),
                    ", ".join(map(types.concept, part.get("role", ()))),
                    say_date(str(part.get("period", {}).get("start", ""))),
                )
                for part in present(tree)
            ],
        )
        for tree in teams.trees
    ]
    return {
        "teams": [row for row in rows if row[2]],
        "staff": [
            (f"Practitioner/{t['id']}", str(person(t, visit.today).name.text)) for t in staff.trees
        ],
        "may": may,
        "saved": visit.query("saved"),
        "problem": "",
        "sent": {},
        "hidden": teams is NOT_ALLOWED,
    }
