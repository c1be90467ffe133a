"""The ready roles: a table of roles, types and actions."""

import pytest

from careplane.access.caller import Caller
from careplane.access.policy.source import shipped
from careplane.access.scopes import Permission
from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.search.plan import Everything, Node, Nothing
from careplane.storage.ports.records import Tenant
from tests.fhir_house import policies_with

# Capital: on every resource; small: where a condition on the resource holds; absent: never.
# c create, r read, u update, d delete, s search, p purge
TABLE = """
                   Patient Observation Claim Appointment Task Organization Questionnaire AuditEvent
physician          CRUDS   CRUDS       CRUDS CRUDS       cruds RS           RS            -
treating-physician rs      cruds       cruds cruds       cruds RS           RS            -
nurse              RS      CRUDS       -     RS          cruds RS           RS            -
trainee            RS      CRUS        -     RS          crus  RS           RS            -
ward-nurse         rs      crus        -     rs          rs    RS           RS            -
pharmacist         RS      RS          -     -           cruds RS           RS            -
front-desk         CRUS    -           -     CRUDS       crus RS           -             -
intake             CRS     -           -     -           rus  RS           -             -
researcher         RS      RS          -     -           -     RS           RS            -
patient            rs      rs          rs    crus        rs    RS           RS            rs
proxy              rs      rs          rs    rs          rs    RS           RS            rs
acting-proxy       -       -           -     cu          -     -            -             -
narrow-proxy       rs      -           -     rs          -     RS           RS            -
integration        CRUS    CRUS        CRUS  CRUS        CRUS  CRUS         RS            -
auditor            -       -           -     -           -     RS           -             RS
privacy-officer    RS      -           -     -           -     RS           -             RS
administrator      -       -           -     -           -     CRUDS        CRUDS         -
unassigned         CRUDSP  CRUDSP      CRUDSP CRUDSP     CRUDSP CRUDSP      CRUDSP        CRUDSP
unheard-of         -       -           -     -           -     -            -             -
"""
NOTES = """
                   Composition DocumentReference Binary Provenance
physician          CRUDS       CRUDS             CRUDS  CRUDS
treating-physician cruds       cruds             cruds  cruds
nurse              CRUDS       CRUDS             CRUDS  RS
trainee            CRUDS       CRUS              CRUS   RS
ward-nurse         crus        crus              crus   rs
pharmacist         -           -                 -      -
front-desk         -           -                 -      -
researcher         -           -                 -      -
patient            rs          rs                rs     rs
proxy              rs          rs                rs     rs
integration        CRUS        CRUS              CRUS   CRUS
auditor            -           -                 -      -
privacy-officer    -           -                 -      -
administrator      -           -                 -      -
unassigned         CRUDSP      CRUDSP            CRUDSP CRUDSP
unheard-of         -           -                 -      -
"""
"""Notes and documents."""


def _cells(table: str) -> tuple[list[list[str]], list[tuple[str, str, str]]]:
    types, *rows = [line.split() for line in table.strip().splitlines()]
    return rows, [(r[0], type, cell) for r in rows for type, cell in zip(types, r[1:], strict=True)]


ROWS, CELLS = _cells(TABLE)
CELLS += _cells(NOTES)[1]


def node(role: str, permission: Permission, type: str, purpose: str = "TREAT") -> Node:
    id = "RelatedPerson/r" if role.endswith("proxy") else "Practitioner/n"
    roles = frozenset({role} - {"unassigned"})
    caller = Caller(Tenant(1), id, "Somebody", frozenset(), "p", roles, purpose)
    return policies_with().restriction(caller, permission, type)


@pytest.mark.parametrize(("role", "type", "cell"), CELLS)
def test_what_a_role_may(role: str, type: str, cell: str) -> None:
    found = ""
    for permission in Permission:
        limit = node(role, permission, type)
        if isinstance(limit, Everything):
            found += permission.upper()
        elif not isinstance(limit, Nothing):
            found += permission
    assert (found or "-") == cell


FORMS = {
    "physician": "CRUDS",
    "nurse": "CRUS",
    "trainee": "CRUS",
    "ward-nurse": "crus",
    "patient": "crus",
    "proxy": "rs",
    "front-desk": "-",
    "pharmacist": "-",
    "researcher": "-",
}


@pytest.mark.parametrize(("role", "cell"), FORMS.items())
def test_who_fills_forms(role: str, cell: str) -> None:
    test_what_a_role_may(role, "QuestionnaireResponse", cell)


def test_every_role_that_ships_is_in_the_table() -> None:
    named = {name.removesuffix(".cedar") for name in shipped()}
    assert named <= {row[0] for row in ROWS}


def test_a_researcher_sees_records_de_identified_whatever_else_they_are() -> None:
    for others in ((), ("physician",), ("integration", "auditor")):
        roles = frozenset({"researcher", *others})
        caller = Caller(Tenant(1), "Practitioner/n", "N", frozenset(), None, roles)
        view = policies_with().view(caller)
        assert view
        assert view.study == "research"


@pytest.mark.parametrize("role", sorted({row[0] for row in ROWS} - {"researcher"}))
def test_no_other_ready_role_masks_anything(role: str) -> None:
    roles = frozenset({role} - {"unassigned"})
    caller = Caller(Tenant(1), "Practitioner/n", "N", frozenset(), "p", roles)
    assert policies_with().view(caller) is None


@pytest.mark.parametrize("role", ["physician", "nurse", "pharmacist", "patient"])
def test_knowledge_of_interactions_is_no_record_of_a_patient(role: str) -> None:
    found = node(role, Permission.SEARCH, "MedicinalProductInteraction")
    assert isinstance(found, Everything)
    assert isinstance(node(role, Permission.CREATE, "MedicinalProductInteraction"), Nothing)


def test_a_patient_reads_tasks_of_their_own_and_writes_none() -> None:
    found = node("patient", Permission.SEARCH, "Task")
    assert not isinstance(found, Everything | Nothing)
    assert isinstance(node("patient", Permission.CREATE, "Task"), Nothing)


def test_nobody_with_a_role_removes_for_good() -> None:
    for role in (row[0] for row in ROWS if row[0] != "unassigned"):
        for type in RESOURCE_TYPES:
            assert isinstance(node(role, Permission.PURGE, type), Nothing)


def test_a_physician_does_not_read_records_for_research() -> None:
    assert isinstance(node("physician", Permission.READ, "Observation", "HRESCH"), Nothing)
    assert isinstance(node("physician", Permission.READ, "Organization", "HRESCH"), Everything)
