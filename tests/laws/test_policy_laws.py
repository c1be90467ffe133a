"""The law of policies: as a plan they mean what Cedar's own engine says of each record."""

from __future__ import annotations

import json
from collections.abc import Iterable

from hypothesis import given, settings

from careplane.access.scopes import Permission
from careplane.records.bodies import accept
from careplane.search.extract import extract
from careplane.search.match import Subject, matches
from tests.fhir_house import policies_with
from tests.policy_house import RECORDS, Case, cases

SUBJECTS = {
    key: Subject(
        record["resourceType"],
        record["id"],
        0,
        accept(extract, json.dumps(record).encode(), record["resourceType"]).rows,
    )
    for key, record in RECORDS.items()
}


class _World:
    def resource(self, type: str, id: str) -> Subject | None:
        return SUBJECTS.get(f"{type}/{id}")

    def referring(self, source: str, type: str, id: str) -> Iterable[Subject]:
        return (subject for subject in SUBJECTS.values() if subject.type == source)


@settings(max_examples=150, deadline=None)
@given(cases)
def test_a_plan_means_what_cedar_says(case: Case) -> None:
    policies = policies_with(case.files())
    for permission in (Permission.READ, Permission.SEARCH, Permission.CREATE):
        action = permission.name.lower()
        verdicts = case.by_policies(action, list(RECORDS.values()))
        for (key, subject), verdict in zip(SUBJECTS.items(), verdicts, strict=True):
            node = policies.restriction(case.caller(), permission, subject.type)
            assert matches(node, subject, _World()) == verdict, (key, action, case)
