"""Writing the lists of a chart: problems, allergies, immunizations, vital signs, the care team."""

from __future__ import annotations

from careplane.web.chart.entries import ENTRIES
from careplane.web.pages.lists import entry, team, vitals
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/patients/{id}/vitals/add", vitals.show),
    ("POST", "/patients/{id}/vitals/add", vitals.save),
    *(
        row
        for key in ENTRIES
        for row in (
            ("GET", f"/patients/{{id}}/{key}/add", entry.add(key)),
            ("POST", f"/patients/{{id}}/{key}/add", entry.save(key)),
            ("GET", f"/patients/{{id}}/{key}/{{record}}/edit", entry.edit(key)),
            ("POST", f"/patients/{{id}}/{key}/{{record}}/edit", entry.save(key)),
        )
    ),
    ("POST", "/patients/{id}/team", team.join),
    ("POST", "/patients/{id}/team/{team}/leave", team.leave),
)
"""Routes of this family: method, path, handler."""
