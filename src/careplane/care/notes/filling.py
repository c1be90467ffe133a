"""Placeholders of templates, filled from the record when a note is begun.

What stands there afterwards is text as if it had been typed: it is the author's, who reads, mends
and signs it. A placeholder that nobody knows stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from careplane.fhir.tree import Tree

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_MOST = 40
_ACTIVE = frozenset({"active", "recurrence", "relapse"})


@dataclass(frozen=True, slots=True)
class Need:
    """What a placeholder is made of: a search of one type, and how its resources are said, in the
    order found. `none` is said where there are none."""

    type: str
    pairs: tuple[tuple[str, str], ...]
    say: Callable[[Iterable[Tree]], list[str]]
    none: str


def asked(texts: Iterable[str]) -> list[str]:
    """The placeholders that stand in these texts and are known."""
    found = {name for text in texts for name in _PLACEHOLDER.findall(text)}
    return sorted(found & set(NEEDS))


def filled(text: str, known: Mapping[str, str]) -> str:
    """The text with what is known in the place of its placeholders."""
    return _PLACEHOLDER.sub(lambda found: known.get(found[1], found[0]), text)


def said(name: str, trees: Iterable[Tree] | None) -> str:
    """What stands for a placeholder; None: the author may not see these records."""
    if trees is None:
        return "(not open to your role)"
    lines = NEEDS[name].say(trees)[:_MOST]
    return "\n".join(lines) or NEEDS[name].none


def _problems(trees: Iterable[Tree]) -> list[str]:
    return _bulleted(
        _concept(tree.get("code", {})) for tree in trees if _codes(tree, "clinicalStatus") & _ACTIVE
    )


def _allergies(trees: Iterable[Tree]) -> list[str]:
    lines = []
    for tree in trees:
        if _codes(tree, "clinicalStatus") - _ACTIVE:
            continue
        reactions = [
            _concept(one)
            for reaction in tree.get("reaction", ())
            for one in reaction.get("manifestation", ())
        ]
        after = f" ({', '.join(filter(None, reactions))})" if any(reactions) else ""
        lines.append(_concept(tree.get("code", {})) + after)
    return _bulleted(lines)


def _medications(trees: Iterable[Tree]) -> list[str]:
    lines = []
    for tree in trees:
        drug = _concept(tree.get("medicationCodeableConcept", {}))
        drug = drug or str(tree.get("medicationReference", {}).get("display", ""))
        doses = [str(d["text"]) for d in tree.get("dosageInstruction", ()) if d.get("text")]
        lines.append(", ".join(filter(None, (drug, *doses))))
    return _bulleted(lines)


def _vitals(trees: Iterable[Tree]) -> list[str]:
    """The newest value of each kind."""
    newest: dict[str, str] = {}
    for tree in trees:
        name, value = _concept(tree.get("code", {})), _measured(tree)
        if name and value:
            newest.setdefault(name, f"{value} ({str(tree.get('effectiveDateTime', ''))[:16]})")
    return [f"{name}: {value.replace('T', ' ')}" for name, value in newest.items()]


def _measured(tree: Tree) -> str:
    if "valueQuantity" in tree:
        return _quantity(tree["valueQuantity"])
    parts = [_quantity(part.get("valueQuantity", {})) for part in tree.get("component", ())]
    values, units = [p.partition(" ") for p in parts if p], {p.partition(" ")[2] for p in parts}
    if len(units) == 1:  # a blood pressure: 120/80 mmHg
        return "/".join(value for value, _, _ in values) + f" {units.pop()}".rstrip()
    return ", ".join(filter(None, parts))


def _quantity(value: Tree) -> str:
    if "value" not in value:
        return ""
    return f"{value['value']} {value.get('unit') or value.get('code') or ''}".strip()


def _concept(concept: Any) -> str:
    text = concept.get("text") or next(
        (c["display"] for c in concept.get("coding", ()) if c.get("display")), ""
    )
    return str(text)


def _codes(tree: Tree, name: str) -> set[str]:
    return {str(c.get("code")) for c in tree.get(name, {}).get("coding", ())}


def _bulleted(lines: Iterable[str]) -> list[str]:
    return [f"- {line}" for line in dict.fromkeys(lines) if line]


NEEDS: dict[str, Need] = {
    "problems": Need("Condition", (("_sort", "-recorded-date"),), _problems, "No problems."),
    "allergies": Need("AllergyIntolerance", (), _allergies, "No allergies recorded."),
    "medications": Need(
        "MedicationRequest", (("status", "active"),), _medications, "No medication."
    ),
    "vitals": Need(
        "Observation",
        (("category", "vital-signs"), ("_sort", "-date")),
        _vitals,
        "No vital signs recorded.",
    ),
}
"""By the name of the placeholder."""
