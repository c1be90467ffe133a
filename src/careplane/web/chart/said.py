"""What clinicians said about results: notes of the Tasks by which they were acknowledged, and
Communications about them; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from careplane.fhir.tree import Tree

SYSTEM = "urn:careplane:task"
ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True, slots=True)
class Remark:
    """Who said what, when; `who` is a reference or a name."""

    text: str
    who: str
    when: str


def remarks(tasks: Iterable[Tree], communications: Iterable[Tree]) -> dict[str, list[Remark]]:
    """By the reference of what they are about, the newest first."""
    found: dict[str, list[Remark]] = {}
    for tree in tasks:
        focus = str(tree.get("focus", {}).get("reference", ""))
        for note in tree.get("note", ()):
            _add(found, [focus], note.get("text"), _by(note) or _who(tree.get("owner", {})),
                 note.get("time") or tree.get("lastModified", ""))  # fmt: skip
    for tree in communications:
        about = [str(one.get("reference", "")) for one in tree.get("about", ())]
        for part in tree.get("payload", ()):
            who = _who(tree.get("sender", {}))
            _add(found, about, part.get("contentString"), who, tree.get("sent", ""))
    return {
        about: sorted(some, key=lambda remark: remark.when, reverse=True)
        for about, some in found.items()
    }


def _add(
    found: dict[str, list[Remark]], about: Iterable[str], text: Any, who: str, when: Any
) -> None:
    for one in about:
        if one and text:
            found.setdefault(one, []).append(Remark(str(text), who, str(when)))


def _by(note: Tree) -> str:
    return str(note.get("authorString", "")) or _who(note.get("authorReference", {}))


def _who(reference: Tree) -> str:
    return str(reference.get("display") or reference.get("reference", ""))
