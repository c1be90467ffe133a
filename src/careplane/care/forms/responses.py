"""The QuestionnaireResponse and the Task as values: made, changed, never written here."""

from __future__ import annotations

from typing import Final

from careplane.access.caller import Caller
from careplane.care.forms import names
from careplane.care.forms.definition import Form
from careplane.care.forms.own import require_theirs
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import objects
from careplane.kernel.errors import Conflict, Precondition
from careplane.records import courses
from careplane.records.courses import Course, Side, Step, moves

_AUTHORS: Final = frozenset(
    {"Device", "Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Organization"}
)
_SOURCES: Final = frozenset({"Patient", "Practitioner", "PractitionerRole", "RelatedPerson"})
OPEN: Final = frozenset({"requested", "received", "accepted", "ready", "in-progress"})
"""States of a Task that asks for a form which is not there yet."""
_TO_FILL: Final = tuple(one for one in courses.OPEN if one != "in-progress")
COURSE: Final = Course(
    (
        *moves(Side.STAFF, _TO_FILL),
        Step(_TO_FILL, "in-progress", Side.ANYBODY, output="QuestionnaireResponse"),
        Step(("in-progress",), "completed", Side.ANYBODY, output="QuestionnaireResponse"),
        Step(courses.OPEN, "cancelled", Side.STAFF),
    )
)
"""Of a Task that asks for a form: it comes to a response, or is asked for no more."""


def begun(form: Form, caller: Caller, patient: str, now: str) -> Tree:
    """A response as it begins, without its items."""
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": form.canonical,
        "status": "in-progress",
        "subject": {"reference": f"Patient/{patient}"},
        "authored": now,
        **who(caller),
    }


def who(caller: Caller) -> Tree:
    """Who writes the answers, and whose they are."""
    type = caller.id.partition("/")[0]
    said: Tree = {"reference": caller.id, "display": caller.name}
    return {
        **({"author": said} if type in _AUTHORS else {}),
        **({"source": said} if type in _SOURCES and type != "Practitioner" else {}),
    }


def is_draft(response: Tree) -> bool:
    return response.get("status") == "in-progress"


def changed(
    response: Tree | None, version: int, items: list[Tree], status: str, caller: Caller, now: str
) -> Tree:
    """The response with other answers. Raises Conflict where it is no more what was seen: another
    version, or of a state in which it cannot become what it shall."""
    if response is None:
        raise Conflict("This form cannot be changed, or is not here any more.")
    if str(response.get("meta", {}).get("versionId")) != str(version):
        raise Precondition("Somebody has changed this form in the meantime.")
    require_theirs(caller, response)
    before = response.get("status")
    allowed = {"in-progress": {"in-progress"}, "completed": {"in-progress"}}
    if before not in allowed.get(status, {"completed", "amended"}):
        raise Conflict("This form is completed: it can be amended, and no longer be a draft.")
    kept = {name: value for name, value in response.items() if name != "item"}
    items = items or []
    authored = {} if status == "amended" else who(caller)
    return {
        **kept,
        **authored,
        "status": status,
        "authored": now,
        **({"item": items} if items else {}),
    }


def discarded(response: Tree | None, version: int, caller: Caller) -> Tree:
    """A draft that nobody wants (`stopped`): it stays on record. Raises Conflict, Forbidden."""
    if response is None or not is_draft(response):
        raise Conflict("Only a draft can be discarded.")
    if str(response.get("meta", {}).get("versionId")) != str(version):
        raise Precondition("Somebody has changed this form in the meantime.")
    require_theirs(caller, response)
    return {**response, "status": "stopped"}


def asked(form: Form, patient: str, caller: Caller, due: str, note: str, now: str) -> Tree:
    """A Task that asks a patient to fill a form."""
    period = {"restriction": {"period": {"end": due}}} if due else {}
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": names.TASK_CODES, "code": names.FILL}]},
        "description": form.title("") or "A form",
        "focus": {"reference": f"Questionnaire/{form.tree['id']}"},
        "for": {"reference": f"Patient/{patient}"},
        "owner": {"reference": f"Patient/{patient}"},
        "requester": {"reference": caller.id, "display": caller.name},
        "authoredOn": now,
        "lastModified": now,
        **period,
        **({"note": [{"text": note}]} if note else {}),
    }


def is_asking(task: Tree) -> bool:
    """Whether a Task asks for a form."""
    codings = objects(task.get("code", {}).get("coding"))
    return any((o.get("system"), o.get("code")) == (names.TASK_CODES, names.FILL) for o in codings)


def output(task: Tree) -> str:
    """The response that a Task has come to, such as `QuestionnaireResponse/17`; empty before."""
    for one in objects(task.get("output")):
        reference = one.get("valueReference", {}).get("reference", "")
        if reference.startswith("QuestionnaireResponse/"):
            return str(reference)
    return ""


def taken_up(task: Tree, response: str, now: str) -> Tree:
    """The Task once somebody has begun to fill the form."""
    coding = {"system": names.TASK_CODES, "code": "response"}
    made = {
        "type": {"coding": [coding]},
        "valueReference": {"reference": f"QuestionnaireResponse/{response}"},
    }
    return {**task, "status": "in-progress", "lastModified": now, "output": [made]}


def done(task: Tree, now: str) -> Tree:
    """The Task once the form is completed."""
    return {**task, "status": "completed", "lastModified": now}


def withdrawn(task: Tree | None, now: str) -> Tree:
    """A Task that asks no more. Raises Conflict."""
    if task is None or not is_asking(task) or task.get("status") not in OPEN:
        raise Conflict("This form is not asked for any more.")
    return {**task, "status": "cancelled", "lastModified": now}
