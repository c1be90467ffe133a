"""Medicines to choose from: of the terminologies that are loaded, and those in use here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from careplane.access.caller import Caller
from careplane.care import asking
from careplane.care.prescribing.checks.port import medication_of, named
from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError
from careplane.records import commands as c
from careplane.records.door import Door
from careplane.terminology.concepts import Filter, Selection
from careplane.terminology.library import Library
from careplane.terminology.options import Options
from careplane.terminology.scope import Scope

SYSTEMS: Final[dict[str, tuple[Filter, ...]]] = {
    "http://www.nlm.nih.gov/research/umls/rxnorm": (),
    "http://snomed.info/sct": (Filter("concept", "is-a", "763158003"),),
    "http://www.whocc.no/atc": (),
}
"""Code systems of medicines; of SNOMED CT what is a medicinal product."""
_MOST: Final = 25
_RECENT: Final = 200
SHORTEST: Final = 2
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class Medicine:
    """One that can be chosen. `here`: it has been prescribed here."""

    system: str
    code: str
    display: str
    here: bool = False


async def search(door: Door, caller: Caller, text: str) -> list[Medicine]:
    """Those that have every word at the begin of a word; what is in use here comes first. Nothing
    for a text that is too short or too long."""
    words = text.casefold().split()
    if not words or len(text.strip()) < SHORTEST or len(text) > _LONGEST:
        return []
    first = text.strip().replace("\\", "").replace(",", "\\,").replace("|", "\\|")
    pages = await asking.several(
        door,
        caller,
        ("MedicationRequest", [("code:text", first), ("_count", "50")]),
        ("MedicationRequest", [("_sort", "-date"), ("_count", str(_RECENT))]),
        ("Medication", [("code:text", first), ("_count", "50")]),
    )
    here = (medicine for page in pages for tree in page for medicine in _of(tree))
    found = {(m.system, m.code or m.display): m for m in here if _has(m.display, words)}
    for medicine in await _loaded(door, caller, text):
        found.setdefault((medicine.system, medicine.code), medicine)
    return list(found.values())[: 2 * _MOST]


def _of(tree: Tree) -> Iterable[Medicine]:
    is_medication = tree["resourceType"] == "Medication"
    concept = tree.get("code", {}) if is_medication else medication_of(tree)
    codings = [c for c in concept.get("coding", ()) if c.get("code")]
    for coding in codings:
        display = str(coding.get("display") or named(concept))
        yield Medicine(str(coding.get("system", "")), str(coding["code"]), display, True)
    if not codings and named(concept):
        yield Medicine("", "", named(concept), True)


def _has(display: str, words: list[str]) -> bool:
    parts = display.casefold().replace("[", " ").replace("(", " ").split()
    return all(any(part.startswith(word) for part in parts) for word in words)


async def _loaded(door: Door, caller: Caller, text: str) -> list[Medicine]:
    async def work(library: Library, instance: Tree | None) -> dict[str, Any]:
        scope = Scope(library, Options())
        found: list[Medicine] = []
        for system, filters in SYSTEMS.items():
            concepts = await scope.chosen(system)
            if concepts is None:
                continue
            selection = Selection(filters, text, active_only=True)
            try:
                rows = await concepts.select(selection, limit=_MOST)
            except CareplaneError:  # a part of it is loaded, without what the filter names
                continue
            found += [Medicine(system, one.code, one.display or one.code) for one in rows]
        return {"found": found}

    try:
        told = await door.ask(caller, c.Ask("expand", "CodeSystem", work))
    except CareplaneError:
        return []
    loaded: list[Medicine] = told["found"]
    return loaded
