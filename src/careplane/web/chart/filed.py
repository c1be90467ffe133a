"""Rows of the list of notes and documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from careplane.care.documents import given
from careplane.fhir.tree import Tree
from careplane.records.files.kinds import BY_MEDIA
from careplane.web.chart.lists import status
from careplane.web.say import types
from careplane.web.say.dates import say_time


@dataclass(frozen=True, slots=True)
class Row:
    """One document. `shown` says how a page shows it, `path` where; `wrong` is one that was entered
    in error, `given` one of the patient, which `waits` until somebody has looked through it;
    `cosigners` are those whose co-signature a note waits for."""

    type: str
    id: str
    title: str
    kind: str
    when: str
    authors: str
    status: str
    shown: str
    sort: str
    size: int = 0
    draft: bool = False
    mine: bool = False
    wrong: bool = False
    confidential: bool = False
    given: bool = False
    waits: bool = False
    cosigners: str = ""


Names = Mapping[str, str]
"""Of people by their references, where a record has the reference alone."""


def document(tree: Tree, me: str, names: Names) -> Row:
    """A DocumentReference, by its first file."""
    content = tree.get("content") or [{}]
    attachment = content[0].get("attachment", {})
    media = str(attachment.get("contentType", "")).partition(";")[0].strip().lower()
    kind = BY_MEDIA.get(media)
    when = str(tree.get("date") or attachment.get("creation", ""))
    concept = types.concept(tree.get("type", {}))
    title = str(tree.get("description") or attachment.get("title") or concept)
    wrong = tree.get("status") == "entered-in-error"
    return Row(
        "DocumentReference", tree.get("id", ""), title, concept, say_time(when),
        authors(tree, names), status(tree), kind.shown if kind else "file", when,
        size=int(attachment.get("size", 0)), wrong=wrong, mine=is_by(tree, me),
        confidential=_is_confidential(tree), given=given.is_given(tree), waits=given.waits(tree),
    )  # fmt: skip


def note(tree: Tree, me: str, names: Names, asked: Iterable[Tree] = ()) -> Row:
    """A Composition; `asked` are the open Tasks that ask for a co-signature."""
    when, place = str(tree.get("date", "")), f"Composition/{tree.get('id', '')}"
    whom = [types.reference(one.get("owner", {})) for one in asked
            if one.get("focus", {}).get("reference") == place]  # fmt: skip
    return Row(
        "Composition", tree.get("id", ""), str(tree.get("title", "")),
        types.concept(tree.get("type", {})), say_time(when), authors(tree, names), status(tree),
        "note", when, draft=tree.get("status") == "preliminary", mine=is_by(tree, me),
        wrong=tree.get("status") == "entered-in-error", confidential=_is_confidential(tree),
        cosigners=", ".join(whom),
    )  # fmt: skip


def authors(tree: Tree, names: Names) -> str:
    """Who wrote it, by name where there is one."""
    said = (names.get(str(one.get("reference", ""))) or types.reference(one) for one in _by(tree))
    return ", ".join(filter(None, said))


def nameless(trees: Iterable[Tree]) -> list[str]:
    """The Practitioners among the authors of whom only the reference is said."""
    found = (str(a.get("reference", "")) for t in trees for a in _by(t) if "display" not in a)
    return sorted({one for one in found if one.startswith("Practitioner/")})


def _by(tree: Tree) -> list[Tree]:
    return cast(list[Tree], tree.get("author", []))


def is_by(tree: Tree, who: str) -> bool:
    """Whether somebody is among the authors."""
    return any(one.get("reference") == who for one in tree.get("author", ()))


def _is_confidential(tree: Tree) -> bool:
    labels = tree.get("meta", {}).get("security", ())
    return any(one.get("code") in ("R", "V") for one in labels)
