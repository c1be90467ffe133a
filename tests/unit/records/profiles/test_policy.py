"""The policy of profiles, as an operator writes it."""

from __future__ import annotations

import pytest

from careplane.kernel.errors import Incorrect
from careplane.records.profiles.policy import OFF, Mode, Rule, parse

URL = "http://a.test/StructureDefinition/p"


@pytest.mark.parametrize(
    ("text", "type", "expected"),
    [
        ("", "Patient", OFF),
        (" , ", "Patient", OFF),
        ("*=warn", "Patient", Rule(Mode.WARN)),
        ("*=warn,Patient=off", "Patient", OFF),
        ("*=warn, Patient=enforce", "Patient", Rule(Mode.ENFORCE)),
        ("*=warn,Patient=enforce", "Observation", Rule(Mode.WARN)),
        ("Patient=enforce", "Observation", OFF),
        (f"Patient=warn:{URL}", "Patient", Rule(Mode.WARN, (URL,))),
        (
            f"Patient=warn:{URL}|6.1.0  {URL}2",
            "Patient",
            Rule(Mode.WARN, (f"{URL}|6.1.0", f"{URL}2")),
        ),
    ],
)
def test_what_is_done_with_a_type(text: str, type: str, expected: Rule) -> None:
    assert parse(text).of(type) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("warn", "begins with a resource type"),
        ("Patients=warn", "begins with a resource type"),
        ("Patient", "begins with a resource type"),
        ("Patient=strict", "is no mode: use off, warn, enforce"),
        ("Patient=warn,Patient=off", "stands twice"),
        ("*=warn,*=off", "stands twice"),
        (f"*=warn:{URL}", "declared for a type"),
        ("Patient=warn:us-core-patient", "is no canonical URL"),
        ("Patient=warn:" + "x" * 20_000, "10000 characters"),
    ],
)
def test_what_cannot_be_done_is_said(text: str, said: str) -> None:
    with pytest.raises(Incorrect, match=said):
        parse(text)
