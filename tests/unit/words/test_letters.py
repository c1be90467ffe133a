"""Letters speak the language of the patient, at the clock of the place."""

from __future__ import annotations

import pytest

from careplane.telehealth.scheduling.notices.letters import Sender, letters

VISIT = {
    "resourceType": "Appointment",
    "id": "a",
    "status": "booked",
    "start": "2027-03-01T09:00:00+01:00",
    "end": "2027-03-01T09:30:00+01:00",
    "participant": [{"actor": {"reference": "Patient/p"}, "status": "accepted"}],
}


@pytest.mark.parametrize(
    ("language", "subject", "begins"),
    [
        (
            "en-US",
            "Your appointment",
            "You have an appointment on Monday, 1 March 2027, 09:00 (UTC",
        ),
        ("es-MX", "Su cita", "Tiene una cita el lunes, 1 de marzo de 2027, 09:00 (UTC+0100)."),
        ("de-DE", "Ihr Termin", "Sie haben einen Termin: Montag, 1. März 2027, 09:00 (UTC+0100)."),
        (
            "ar",
            "موعدك",
            "لديك موعد: \u2068الاثنين، 1 مارس 2027، 09:00 \u2068(UTC+0100)\u2069\u2069.",
        ),
        ("ja", "Your appointment", "You have an appointment on Monday"),
    ],
)
def test_a_letter_speaks_the_language_of_the_patient(
    language: str, subject: str, begins: str
) -> None:
    patient = {
        "resourceType": "Patient",
        "telecom": [{"system": "email", "value": "p@example.org"}],
        "communication": [{"language": {"coding": [{"code": language}]}}],
    }
    sender = Sender("https://clinic.example/fhir", "clinic@example.org", "Clinic")
    ((way, message),) = letters("booked", VISIT, 1, patient, sender, 0)
    assert (way, message.subject) == ("email", subject)
    assert message.text.startswith(begins)
