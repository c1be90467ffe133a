"""What chains and `_has` may look at under a restriction by type."""

from __future__ import annotations

import pytest

from careplane.search.criterion import Setting
from careplane.search.parse import criteria
from careplane.search.plan import Everything, Ids, Node, Nothing
from careplane.search.registry import r4_registry
from careplane.search.restrict import restricted
from tests.unit.search.notation import shown

SETTING = Setting(r4_registry({}))
RIGHTS: dict[str, Node] = {"Patient": Ids(frozenset({"me"})), "Location": Everything()}


@pytest.mark.parametrize(
    ("type", "query", "plan"),
    [
        ("Observation", "code=a", "Observation.code = a"),
        ("Observation", "patient.name=a",
         "Observation.patient:Patient(all(Patient.name starts a, id me))"),
        ("Observation", "subject.name=a",
         "any(Observation.subject:Location(Location.name starts a), "
         "Observation.subject:Patient(all(Patient.name starts a, id me)))"),
        ("Observation", "subject._id=a",
         "any(Observation.subject:Location(id a), Observation.subject:Patient(all(id a, id me)))"),
        ("Observation", "encounter.status=a", "nothing"),
        ("Patient", "_has:Observation:patient:code=a", "nothing"),
        ("Observation", "code=a&patient.name=a",
         "all(Observation.code = a, "
         "Observation.patient:Patient(all(Patient.name starts a, id me)))"),
        ("Patient", "link:Patient._has:Patient:link:name=a",
         "Patient.link:Patient(all(has Patient by Patient.link(all(Patient.name starts a, id me)), "
         "id me))"),
        ("Observation", "code:not=a", "not(Observation.code = a)"),
    ],
)  # fmt: skip
def test_restricted(type: str, query: str, plan: str) -> None:
    node = restricted(criteria(SETTING, type, query), lambda type: RIGHTS.get(type, Nothing()))
    assert shown(node) == plan
