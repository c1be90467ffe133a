"""Visits as their patient reads them."""

from __future__ import annotations

from typing import Any

import pytest

from careplane.telehealth.scheduling.visit import in_medium
from careplane.web.chart.visits import by_role, shown

_DOCTOR = {"resourceType": "Practitioner", "id": "d", "name": [{"text": "Dr. Ada"}]}
_NURSE = {"resourceType": "Practitioner", "id": "n", "name": [{"text": "Nora"}]}
_ROLE = {
    "resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/n"},
}  # fmt: skip
_KNOWN: dict[str, Any] = {f"{t['resourceType']}/{t['id']}": t for t in (_DOCTOR, _NURSE, _ROLE)}
_VISIT: dict[str, Any] = {
    "resourceType": "Appointment", "id": "v", "status": "booked",
    "start": "2027-03-01T09:00:00Z", "end": "2027-03-01T09:30:00Z",
    "participant": [{"actor": {"reference": one}} for one in ("Practitioner/d",
                                                              "PractitionerRole/r")],
}  # fmt: skip


def test_who_has_a_role_is_called_by_name() -> None:
    assert by_role(_ROLE) == "Practitioner/n"
    assert by_role(_DOCTOR) == ""
    assert shown(_VISIT, {}, _KNOWN, 0, 15).people == ("Dr. Ada", "Nora")
    known = {name: tree for name, tree in _KNOWN.items() if name != "Practitioner/n"}
    assert shown(_VISIT, {}, known, 0, 15).people == ("Dr. Ada", "Practitioner/n")


@pytest.mark.parametrize(
    ("medium", "video"), [("", True), ("VIDEOCONF", True), ("PHYSICAL", False), ("PHONE", False)]
)
def test_a_visit_in_person_has_no_room(medium: str, video: bool) -> None:
    tree = in_medium(_VISIT, medium) if medium else _VISIT
    row = shown(tree, {}, _KNOWN, 0, 15)
    assert row.video is video
    assert (row.opens is not None) is video
