"""Includes: what each round wants, from the rows of what was found."""

from __future__ import annotations

import pytest

from careplane.search.criterion import Setting
from careplane.search.includes import Wanted, wanted
from careplane.search.match import Subject
from careplane.search.parse import parse, parse_query
from careplane.search.registry import r4_registry
from careplane.search.rows import Param, ReferenceRow, Rows, UriRow
from tests.unit.search.notation import shown

SETTING = Setting(r4_registry({}))


def refers(type: str, id: str, **params: str) -> Subject:
    references = [
        ReferenceRow(Param(f"{type}.{code.replace('_', '-')}"), *target.split("/"))
        for code, targets in params.items()
        for target in targets.split()
    ]
    return Subject(type, id, 0, Rows(references=references))


REQUEST = refers("MedicationRequest", "1", patient="Patient/p", requester="Practitioner/d")
PATIENT = refers("Patient", "p", general_practitioner="Practitioner/d Organization/o")


def ask(query: str, *found: Subject, first: bool = True) -> Wanted:
    type, _, rest = query.partition("?")
    search = parse(SETTING, (type,), parse_query(rest))
    seen = {(s.type, s.id) for s in found}
    return wanted(SETTING.registry, search.includes, search.revincludes, found, seen, first=first)


@pytest.mark.parametrize(
    ("query", "found", "first", "keys"),
    [  # M stands for MedicationRequest
        ("M?", [REQUEST], True, ""),
        ("M?_include=MedicationRequest:patient", [REQUEST], True, "Patient/p"),
        ("M?_include=MedicationRequest:requester", [REQUEST], True, "Practitioner/d"),
        ("M?_include=MedicationRequest:requester:Patient", [REQUEST], True, ""),
        ("M?_include=MedicationRequest:*", [REQUEST], True, "Patient/p Practitioner/d"),
        ("M?_include=MedicationRequest:*:Patient", [REQUEST], True, "Patient/p"),
        ("M?_include=*", [REQUEST], True, "Patient/p Practitioner/d"),
        ("M?_include=*", [REQUEST, PATIENT], True, "Practitioner/d Organization/o"),
        ("M?_include=Patient:general-practitioner", [REQUEST], True, ""),
        # later rounds follow only what iterates
        ("M?_include=Patient:general-practitioner", [PATIENT], False, ""),
        (
            "M?_include:iterate=Patient:general-practitioner:Organization",
            [PATIENT],
            False,
            "Organization/o",
        ),
        (
            "M?_include:iterate=Patient:general-practitioner",
            [PATIENT],
            True,
            "Practitioner/d Organization/o",
        ),
    ],
)
def test_include(query: str, found: list[Subject], first: bool, keys: str) -> None:
    answer = ask(query.replace("M?", "MedicationRequest?"), *found, first=first)
    assert {"/".join(key) for key in answer.keys} == set(keys.split())
    assert answer.queries == ()


OBSERVATIONS = {"Observation": "Observation.patient -> Patient/p"}


@pytest.mark.parametrize(
    ("query", "first", "searches"),
    [
        ("Patient?_revinclude=Observation:patient", True, OBSERVATIONS),
        ("Patient?_revinclude=Observation:patient", False, {}),
        ("Patient?_revinclude:iterate=Observation:patient", False, OBSERVATIONS),
        ("Patient?_revinclude=Observation:encounter", True, {}),
        ("Patient?_revinclude=Observation:subject:Group", True, {}),
        (
            "Patient?_revinclude=Account:*",
            True,
            {"Account": "any(Account.patient -> Patient/p, Account.subject -> Patient/p)"},
        ),
    ],
)
def test_revinclude(query: str, first: bool, searches: dict[str, str]) -> None:
    answer = ask(query, PATIENT, first=first)
    assert {next(iter(q.types)): shown(q.where) for q in answer.queries} == searches


def test_a_canonical_reference_is_found_by_url_and_version() -> None:
    param = Param("QuestionnaireResponse.questionnaire")
    rows = Rows(uris=[UriRow(param, "http://q|2"), UriRow(param, "http://r")])
    response = Subject("QuestionnaireResponse", "1", 0, rows)
    answer = ask("QuestionnaireResponse?_include=QuestionnaireResponse:questionnaire", response)
    (query,) = answer.queries
    assert query.types == {"Questionnaire"}
    assert shown(query.where) == (
        "any(Questionnaire.url exact http://r, "
        "all(Questionnaire.url exact http://q, Questionnaire.version = 2))"
    ) or shown(query.where) == (
        "any(all(Questionnaire.url exact http://q, Questionnaire.version = 2), "
        "Questionnaire.url exact http://r)"
    )


def test_what_is_there_already_is_not_wanted_again() -> None:
    link = refers("Patient", "p", link="Patient/p")
    assert not ask("Patient?_include:iterate=Patient:link", link)
