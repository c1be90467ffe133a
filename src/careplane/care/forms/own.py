"""Who fills forms as a patient, and whose forms those are."""

from __future__ import annotations

from typing import Final

from careplane.access.caller import Caller
from careplane.fhir.codec import envelope, json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden
from careplane.records.admission import Admit
from careplane.records.bodies import Content

_ANY_INSTANT: Final = "2020-01-01T00:00:00.000Z"


def is_patient(caller: Caller | None) -> bool:
    """Whether somebody acts as a patient, or for one, and not as staff."""
    return (
        caller is not None
        and caller.patient is not None
        and all(s.context == "patient" for s in caller.scopes)
    )


def require_own(caller: Caller, subject: str) -> None:
    """Raises Forbidden where a patient answers about somebody else, which the record of that person
    would then hold."""
    if is_patient(caller) and subject != f"Patient/{caller.patient}":
        raise Forbidden("A patient fills forms about themselves.")


def require_theirs(caller: Caller, current: Tree) -> None:
    """Raises Forbidden where a patient would change what staff have filled."""
    if not is_theirs(caller, current):
        raise Forbidden("Staff have filled this form: ask them to correct it.")


def is_theirs(caller: Caller | None, current: Tree) -> bool:
    """Whether a response may be changed by this caller: by patients and who acts for them, where
    one of them is its source; by staff always."""
    if not is_patient(caller):
        return True
    source = current.get("source")
    reference = str(source.get("reference")) if isinstance(source, dict) else ""
    return reference.startswith(("Patient/", "RelatedPerson/"))


def response(caller: Caller, content: Content) -> Content:
    """A QuestionnaireResponse before it is written, by whatever way. Raises Forbidden."""
    if is_patient(caller):
        tree = json.parse(
            envelope.join(content.type, content.id or "new", 1, _ANY_INSTANT, content.rest)
        )
        subject = tree.get("subject")
        require_own(caller, str(subject.get("reference")) if isinstance(subject, dict) else "")
        require_theirs(caller, tree)
    return content


ADMISSIONS: dict[str, Admit] = {"QuestionnaireResponse": response}
