"""Who fills forms as a patient, and whose forms those are."""

from __future__ import annotations

from careplane.access.caller import Caller, acts_as_patient
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden
from careplane.records.admission import Admit, Keep, said
from careplane.records.bodies import Content
from careplane.storage.ports.records import Version


def require_own(caller: Caller, subject: str) -> None:
    """Raises Forbidden where a patient answers about somebody else, which the record of that person
    would then hold."""
    if acts_as_patient(caller) and subject != f"Patient/{caller.patient}":
        raise Forbidden("A patient fills forms about themselves.")


def require_theirs(caller: Caller, current: Tree) -> None:
    """Raises Forbidden where a patient would change what staff have filled."""
    if not is_theirs(caller, current):
        raise Forbidden("Staff have filled this form: ask them to correct it.")


def is_theirs(caller: Caller | None, current: Tree) -> bool:
    """Whether a response may be changed by this caller: by patients and who acts for them, where
    one of them is its source; by staff always."""
    if caller is None or not acts_as_patient(caller):
        return True
    source = current.get("source")
    reference = str(source.get("reference")) if isinstance(source, dict) else ""
    return reference.startswith(("Patient/", "RelatedPerson/"))


def response(caller: Caller, content: Content) -> Content:
    """A QuestionnaireResponse before it is written, by whatever way. Raises Forbidden."""
    if acts_as_patient(caller):
        tree = said(content)
        subject = tree.get("subject")
        require_own(caller, str(subject.get("reference")) if isinstance(subject, dict) else "")
        require_theirs(caller, tree)
    return content


def kept(caller: Caller, current: Version | None, content: Content | None) -> None:
    """Raises Forbidden where a patient would change, or delete, what staff have filled."""
    if current is not None and acts_as_patient(caller):
        require_theirs(caller, said(current))


ADMISSIONS: dict[str, Admit] = {"QuestionnaireResponse": response}
KEEPS: dict[str, Keep] = {"QuestionnaireResponse": kept}
