"""Who changes which response, by whatever way: patients what they, or who acts for them, have
filled; staff everything."""

from __future__ import annotations

import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.care.forms.own import KEEPS
from careplane.fhir.codec import json
from careplane.kernel.errors import Forbidden
from careplane.records.bodies import accept
from careplane.search.extract import extract
from careplane.storage.ports.records import Version
from tests.fhir_house import TENANT

PATIENT = Caller(TENANT, "Patient/p", "Ada", parse_scopes("patient/*.cruds"), "p",
                 frozenset({"patient"}))  # fmt: skip
PROXY = Caller(TENANT, "RelatedPerson/r", "Uma", parse_scopes("patient/*.cruds"), "p",
               frozenset({"proxy", "acting-proxy"}))  # fmt: skip
NURSE = Caller(TENANT, "Practitioner/n", "Nia", parse_scopes("user/*.cruds"), None,
               frozenset({"nurse"}))  # fmt: skip
CASES = {
    "a patient's own": (PATIENT, "Patient/p", True),
    "a patient, what a parent filled": (PATIENT, "RelatedPerson/r", True),
    "a parent, what the patient filled": (PROXY, "Patient/p", True),
    "a patient, what staff filled": (PATIENT, "Practitioner/n", False),
    "a parent, what staff filled": (PROXY, "Practitioner/n", False),
    "a patient, what nobody says who filled": (PATIENT, "", False),
    "staff, what a patient filled": (NURSE, "Patient/p", True),
    "staff, what staff filled": (NURSE, "Practitioner/n", True),
}


@pytest.mark.parametrize("is_gone", [False, True], ids=["changed", "deleted"])
@pytest.mark.parametrize("name", CASES)
def test_who_changes_a_response(name: str, is_gone: bool) -> None:
    caller, source, may = CASES[name]
    tree = {"resourceType": "QuestionnaireResponse", "id": "x", "status": "completed",
            "subject": {"reference": "Patient/p"}}  # fmt: skip
    if source:
        tree["source"] = {"reference": source}
    claimed = {**tree, "source": {"reference": "Patient/p"}}
    old, new = (accept(extract, json.dump(one), "QuestionnaireResponse") for one in (tree, claimed))
    current = Version("QuestionnaireResponse", "x", 1, 0, "PUT", old.rest, 1)
    keep = KEEPS["QuestionnaireResponse"]
    if may:
        keep(caller, current, None if is_gone else new)
    else:
        with pytest.raises(Forbidden, match="Staff"):
            keep(caller, current, None if is_gone else new)
