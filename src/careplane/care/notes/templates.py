"""Templates of notes: Questionnaires whose items are the sections.

Those that ship are files beside this one. An institution adds its own as active Questionnaires with
the useContext `note-template`: `code` is the type of document, each item a section with its LOINC
code, its title and, as `initial`, what stands there to begin with. `{problems}` and the like are
filled from the record (`filling`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from careplane.care.notes.names import ADDENDUM, LOINC, NO_CODE, NOTE_TEMPLATE, USE
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree

SHIPPED = ("soap", "progress", "phone", "after-visit", "discharge")
_MOST = 30


@dataclass(frozen=True, slots=True)
class Part:
    """A section: how it is called in forms, its code (a Coding, or none), its title, and what
    stands there to begin with."""

    key: str
    code: Tree | None
    title: str
    begin: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """`key` names it in the note: of a shipped one `soap`, of others `Questionnaire/17`."""

    key: str
    title: str
    code: Tree
    parts: tuple[Part, ...]


@cache
def shipped(key: str) -> Template:
    """One of `SHIPPED`."""
    text = files("careplane.care.notes").joinpath(f"shipped/{key}.json").read_bytes()
    found = of(json.parse(text), key)
    assert found is not None
    return found


def of(tree: Tree, key: str = "") -> Template | None:
    """The template that a Questionnaire is; None where it is none, or lacks what one must have."""
    coded = [c for c in tree.get("code", ()) if c.get("code")]
    sections = [i for i in tree.get("item", ()) if i.get("type") in ("text", "string")]
    if not _is_template(tree) or not coded or not sections:
        return None
    parts = tuple(_part(item, n) for n, item in enumerate(sections[:_MOST]))
    title = str(tree.get("title") or coded[0].get("display") or coded[0]["code"])
    return Template(key or f"Questionnaire/{tree.get('id', '')}", title, coded[0], parts)


def addendum() -> Template:
    """What is added to a signed note."""
    code, title = ADDENDUM
    part = Part(f"{NO_CODE}0", None, "Addendum")
    coding: Tree = {"system": LOINC, "code": code, "display": title}
    return Template("addendum", "Addendum", coding, (part,))


def _is_template(tree: Tree) -> bool:
    return tree.get("status") == "active" and any(
        coding.get("system") == USE and coding.get("code") == NOTE_TEMPLATE
        for use in tree.get("useContext", ())
        for coding in use.get("valueCodeableConcept", {}).get("coding", ())
    )


def _part(item: Tree, place: int) -> Part:
    coding = next((c for c in item.get("code", ()) if c.get("system") == LOINC), None)
    begin = next((str(i["valueString"]) for i in item.get("initial", ()) if "valueString" in i), "")
    key = str(coding["code"]) if coding else f"{NO_CODE}{place}"
    title = str(item.get("text") or (coding or {}).get("display") or key)
    return Part(key, coding, title, begin)
