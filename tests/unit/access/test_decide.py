"""Decisions: a table of scopes, permissions and types against the restriction that follows."""

import pytest

from careplane.access.caller import Caller
from careplane.access.decide import Decider
from careplane.access.scopes import Permission, parse_scopes
from careplane.kernel.errors import Forbidden
from careplane.search.plan import (
    And,
    Coding,
    Everything,
    Node,
    Not,
    Nothing,
    OfType,
    Or,
    Reference,
    Token,
)
from careplane.search.rows import Param
from careplane.storage.ports.records import Tenant


def criteria(type: str, query: str) -> Node:
    name, _, code = query.partition("=")
    return Token(Param(f"{type}.{name}"), (Coding(None, code, any_system=True),))


def compartment(type: str, patient: str) -> Node | None:
    if type != "Observation":
        return None
    return Reference(Param("Observation.subject"), frozenset({("Patient", patient)}))


DECIDER = Decider(criteria, compartment, lambda caller, permission, type: Everything())
LAB = criteria("Observation", "category=laboratory")
MINE = compartment("Observation", "p1")
assert MINE is not None
NOPAT = Coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "NOPAT")
TOLD = Not(Token(Param("Resource._security"), (NOPAT,)))


def caller(scopes: str, patient: str | None = "p1") -> Caller:
    return Caller(Tenant(1), "client/x", "X", parse_scopes(scopes), patient)


@pytest.mark.parametrize(
    ("scopes", "permission", "type", "node"),
    [
        ("system/*.cruds", "c", "Patient", Everything()),
        ("system/*.rs", "c", "Patient", Nothing()),
        ("system/Observation.r", "s", "Observation", Nothing()),
        ("system/Observation.r", "r", "Patient", Nothing()),
        ("", "r", "Patient", Nothing()),
        ("user/Observation.rs?category=laboratory", "s", "Observation", LAB),
        ("patient/*.rs", "r", "Observation", And((MINE, TOLD))),
        ("patient/*.rs", "r", "Practitioner", Everything()),
        ("patient/*.cruds", "u", "Practitioner", Nothing()),
        ("patient/*.rs", "r", "Basic", Nothing()),
        ("patient/*.rs system/Observation.r", "r", "Observation", Everything()),
        ("patient/Observation.rs?category=laboratory", "s", "Observation", And((LAB, MINE, TOLD))),
        (
            "patient/*.s user/Observation.s?category=laboratory",
            "s",
            "Observation",
            {LAB, MINE},
        ),
    ],
)
def test_a_decision(scopes: str, permission: str, type: str, node: object) -> None:
    decided = DECIDER.restriction(caller(scopes), Permission(permission), type)
    if isinstance(node, set):
        assert isinstance(decided, Or)
        assert set(decided.parts) == node
    else:
        assert decided == node


def test_a_patient_scope_without_a_patient_opens_nothing() -> None:
    someone = caller("patient/*.rs", patient=None)
    assert DECIDER.restriction(someone, Permission.READ, "Observation") == Nothing()


def test_require_refuses_with_the_permission_and_the_type() -> None:
    with pytest.raises(Forbidden, match="'delete' on Patient"):
        DECIDER.require(caller("system/*.rs"), Permission.DELETE, "Patient")


def test_everywhere_is_everything_only_for_who_may_see_everything() -> None:
    assert DECIDER.everywhere(caller("system/*.s"), Permission.SEARCH) == Everything()
    assert DECIDER.everywhere(caller("system/Patient.s"), Permission.SEARCH) == OfType(
        frozenset({"Patient"})
    )
    assert DECIDER.everywhere(caller(""), Permission.SEARCH) == Nothing()
