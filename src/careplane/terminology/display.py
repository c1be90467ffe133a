"""Which display of a concept to show, and whether one that was sent is right (FHIR R4, 4.9.18)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from careplane.fhir.tree import Tree
from careplane.terminology.coded import Coding
from careplane.terminology.concepts import Concept, Designation
from careplane.terminology.findings import Finding
from careplane.terminology.languages import Languages
from careplane.terminology.messages import say
from careplane.terminology.resource import designation

_STATUS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"
_GONE = ("deprecated", "withdrawn")
_DISPLAYS = (
    "http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra",
    "http://terminology.hl7.org/CodeSystem/designation-usage",
    "http://snomed.info/sct",
    "http://loinc.org",
)
"""Whose uses of designations are all kinds of displays."""
PREFERRED: Tree = {
    "system": "http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra",
    "code": "preferredForLanguage",
    "display": "Preferred For Language",
}
"""The use of a display among designations."""


@dataclass(frozen=True, slots=True)
class Names:
    """All names of a concept: its display, in the language of the code system, first."""

    display: str
    language: str
    designations: tuple[Designation, ...]

    def best(self, wanted: Languages) -> Designation | None:
        """The name to show, in the language that is wanted most; None where there is none."""
        first = Designation(self.display, self.language, PREFERRED) if self.display else None
        if not wanted:
            return first
        ranked = [
            (rank, place, name)
            for place, name in enumerate(self._all())
            if (rank := wanted.rank(name.language)) is not None
            and _is_display(name)
            and not _gone(name)
        ]
        if ranked:
            return min(ranked, key=lambda found: found[:2])[2]
        return None if wanted.strict else first

    def _all(self) -> Iterator[Designation]:
        if self.display:
            yield Designation(self.display, self.language or "en", PREFERRED)
        yield from self.designations

    def others(self, shown: Designation | None) -> Iterator[Designation]:
        """The names that stand beside the one that is shown."""
        for name in self._all():
            hidden = shown is not None and name.value == shown.value
            if hidden and shown is not None and self.language:
                hidden = name.language == shown.language
            if not hidden:
                yield name

    def check(self, coding: Coding, wanted: Languages, lenient: bool) -> list[Finding]:
        """What is wrong with the display of a coding."""
        given = coding.display
        right = [n for n in self._all() if _is_display(n) and not _gone(n)]
        fitting = [n for n in right if wanted.rank(n.language) is not None] if wanted else right
        if any(_same(n.value, given) for n in fitting) or not right:
            return []
        facts = {
            "display": given,
            "system": coding.system,
            "code": coding.code,
            "languages": wanted.text or "--",
        }
        where = coding.at("display")
        if not fitting:
            return [self._in_no_language(right, facts, where, lenient)]
        for gone in self._all():
            if _gone(gone) and _same(gone.value, given):
                said = " or ".join(f'"{n.value}"' for n in fitting)
                facts |= {"valid": said, "status": "deprecated"}
                return [say("INACTIVE_DISPLAY_FOUND", where, **facts)]
        spaced = any(_same("".join(n.value.split()), "".join(given.split())) for n in fitting)
        infix = "_WS" if spaced else ""
        id = f"Display_Name{infix}_for__should_be_one_of__instead_of"
        return [_softened(say(id, where, valid=_choices(fitting), **facts), lenient)]

    def _in_no_language(
        self, right: list[Designation], facts: dict[str, str], where: str, lenient: bool
    ) -> Finding:
        default = [n for n in right if n.language in ("", self.language or "en")]
        if any(_same(n.value, facts["display"]) for n in default):
            return say("NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_OK", where, **facts)
        id = "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR"
        return _softened(say(id, where, default=self.display, **facts), lenient)


def names(concept: Concept, language: str, listed: Tree | None = None) -> Names:
    """The names of a concept of a code system in a language, with those that a value set adds."""
    added = () if listed is None else tuple(map(designation, listed.get("designation", ())))
    added = tuple(one for one in added if one not in concept.designations)
    display = (listed or {}).get("display") or concept.display
    former = (
        (Designation(concept.display, language, PREFERRED),)
        if concept.display and display != concept.display
        else ()
    )
    return Names(display, language, (*former, *concept.designations, *added))


def _is_display(name: Designation) -> bool:
    """Whether it may stand where a display stands: not what has a use of its own."""
    return name.use is None or name.use.get("system") in _DISPLAYS


def _gone(name: Designation) -> bool:
    return any(e.get("url") == _STATUS and e.get("valueCode") in _GONE for e in name.extension)


def _same(a: str, b: str) -> bool:
    return a.casefold() == b.casefold()


def _softened(finding: Finding, lenient: bool) -> Finding:
    return replace(finding, severity="warning") if lenient else finding


def _choices(names: list[Designation]) -> str:
    said = list(dict.fromkeys(f"'{n.value}' ({n.language or 'en'})" for n in names))
    if len(said) == 1:
        return said[0]
    return f"one of {len(said)} choices: {', '.join(said[:-1])} or {said[-1]}"
