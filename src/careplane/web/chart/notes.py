"""A note as its page and its form show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from careplane.care.notes import note
from careplane.care.notes.note import Section
from careplane.care.notes.templates import Part
from careplane.fhir.tree import Tree
from careplane.web.chart.filed import Names, authors
from careplane.web.say import types
from careplane.web.say.dates import say_time


@dataclass(frozen=True, slots=True)
class Note:
    """`sections` with their text as it was typed; `parts` of its template are among those of a
    draft. `appends` is the id of the note to which it is an addendum."""

    id: str
    patient: str
    version: int
    title: str
    kind: str
    when: str
    authors: str
    encounter: str
    sections: list[Section]
    draft: bool
    mine: bool
    wrong: bool
    ours: bool
    amended: bool
    appends: str


def shown(tree: Tree, me: str, names: Names, parts: Sequence[Part] = ()) -> Note:
    """A Composition."""
    subject = str(tree.get("subject", {}).get("reference", ""))
    return Note(
        str(tree["id"]), subject.removeprefix("Patient/"), int(tree["meta"]["versionId"]),
        str(tree.get("title", "")), types.concept(tree.get("type", {})),
        say_time(str(tree.get("date", ""))), authors(tree, names),
        str(tree.get("encounter", {}).get("reference", "")), note.sections(tree, parts),
        note.is_draft(tree), note.is_by(tree, me), tree.get("status") == note.WRONG,
        note.is_ours(tree), tree.get("status") == "amended",
        note.appended_to(tree).rpartition("/")[2],
    )  # fmt: skip
