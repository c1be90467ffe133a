"""Errors carry an issue, ids are FHIR ids in order of time, instants are FHIR instants."""

import re

import pytest

from careplane.kernel import clock, errors, ids


def test_every_error_reports_at_least_one_issue() -> None:
    error = errors.Gone("Patient/1 has been deleted.")
    assert error.issues == (errors.Issue("error", "deleted", "Patient/1 has been deleted."),)


def test_new_ids_are_fhir_ids_and_sort_by_time() -> None:
    made = [ids.new_id() for _ in range(50)]
    assert len(set(made)) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9.\-]{1,64}", one) for one in made)
    assert [one[:13] for one in made] == sorted(one[:13] for one in made)


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (1_700_000_000_123_999, "2023-11-14T22:13:20.123Z")],
)
def test_instants(micros: int, text: str) -> None:
    assert clock.format_instant(micros) == text


@pytest.mark.parametrize(
    ("where", "moved"),
    [
        ("Patient.name[0]", "Bundle.entry[2].resource.name[0]"),
        ("Patient", "Bundle.entry[2].resource"),
        ("", "Bundle.entry[2].resource"),
    ],
)
def test_an_issue_moves_under_another_element(where: str, moved: str) -> None:
    issue = errors.Issue("error", "value", "no", where)
    assert issue.under("Bundle.entry[2].resource").where == moved
