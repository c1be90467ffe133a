"""How values of data types are said."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from careplane.web.say.browsers import say_browser
from careplane.web.say.dates import age, day_of, say_date, say_period, say_time, seconds_of
from careplane.web.say.elements import label, say_choice, walk
from careplane.web.say.types import TYPES


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1952-01-17", "17-Jan-1952"),
        ("1952-01", "Jan-1952"),
        ("1952", "1952"),
        ("2026-11-24T07:12:30+00:00", "24-Nov-2026 07:12"),
        ("2026-11-24T07:12:30.125Z", "24-Nov-2026 07:12"),
        ("2026-13-01", "2026-13-01"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_times(value: str, said: str) -> None:
    assert say_time(value) == said
    assert say_date(value) == said.partition(" ")[0]


@pytest.mark.parametrize(
    ("born", "on", "said"),
    [
        ("2026-11-20", date(2026, 11, 24), "4d"),
        ("2026-06-01", date(2026, 11, 24), "25w"),
        ("2025-06-24", date(2026, 11, 24), "17m"),
        ("2025-06-25", date(2026, 11, 24), "16m"),
        ("2018-12-05", date(2026, 11, 24), "7y 11m"),
        ("1957-11-24", date(2026, 11, 24), "69y"),
        ("1957-11-25", date(2026, 11, 24), "68y"),
        ("2004-02-29", date(2026, 2, 28), "21y"),
        ("1957", date(2026, 11, 24), "69y"),
        ("2030-01-01", date(2026, 11, 24), ""),
        ("", date(2026, 11, 24), ""),
    ],
)
def test_ages(born: str, on: date, said: str) -> None:
    assert age(born, on) == said


def test_periods() -> None:
    day = "2026-11-24"
    assert say_period({"start": f"{day}T09:00:00Z", "end": f"{day}T09:30:00Z"}) == (
        "24-Nov-2026 09:00 – 09:30"
    )
    assert say_period({"start": "2020-01-01"}) == "01-Jan-2020 –"
    assert say_period({"end": "2020-01-01"}) == "– 01-Jan-2020"


def test_impossible_times_have_no_place_on_an_axis() -> None:
    assert seconds_of("2026-02-31") is None
    assert day_of("2026-02-31") is None
    assert seconds_of("1970-01-02") == 86400


@pytest.mark.parametrize(
    ("type", "value", "said"),
    [
        ("CodeableConcept", {"text": "Asthma", "coding": [{"display": "Asthma (disorder)"}]},
         "Asthma"),
        ("CodeableConcept", {"coding": [{"code": "195967001"}]}, "195967001"),
        ("CodeableConcept", {}, ""),
        ("Quantity", {"value": Decimal("1.00"), "unit": "mg/dL"}, "1.00 mg/dL"),
        ("Quantity", {"value": 5, "comparator": "<=", "code": "mg"}, "≤5 mg"),
        ("Range", {"low": {"value": 1}, "high": {"value": 2, "unit": "mg"}}, "1 – 2 mg"),
        ("Ratio", {"numerator": {"value": 1}, "denominator": {"value": 128}}, "1 / 128"),
        ("HumanName", {"family": "O'Keefe", "given": ["Ann", "B"]}, "O'KEEFE, Ann B"),
        ("HumanName", {"family": "Müller", "given": ["Jörg"], "prefix": ["Dr."]},
         "MÜLLER, Jörg (Dr.)"),
        ("HumanName", {"text": "ليلى حداد", "family": "حداد", "given": ["ليلى"]}, "ليلى حداد"),
        ("HumanName", {"family": "佐藤", "given": ["健一"]}, "佐藤 健一"),
        ("HumanName", {"text": "Plato"}, "Plato"),
        ("Address", {"line": ["1 Main St"], "city": "Boston", "country": "US"},
         "1 Main St, Boston, US"),
        ("ContactPoint", {"value": "555", "system": "phone", "use": "home"},
         "555 (At home, Phone)"),
        ("Identifier", {"type": {"text": "MRN"}, "value": "17"}, "MRN: 17"),
        ("Reference", {"reference": "Patient/1"}, "Patient/1"),
        ("Reference", {"identifier": {"value": "17"}}, "17"),
        ("Timing", {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}, "2 × every day"),
        ("Timing", {"repeat": {"frequency": 1, "period": 6, "periodUnit": "h"}},
         "1 × every 6 hours"),
        ("Dosage", {"asNeededBoolean": True, "doseAndRate": [{"doseQuantity": {"value": 1}}]},
         "1, as needed"),
        ("boolean", False, "no"),
        ("Money", {"value": Decimal("9.90"), "currency": "EUR"}, "9.90 EUR"),
    ],
)  # fmt: skip
def test_types(type: str, value: Any, said: str) -> None:
    assert TYPES[type](value) == said


def test_labels_are_words() -> None:
    assert label("onsetDateTime") == "Onset date time"
    assert label("clinical-status".replace("-", " ")) == "Clinical status"


def test_a_choice_is_found_by_its_name() -> None:
    assert say_choice({"valueString": "clear"}, "value") == "clear"
    assert say_choice({"valueCodeableConcept": {"text": "clear"}}, "value") == "clear"
    assert say_choice({"values": 1}, "value") == ""
    tree = {"effectiveDateTime": "2026-01-01", "component": [{"valueInteger": 3}]}
    assert walk("Observation", tree, "effective") == [("dateTime", "2026-01-01")]
    assert walk("Observation", tree, "component.value") == [("integer", 3)]
    assert walk("Observation", tree, "nonsense.value") == []


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox, Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 "
            "Safari/537.36 Edg/140.0",
            "Edge, Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
            "Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari, iPhone",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("x" * 200, "x" * 60),
        ("", ""),
    ],
)
def test_a_browser_in_two_words(agent: str, words: str) -> None:
    assert say_browser(agent) == words
