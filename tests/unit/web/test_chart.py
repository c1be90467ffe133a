"""Banner, lists, timeline, outline and columns, as values."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.web.chart import lists, timeline
from careplane.web.chart.banner import person
from careplane.web.chart.outline import outline, record_path
from careplane.web.pages.columns import cells, columns, filters

TODAY = date(2026, 11, 24)
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "meta": {"security": [{"code": "HTEST"}]},
    "name": [
        {"use": "maiden", "family": "Old", "given": ["Ann"]},
        {"use": "official", "family": "New", "given": ["Ann"]},
    ],
    "identifier": [
        {"value": "other"},
        {"type": {"coding": [{"code": "MR"}]}, "value": "A-VERY-LONG-NUMBER-THAT-STAYS-WHOLE-1"},
    ],
    "birthDate": "1952-01-17",
}


def test_the_banner_names_the_official_name_and_the_whole_number() -> None:
    one = person(PATIENT, TODAY)
    assert one.name.text == "NEW, Ann"
    assert (one.born, one.age, one.gender) == ("17-Jan-1952", "74y", "Not recorded")
    assert (one.identifier_label, one.identifier) == (
        "MRN",
        "A-VERY-LONG-NUMBER-THAT-STAYS-WHOLE-1",
    )
    assert one.synthetic


def test_an_arabic_name_runs_from_right_to_left_beside_its_latin_form() -> None:
    names = [
        {"use": "official", "text": "ليلى حداد", "family": "حداد", "given": ["ليلى"]},
        {"use": "usual", "family": "Haddad", "given": ["Layla"]},
    ]
    spoken = [{"language": {"coding": [{"code": "ar"}]}, "preferred": True}]
    one = person(PATIENT | {"name": names, "communication": spoken}, TODAY)
    assert (one.name.direction, one.name.language) == ("rtl", "ar")
    assert one.other
    assert one.other.text == "HADDAD, Layla"


def test_an_empty_patient_has_a_banner() -> None:
    one = person({"resourceType": "Patient", "id": "x"}, TODAY)
    assert (one.name.text, one.identifier, one.identifier_label) == ("—", "x", "Record id")


def test_the_age_stops_at_death() -> None:
    assert person(PATIENT | {"deceasedDateTime": "2000-01-18"}, TODAY).age == "48y"
    assert person(PATIENT | {"deceasedBoolean": True}, TODAY).died == "yes"


def drug(title: str, when: str, status: str = "active") -> lists.Row:
    return lists.medication(
        {
            "resourceType": "MedicationRequest",
            "id": when,
            "status": status,
            "medicationCodeableConcept": {"text": title},
            "authoredOn": when,
        }
    )


def test_a_drug_that_was_ordered_again_stands_once_among_the_current_ones() -> None:
    rows = [drug("A", "2020-01-01"), drug("A", "2021-01-01"), drug("B", "2019-01-01", "stopped")]
    active, past = lists.current(rows)
    assert [(row.title, row.id) for row in active] == [("A", "2021-01-01")]
    assert [row.title for row in past] == ["B"]


def test_an_allergy_of_high_criticality_is_grave_and_comes_first() -> None:
    def allergy(name: str, critical: str) -> dict[str, Any]:
        return {"resourceType": "AllergyIntolerance", "code": {"text": name}} | (
            {"criticality": critical} if critical else {}
        )

    rows = [lists.allergy(allergy(n, c)) for n, c in (("a", ""), ("b", "high"), ("c", "low"))]
    active, _ = lists.current(rows)
    assert active[0].title == "b"
    assert active[0].grave
    assert active[0].extra == "High risk"


def test_the_timeline_groups_by_day_and_leaves_out_what_has_no_time() -> None:
    trees = [
        {"resourceType": "Procedure", "id": "1", "performedDateTime": "2026-01-02T10:00:00Z"},
        {"resourceType": "Encounter", "id": "2", "period": {"start": "2026-01-02T09:00:00Z"}},
        {"resourceType": "Immunization", "id": "3", "occurrenceDateTime": "2026-02-02"},
        {"resourceType": "Procedure", "id": "4"},
    ]
    days = timeline.days(trees)
    assert [(day.date, [event.id for event in day.events]) for day in days] == [
        ("02-Feb-2026", ["3"]),
        ("02-Jan-2026", ["2", "1"]),
    ]


def test_an_outline_follows_the_definition_and_links_records() -> None:
    tree = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Weight"},
        "subject": {"reference": "Patient/p"},
        "valueQuantity": {"value": 3, "unit": "kg"},
        "_effectiveDateTime": {"extension": [{"url": "x", "valueCode": "unknown"}]},
        "component": [{"code": {"text": "Part"}, "valueString": "good"}],
        "extension": [{"url": "http://example.org/e", "valueString": "more"}],
        "contained": [{"resourceType": "Patient", "id": "in", "gender": "male"}],
    }
    nodes = {node.label: node for node in outline(tree)}
    assert next(iter(nodes)) == "Extension: e"
    assert nodes["Subject"].href == "/records/Patient/p"
    assert nodes["Value"].text == "3 kg"
    assert nodes["Effective"].text == "(not given)"
    assert [part.text for part in nodes["Component"].parts] == ["Part", "good"]
    assert nodes["Patient #in"].parts[0].text == "male"


def test_a_note_can_be_read() -> None:
    attachment = {"contentType": "text/plain; charset=utf-8", "title": "Call", "data": "w6kgb2s="}
    (node,) = outline(
        {"resourceType": "DocumentReference", "content": [{"attachment": attachment}]}
    )
    assert [part.text for part in node.parts[0].parts] == [
        "Call · text/plain; charset=utf-8",
        "é ok",
    ]
    attachment["data"] = "%%%"
    (node,) = outline(
        {"resourceType": "DocumentReference", "content": [{"attachment": attachment}]}
    )
    assert node.parts[0].text.startswith("Call")


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("Patient/1", "/records/Patient/1"),
        ("Patient/1/_history/2", "/records/Patient/1"),
        ("#in", ""),
        ("urn:uuid:1", ""),
        ("https://example.org/Patient/1", ""),
        ("javascript:alert(1)", ""),
        ("Nothing/1", ""),
    ],
)
def test_only_relative_references_to_records_are_links(reference: str, path: str) -> None:
    assert record_path(reference) == path


@pytest.mark.parametrize("type", RESOURCE_TYPES)
def test_every_type_has_columns_that_can_be_read(type: str) -> None:
    assert len(cells(type, {"resourceType": type})) == len(columns(type)) <= 6
    assert all(filter.code for filter in filters(type))


def test_columns_are_the_telling_ones() -> None:
    assert [column.code for column in columns("Observation")][:4] == [
        "code", "subject", "status", "date",
    ]  # fmt: skip
    row = cells("Observation", {"code": {"text": "Weight"}, "effectiveDateTime": "2026-01-01"})
    assert row[0] == "Weight"
    assert row[3] == "01-Jan-2026"
