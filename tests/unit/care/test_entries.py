"""Problems, allergies, immunizations: from a form to a resource, back, and what the form keeps."""

from __future__ import annotations

from datetime import date
from types import ModuleType
from typing import Any

import pytest

from careplane.care.lists import allergy, immunization, problem, team
from careplane.fhir.codec import json
from careplane.kernel.errors import Conflict, Incorrect
from careplane.records.bodies import accept
from careplane.search.extract import extract
from careplane.web.chart.entries import ENTRIES

TODAY = date(2026, 11, 28)
NOW = "2026-11-28T12:00:00.000Z"
BY = {"reference": "Practitioner/d", "display": "Dr. D"}
FULL: tuple[tuple[ModuleType, dict[str, str]], ...] = (
    (problem, {"what": "Asthma", "code": "195967001", "system": "http://snomed.info/sct",
               "status": "resolved", "certainty": "confirmed", "severity": "24484000",
               "onset": "2019", "end": "2025-03", "note": "mild since"}),
    (allergy, {"what": "Peanut", "code": "", "system": "", "status": "active",
               "certainty": "confirmed", "type": "allergy", "category": "food", "risk": "high",
               "severity": "severe", "reaction": "Hives", "onset": "2001-02-03",
               "note": "has a pen"}),
    (immunization, {"what": "Influenza", "code": "140", "system": "http://hl7.org/fhir/sid/cvx",
                    "status": "completed", "when": "2026-10-02", "lot": "A1", "site": "LA",
                    "route": "IM", "note": "none"}),
)  # fmt: skip


def make(of: ModuleType, sent: dict[str, str], before: dict[str, Any] | None = None) -> Any:
    return of.make(sent, before or {}, "p", BY, NOW, TODAY)


@pytest.mark.parametrize(("of", "sent"), FULL)
def test_a_form_comes_back_as_it_was(of: ModuleType, sent: dict[str, str]) -> None:
    tree = make(of, sent)
    assert of.fill(tree) == sent
    accept(extract, json.dump(tree), tree["resourceType"])
    assert make(of, sent, tree) == tree, "saved again unchanged, it is the same"


@pytest.mark.parametrize(("of", "sent"), FULL)
def test_what_the_form_does_not_show_stays(of: ModuleType, sent: dict[str, str]) -> None:
    before = {**make(of, sent), "encounter": {"reference": "Encounter/e"},
              "identifier": [{"value": "17"}]}  # fmt: skip
    before["note"] = [*before["note"], {"text": "second"}]
    after = make(of, {**sent, "note": "changed"}, before)
    assert after["identifier"] == before["identifier"]
    assert after["encounter"] == before["encounter"]
    assert [n["text"] for n in after["note"]] == ["changed", "second"]


@pytest.mark.parametrize(("of", "changed", "field"), [
    (problem, {"what": " ", "code": ""}, "what"),
    (problem, {"status": "nonsense"}, "status"),
    (problem, {"onset": "2027"}, "onset"),
    (problem, {"onset": "2019-13"}, "onset"),
    (problem, {"onset": "19"}, "onset"),
    (problem, {"status": "active"}, "end"),
    (problem, {"end": "2018"}, "end"),
    (allergy, {"risk": "extreme"}, "risk"),
    (allergy, {"reaction": ""}, "reaction"),
    (immunization, {"when": ""}, "when"),
    (immunization, {"site": "nose"}, "site"),
    (immunization, {"note": "x" * 2001}, "note"),
])  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(
    of: ModuleType, changed: dict[str, str], field: str
) -> None:
    sent = next(sent for one, sent in FULL if one is of)
    with pytest.raises(Incorrect) as refused:
        make(of, {**sent, **changed})
    assert field in {issue.where for issue in refused.value.issues}


def test_what_was_entered_in_error_has_no_clinical_status() -> None:
    for of, sent in FULL[:2]:
        tree = make(of, {**sent, "certainty": "entered-in-error", "end": ""})
        assert "clinicalStatus" not in tree
        accept(extract, json.dump(tree), tree["resourceType"])


def test_the_forms_have_the_fields_that_are_read() -> None:
    for (_, sent), entry in zip(FULL, ENTRIES.values(), strict=True):
        assert {field.name for field in entry.fields} == sent.keys() - {"what", "code", "system"}


def test_a_member_comes_once_and_leaves_with_a_day() -> None:
    one = team.added(team.new("p"), BY, "Doctor", "2026-11-28")
    with pytest.raises(Conflict):
        team.added(one, BY, "Surgeon", "2026-11-28")
    gone = team.removed(one, "Practitioner/d", "2026-11-29")
    assert team.present(gone) == []
    assert gone["participant"][0]["period"] == {"start": "2026-11-28", "end": "2026-11-29"}
    with pytest.raises(Conflict):
        team.removed(gone, "Practitioner/d", "2026-11-30")
    back = team.added(gone, BY, "", "2026-12-01")
    assert len(team.present(back)) == 1
