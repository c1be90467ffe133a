"""Concepts to choose from: of the terminologies that are loaded, and those in use here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from careplane.access.caller import Caller
from careplane.care import asking
from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError
from careplane.records import commands as c
from careplane.records.door import Door
from careplane.terminology.concepts import Filter, Selection
from careplane.terminology.library import Library
from careplane.terminology.options import Options
from careplane.terminology.scope import Scope

_SNOMED: Final = "http://snomed.info/sct"
_RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
_MOST: Final = 25
_RECENT: Final = 100
SHORTEST: Final = 2
_LONGEST: Final = 100


def _below(code: str) -> tuple[Filter, ...]:
    return (Filter("concept", "is-a", code),)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is sought: in which code systems, with what filters, and in the records of which types
    by which element and search parameter; `newest` is what the first type is sorted by."""

    systems: tuple[tuple[str, tuple[Filter, ...]], ...]
    sources: tuple[tuple[str, str, str], ...]
    newest: str


MEDICINES: Final = Kind(
    ((_RXNORM, ()), (_SNOMED, _below("763158003")), ("http://www.whocc.no/atc", ())),
    (("MedicationRequest", "medicationCodeableConcept", "code"), ("Medication", "code", "code")),
    "-date",
)
PROBLEMS: Final = Kind(
    ((_SNOMED, _below("404684003")), ("http://hl7.org/fhir/sid/icd-10-cm", ()),
     ("http://hl7.org/fhir/sid/icd-10", ())),
    (("Condition", "code", "code"),),
    "-recorded-date",
)  # fmt: skip
ALLERGENS: Final = Kind(
    ((_SNOMED, _below("105590001")), (_RXNORM, ())),
    (("AllergyIntolerance", "code", "code"),),
    "-date",
)
VACCINES: Final = Kind(
    (("http://hl7.org/fhir/sid/cvx", ()), (_SNOMED, _below("787859002"))),
    (("Immunization", "vaccineCode", "vaccine-code"),),
    "-date",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One that can be chosen. `here`: it is in use here."""

    system: str
    code: str
    display: str
    here: bool = False


async def search(door: Door, caller: Caller, kind: Kind, text: str) -> list[Choice]:
    """Those that have every word at the begin of a word; what is in use here comes first. Nothing
    for a text that is too short or too long."""
    words = text.casefold().split()
    if not words or len(text.strip()) < SHORTEST or len(text) > _LONGEST:
        return []
    first = text.strip().replace("\\", "").replace(",", "\\,").replace("|", "\\|")
    asked: list[tuple[str, asking.Pairs]] = [
        (type, [(f"{parameter}:text", first), ("_count", "50")])
        for type, _, parameter in kind.sources
    ]
    recent = (kind.sources[0][0], [("_sort", kind.newest), ("_count", str(_RECENT))])
    pages = await asking.several(door, caller, recent, *asked)
    elements = {type: element for type, element, _ in kind.sources}
    here = (choice for page in pages for tree in page
            for choice in _of(tree.get(elements[tree["resourceType"]], {})))  # fmt: skip
    found = {(one.system, one.code or one.display): one for one in here if _has(one.display, words)}
    for one in await _loaded(door, caller, kind, text):
        found.setdefault((one.system, one.code), one)
    return list(found.values())[: 2 * _MOST]


def chosen(text: str, code: str, system: str) -> Tree:
    """The CodeableConcept of what was chosen; empty where that is nothing."""
    if not code:
        return {"text": text} if text else {}
    coding = {"system": system, "code": code, "display": text}
    return {"coding": [{key: value for key, value in coding.items() if value}], "text": text}


def _of(concept: Tree) -> Iterable[Choice]:
    codings = [c for c in concept.get("coding", ()) if c.get("code")]
    for coding in codings:
        display = str(coding.get("display") or concept.get("text") or coding["code"])
        yield Choice(str(coding.get("system", "")), str(coding["code"]), display, True)
    if not codings and concept.get("text"):
        yield Choice("", "", str(concept["text"]), True)


def _has(display: str, words: list[str]) -> bool:
    parts = display.casefold().replace("[", " ").replace("(", " ").split()
    return all(any(part.startswith(word) for part in parts) for word in words)


async def _loaded(door: Door, caller: Caller, kind: Kind, text: str) -> list[Choice]:
    async def work(library: Library, instance: Tree | None) -> dict[str, Any]:
        scope = Scope(library, Options())
        found: list[Choice] = []
        for system, filters in kind.systems:
            concepts = await scope.chosen(system)
            if concepts is None:
                continue
            selection = Selection(filters, text, active_only=True)
            try:
                rows = await concepts.select(selection, limit=_MOST)
            except CareplaneError:  # a part of it is loaded, without what the filter names
                continue
            found += [Choice(system, one.code, one.display or one.code) for one in rows]
        return {"found": found}

    try:
        told = await door.ask(caller, c.Ask("expand", "CodeSystem", work))
    except CareplaneError:
        return []
    loaded: list[Choice] = told["found"]
    return loaded
