"""Why a file was refused, in the words of the page."""

from __future__ import annotations

from careplane.kernel.errors import Invalid
from careplane.records.files.refusal import FileRefused, Why
from careplane.web.i18n import mark
from careplane.web.say.problems import Problem
from careplane.web.uploads import said

_WORDS: dict[Why, str] = {
    Why.EMPTY: mark("The file is empty. Choose another one."),
    Why.UNKNOWN: mark(
        "What kind of file this is cannot be told. Save it as PDF or as an image, and send that."
    ),
    Why.OTHER: mark(
        "The file is %(found)s, which is not taken. Save it as PDF or as an image, and send that."
    ),
    Why.ACTIVE: mark(
        "The file holds markup or a script that a browser could run. It is not taken."
    ),
    Why.TYPE: mark(
        "The file says that it is %(said)s, but its content is %(found)s. Send the file as what "
        "it is."
    ),
    Why.ENDING: mark(
        "The name of the file ends in .%(said)s, but its content is %(found)s. Send the file under "
        "its right name."
    ),
    Why.MIXED: mark(
        "The file is %(found)s and holds something else besides. Save it anew, and send that."
    ),
    Why.DAMAGED: mark(
        "The file is not whole, or damaged: %(found)s was expected. Save it anew, and send that."
    ),
}


def said_of(error: FileRefused) -> Problem:
    """The reason next to the field."""
    values: dict[str, str | int] = {"said": error.said, "found": error.found}
    wanted = {name: value for name, value in values.items() if f"%({name})s" in _WORDS[error.why]}
    return Problem(_WORDS[error.why], wanted)


def too_large(largest: int) -> Problem:
    """More than is taken."""
    return Problem(
        mark("The file is too large. A file has %(largest)s at most."), {"largest": said(largest)}
    )


def not_stored(error: Invalid) -> Problem:
    """What the door says of a file, such as that it holds malware."""
    return Problem(mark("The file was not stored: %(reason)s"), {"reason": error.text})
