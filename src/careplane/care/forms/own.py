"""Who fills forms as a patient, and whose forms those are."""

from __future__ import annotations

from typing import Final

from careplane.access.caller import Caller, acts_as_patient
from careplane.fhir.codec import envelope, json
from careplane.kernel.errors import Forbidden
from careplane.records.admission import Admit
from careplane.records.bodies import Content

_ANY_INSTANT: Final = "2020-01-01T00:00:00.000Z"


def require_own(caller: Caller, subject: str) -> None:
    """Raises Forbidden where a patient answers about somebody else, which the record of that person
    would then hold."""
    if acts_as_patient(caller) and subject != f"Patient/{caller.patient}":
        raise Forbidden("A patient fills forms about themselves.")


def response(caller: Caller, content: Content) -> Content:
    """A QuestionnaireResponse before it is written, by whatever way. Raises Forbidden."""
    if acts_as_patient(caller):
        tree = json.parse(
            envelope.join(content.type, content.id or "new", 1, _ANY_INSTANT, content.rest)
        )
        subject = tree.get("subject")
        require_own(caller, str(subject.get("reference")) if isinstance(subject, dict) else "")
    return content


ADMISSIONS: dict[str, Admit] = {"QuestionnaireResponse": response}
