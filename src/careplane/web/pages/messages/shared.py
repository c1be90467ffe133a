"""What all pages of messages share: who asks, and what went wrong in words."""

from __future__ import annotations

from careplane.access.caller import Caller
from careplane.kernel.errors import CareplaneError, Conflict, Forbidden, TooMany
from careplane.records.files.refusal import FileRefused, Why
from careplane.telehealth.messages.parties import Asker, Party
from careplane.telehealth.messages.reading import Message
from careplane.telehealth.messages.thread import Thread
from careplane.web.chart.banner import Person
from careplane.web.i18n import mark
from careplane.web.pages.people_of import people
from careplane.web.say.dates import say_time
from careplane.web.talk import Talk
from careplane.web.visit import Visit

WRONG: dict[str, str] = {
    "subject": mark("Say what it is about, in 200 characters at most."),
    "text": mark("Write a message, of 10,000 characters at most."),
    "note": mark("Write a note of 10,000 characters at most."),
    "topic": mark("Choose one of the topics."),
    "to": mark("Choose somebody to write to."),
    "files": mark("The files are too many or too large. Attach 10 at most, and smaller ones."),
}
"""What is wrong with a field, by its name."""
FILES: dict[Why, str] = {
    Why.EMPTY: mark("A file is empty. Choose another one."),
    Why.UNKNOWN: mark("A file is of a kind that cannot be told. Send it as PDF or as an image."),
    Why.OTHER: mark("A file is of a kind that is not taken. Send it as PDF or as an image."),
    Why.ACTIVE: mark("A file holds a script or markup, and is not taken."),
    Why.TYPE: mark("A file is something else than it says. Send it as what it is."),
    Why.ENDING: mark("A file has the ending of another kind. Send it under its right name."),
    Why.MIXED: mark("A file holds something else besides. Save it anew, and send that."),
    Why.DAMAGED: mark("A file is damaged. Save it anew, and send that."),
}
"""Why a file was not taken."""
_KINDS: tuple[tuple[type[CareplaneError], str], ...] = (
    (
        TooMany,
        mark(
            "You have sent many messages within a short time. Wait a while, or call the practice "
            "if it is urgent."
        ),
    ),
    (
        Conflict,
        mark("Somebody has changed this meanwhile. Look at how it stands now, then decide again."),
    ),
    (Forbidden, mark("Your role does not allow this.")),
)


def talk_of(visit: Visit) -> tuple[Talk, Caller]:
    """Behind `signed_in`, where there are messages."""
    assert visit.web.talk is not None
    assert visit.caller is not None
    return visit.web.talk, visit.caller


async def patient_named(visit: Visit, id: str) -> Person | None:
    """Of a form or an address; None where nobody is named, or nobody whom the caller sees."""
    return (await people(visit, [f"Patient/{id}"])).get(f"Patient/{id}") if id else None


async def said_in(visit: Visit, asker: Asker, head: Thread) -> list[Message] | None:
    """The messages of a thread; they are read from now on. None where this visitor may search for
    none at all: the head of the thread may be for them even so."""
    talk, caller = talk_of(visit)
    try:
        messages = await talk.reading.messages(caller, asker, head.id)
    except Forbidden:
        return None
    await talk.messages.receive(caller, asker, [one.tree for one in messages])
    return messages


def wrong(error: CareplaneError) -> dict[str, str]:
    """What went wrong, by field; under an empty name what is of no field."""
    if isinstance(error, FileRefused):
        return {"files": FILES[error.why]}
    found = {i.where: WRONG[i.where] for i in error.issues if i.where in WRONG}
    if found:
        return found
    words = (text for kind, text in _KINDS if isinstance(error, kind))
    return {"": next(words, error.text)}


def file_address(patient: str, reference: str) -> str:
    """Where a document is shown: in the patient's chart."""
    type, _, id = reference.partition("/")
    if type == "DocumentReference" and patient.startswith("Patient/"):
        return f"/patients/{patient.partition('/')[2]}/documents/{id}"
    return f"/records/{type}/{id}"


def named_readers(readers: list[tuple[Party, str]]) -> str:
    """Names of who has read a message, with when."""
    return ", ".join(f"{one.name or one.reference} ({say_time(at)})" for one, at in readers)
