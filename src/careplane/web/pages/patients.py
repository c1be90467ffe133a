"""Find a patient: by name, date of birth or number, page by page."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from careplane.web.chart import lists
from careplane.web.chart.banner import person
from careplane.web.visit import Visit

COUNT = 25
FIELDS = (("name", "name"), ("born", "birthdate"), ("number", "identifier"))
"""Field of the form → search parameter of Patient."""
_DATE = re.compile(r"\d{4}(-\d\d){0,2}")


async def show(visit: Visit) -> Response:
    """GET /patients; `q` is the search field at the top of each page."""
    typed = {field: visit.query(field) for field, _ in FIELDS} | _guess(visit.query("q"))
    pairs = [(code, typed[field]) for field, code in FIELDS if typed[field]]
    pairs += [("_sort", "family,given"), ("_count", str(COUNT)), ("_total", "accurate")]
    cursor = visit.query("cursor") or None
    page, problem = await visit.reader.attempt("Patient", pairs, cursor)
    rows = [person(tree, visit.today) for tree in page.trees]
    around = await _around(visit, [row.id for row in rows])
    again = {field: value for field, value in typed.items() if value}
    return visit.render(
        "pages/patients.html",
        400 if problem else 200,
        problem=problem,
        rows=rows,
        asked=typed,
        total=page.total,
        first="/patients?" + urlencode(again) if cursor else "",
        next="/patients?" + urlencode(again | {"cursor": page.next}) if page.next else "",
        **around,
    )


def asked(text: str) -> list[tuple[str, str]]:
    """The search for what a person typed into one field."""
    found = _guess(text)
    return [(code, found[field]) for field, code in FIELDS if found.get(field)]


def _guess(text: str) -> dict[str, str]:
    """What a person typed into the one field at the top: a date, a number or a name."""
    if not text:
        return {}
    if _DATE.fullmatch(text):
        return {"born": text}
    return {"number": text} if any(letter.isdigit() for letter in text) else {"name": text}


async def _around(visit: Visit, ids: list[str]) -> dict[str, Any]:
    """The newest alert and the next visit of each patient in the list."""
    if not ids:
        return {"alerts": {}, "visits": {}}
    subjects = ",".join(f"Patient/{id}" for id in ids)
    flags, appointments = await visit.reader.several(
        ("Flag", [("subject", subjects), ("_sort", "-date"), ("_count", "100")]),
        ("Appointment", [
            ("actor", subjects), ("date", f"ge{visit.today}"), ("_sort", "date"),
            ("_count", "100"),
        ]),
    )  # fmt: skip
    alerts = [row for row in map(lists.alert, flags.trees) if row.active]
    visits = [lists.visit(tree) for tree in appointments.trees]
    return {"alerts": _first(alerts), "visits": _first(visits)}


def _first(rows: list[lists.Row]) -> dict[str, lists.Row]:
    """The first row of each patient, by id."""
    out: dict[str, lists.Row] = {}
    for row in rows:
        out.setdefault(row.extra.removeprefix("Patient/"), row)
    return out
