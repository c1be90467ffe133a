"""Why a file was not taken, for who sent it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from careplane.kernel.errors import Invalid


class Why(StrEnum):
    """What is wrong with a file."""

    EMPTY = "empty"
    UNKNOWN = "unknown"
    OTHER = "other"
    ACTIVE = "active"
    TYPE = "type"
    ENDING = "ending"
    MIXED = "mixed"
    DAMAGED = "damaged"


WORDS: dict[Why, str] = {
    Why.EMPTY: "The file is empty. Choose another one.",
    Why.UNKNOWN: "What kind of file this is cannot be told. Save it as PDF or as an image, and "
    "send that.",
    Why.OTHER: "The file is {found}, which is not taken. Save it as PDF or as an image, and send "
    "that.",
    Why.ACTIVE: "The file holds markup or a script that a browser could run. It is not taken.",
    Why.TYPE: "The file says that it is {said}, but its content is {found}. Send the file as what "
    "it is.",
    Why.ENDING: "The name of the file ends in .{said}, but its content is {found}. Send the file "
    "under its right name.",
    Why.MIXED: "The file is {found} and holds something else besides. Save it anew, and send that.",
    Why.DAMAGED: "The file is not whole, or damaged: {found} was expected. Save it anew, and send "
    "that.",
}


@dataclass(eq=False)
class FileRefused(Invalid):
    """A file that is not taken. `said` is what was claimed, `found` what its bytes are; neither
    holds anything of the patient."""

    why: Why = Why.UNKNOWN
    said: str = ""
    found: str = ""


def refused(why: Why, *, said: str = "", found: str = "") -> FileRefused:
    text = WORDS[why].format(said=said, found=found)
    return FileRefused(text, why=why, said=said, found=found)
