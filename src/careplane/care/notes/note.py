"""A note as a Composition (R4): how it begins, changes, is signed, added to and withdrawn.

All functions are pure and give new trees. A note is `preliminary` until its author signs it, then
`final`; `amended` when an addendum to it was signed, which is a Composition of its own that
`appends` to it; `entered-in-error` when its author takes it back. Its text never changes after the
signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careplane.care.notes.names import LOINC, NO_CODE, TEMPLATE
from careplane.care.notes.templates import Part, Template
from careplane.care.notes.text import narrative, text_of, tidy
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, Precondition

LONGEST = 20_000
TITLE = 200
DRAFT = "preliminary"
WRONG = "entered-in-error"


@dataclass(frozen=True, slots=True)
class Section:
    """One section as a form and a page have it."""

    key: str
    title: str
    text: str
    code: Tree | None = None


def begun(
    template: Template, patient: str, author: Tree, at: str, texts: Mapping[str, str],
    encounter: str = "",
) -> Tree:  # fmt: skip
    """A draft, with what the template begins with."""
    tree: Tree = {
        "resourceType": "Composition",
        "extension": [{"url": TEMPLATE, "valueString": template.key}],
        "status": DRAFT,
        "type": {"coding": [template.code], "text": template.title},
        "subject": {"reference": f"Patient/{patient}"},
        "date": at,
        "author": [author],
        "title": template.title,
    }
    if encounter:
        tree["encounter"] = {"reference": encounter}
    sections = [Section(p.key, p.title, texts.get(p.key, ""), p.code) for p in template.parts]
    return _with(tree, sections)


def appending(template: Template, to: Tree, author: Tree, at: str) -> Tree:
    """The draft of an addendum to a signed note. Raises Conflict where it is none."""
    if is_draft(to) or to.get("status") == WRONG:
        raise Conflict("Only a signed note that stands is added to.")
    patient = str(to.get("subject", {}).get("reference", "")).partition("/")[2]
    encounter = str(to.get("encounter", {}).get("reference", ""))
    made = begun(template, patient, author, at, {}, encounter)
    made["title"] = f"{template.title}: {to.get('title', '')}"[:TITLE]
    made["relatesTo"] = [
        {"code": "appends", "targetReference": {"reference": f"Composition/{to['id']}"}}
    ]
    return made


def sections(tree: Tree, parts: Sequence[Part] = ()) -> list[Section]:
    """Those of a note in their order; the parts of its template that are empty stand where the
    template has them."""
    there = [_section(one, n) for n, one in enumerate(tree.get("section", ()))]
    found = {one.key: one for one in there}
    listed = [found.pop(p.key, Section(p.key, p.title, "", p.code)) for p in parts]
    return [*listed, *(one for one in there if one.key in found)]


def edited(
    tree: Tree, version: int, who: str, parts: Sequence[Part], title: str,
    texts: Mapping[str, str], at: str,
) -> Tree:  # fmt: skip
    """A draft with what its author typed, section by section; the same where nothing was changed.
    Raises Forbidden, Conflict, Precondition, or Incorrect for what is too long."""
    require_draft_of(tree, who)
    require_version(tree, version)
    title = " ".join(title.split())
    if not title or len(title) > TITLE:
        raise Incorrect(f"A note has a title, of {TITLE} characters at most.")
    before = sections(tree, parts)
    after = [Section(s.key, s.title, tidy(texts.get(s.key, s.text)), s.code) for s in before]
    if any(len(one.text) > LONGEST for one in after):
        raise Incorrect(f"A section has {LONGEST} characters at most.")
    made = _with({**tree, "title": title}, after)
    return made if made == tree else {**made, "date": at}


def signed(tree: Tree, version: int, who: str, author: Tree, at: str) -> Tree:
    """As its author signs it: final, attested, its text for good. Raises as `edited`, and Incorrect
    for one without any text."""
    require_draft_of(tree, who)
    require_version(tree, version)
    if not tree.get("section"):
        raise Incorrect("Write something before you sign the note.")
    return {
        **tree,
        "status": "final",
        "date": at,
        "attester": [{"mode": "legal", "time": at, "party": author}],
    }


def withdrawn(tree: Tree, version: int, who: str) -> Tree:
    """As entered in error. Raises Forbidden for others than its author, Conflict where it is a
    draft (which is deleted) or withdrawn already."""
    if is_draft(tree):
        raise Conflict("A draft is deleted, not marked as entered in error.")
    if tree.get("status") == WRONG:
        raise Conflict("The note is marked as entered in error already.")
    if not is_by(tree, who):
        raise Forbidden("Only its author marks a note as entered in error.")
    require_version(tree, version)
    return {**tree, "status": WRONG}


def is_ours(tree: Tree) -> bool:
    """Whether it was written here."""
    return any(one.get("url") == TEMPLATE for one in tree.get("extension", ()))


def template_of(tree: Tree) -> str:
    """The key of its template."""
    found = (o.get("valueString", "") for o in tree.get("extension", ()) if o["url"] == TEMPLATE)
    return str(next(found, ""))


def is_draft(tree: Tree) -> bool:
    return tree.get("status") == DRAFT


def is_by(tree: Tree, who: str) -> bool:
    return any(one.get("reference") == who for one in tree.get("author", ()))


def appended_to(tree: Tree) -> str:
    """The note that this one is an addendum to, as `Composition/17`; empty for none."""
    for one in tree.get("relatesTo", ()):
        if one.get("code") == "appends":
            return str(one.get("targetReference", {}).get("reference", ""))
    return ""


def require_draft_of(tree: Tree, who: str) -> None:
    """Raises Conflict for what is signed, Forbidden for others than the author."""
    if not is_ours(tree):
        raise Conflict("This document was not written here, and is not changed here.")
    if not is_draft(tree):
        raise Conflict("The note is signed and does not change any more; write an addendum.")
    if not is_by(tree, who):
        raise Forbidden("Only its author changes a draft.")


def require_version(tree: Tree, version: int) -> None:
    """Raises Precondition where it has changed since it was seen."""
    if int(tree["meta"]["versionId"]) != version:
        raise Precondition("The note was changed in the meantime, perhaps in another window.")


def _section(section: Tree, place: int) -> Section:
    coding = next(
        (c for c in section.get("code", {}).get("coding", ()) if c.get("system") == LOINC), None
    )
    key = str(coding["code"]) if coding else f"{NO_CODE}{place}"
    return Section(key, str(section.get("title", "")), text_of(section.get("text", {})), coding)


def _with(tree: Tree, sections: Sequence[Section]) -> Tree:
    """R4 has no empty sections (cmp-1), so those are left out."""
    made: list[Any] = [
        {
            "title": one.title,
            **({"code": {"coding": [one.code]}} if one.code else {}),
            "text": narrative(one.text),
        }
        for one in sections
        if one.text.strip()
    ]
    rest = {name: value for name, value in tree.items() if name != "section"}
    return {**rest, "section": made} if made else rest
