"""SNOMED CT in Release Format 2, the snapshot (SNOMED CT Release File Specification, 4 and 5, and
SNOMED CT on FHIR for what becomes of it).

Of an edition, everything that stands below the folder is read: the international release and an
extension may lie side by side. The display is the preferred synonym of the language reference set
that is asked for, else the first synonym, else the fully specified name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import msgspec

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid
from careplane.terminology.loading.files import Files
from careplane.terminology.loading.release import Fact, refused

URL = "http://snomed.info/sct"
_INTERNATIONAL = "900000000000207008"
_IS_A = "116680003"
_FULLY_SPECIFIED = "900000000000003001"
_SYNONYM = "900000000000013009"
_DEFINITION = "900000000000550004"
_PREFERRED = "900000000000548007"
_DEFINED = "900000000000073002"
_US_ENGLISH = "900000000000509007"
_USES = {
    _FULLY_SPECIFIED: "Fully specified name",
    _SYNONYM: "Synonym",
    _DEFINITION: "Definition",
}
_DATE = re.compile(r"_(\d{8})\.txt$")
_CONCEPTS = "sct2_Concept_Snapshot*.txt"
_DESCRIPTIONS = "sct2_Description_Snapshot*.txt"
_DEFINITIONS = "sct2_TextDefinition_Snapshot*.txt"
_RELATIONSHIPS = "sct2_Relationship_Snapshot*.txt"
_CONCRETE = "sct2_RelationshipConcreteValues_Snapshot*.txt"
_LANGUAGES = "der2_cRefset_*Language*Snapshot*.txt"
_SETS = "der2_*Refset_*Snapshot*.txt"
_OWN_PROPERTIES = {
    "parent": ("code", "A concept right above"),
    "child": ("code", "A concept right below"),
    "inactive": ("boolean", "Whether the concept is inactive"),
    "sufficientlyDefined": ("boolean", "Whether its definition is sufficient"),
    "moduleId": ("code", "The module that maintains it"),
    "effectiveTime": ("string", "When its present state came into force"),
    "semanticTag": ("string", "The tag at the end of its fully specified name"),
}
_TAG = re.compile(r"\(([^()]+)\)\s*$")


class Snomed:
    """One edition. Options: `edition`, the concept of its module; `language`, the language
    reference set that displays are taken from; `version`, a date in place of that of the files."""

    def __init__(self, files: Files, options: Mapping[str, str]) -> None:
        self._files = files
        self._options = options
        self._concepts = files.all(_CONCEPTS) or [files.find(_CONCEPTS)]

    @cached_property
    def header(self) -> Tree:
        edition = self._options.get("edition", _INTERNATIONAL)
        date = self._options.get("version") or max(map(self._date, self._concepts))
        version = f"{URL}/{edition}/version/{date}"
        return {
            "resourceType": "CodeSystem",
            "url": URL,
            "version": version,
            "name": "SNOMED_CT",
            "title": f"SNOMED CT, {edition}, {date}",
            "status": "active",
            "publisher": "SNOMED International",
            "caseSensitive": True,
            "hierarchyMeaning": "is-a",
            "compositional": True,
            "versionNeeded": False,
            "content": "complete",
            "valueSet": f"{URL}?fhir_vs",
            "language": "en",
            "filter": [
                _filter("concept", ["is-a", "descendent-of", "in", "=", "child-of"]),
                _filter("constraint", ["="]),
                _filter("inactive", ["="]),
            ],
            "property": [
                {"code": code, "type": type, "description": text}
                for code, (type, text) in _OWN_PROPERTIES.items()
            ]
            + [{"code": code, "type": type} for code, type in sorted(self._attributes.items())],
        }

    def hierarchy(self) -> Iterator[tuple[str, Iterable[str]]]:
        active: set[str] = set()
        for name in self._concepts:
            for number, (code, is_active) in self._files.table(name, ("id", "active")):
                if not code.isdecimal() or len(code) > 18:
                    raise refused(name, number, "this is no SNOMED CT identifier.")
                if is_active == "1":
                    active.add(code)
                yield code, ()
        for _, _, source, type, target, _ in self._relationships():
            if type == _IS_A and source in active:
                yield source, (target,)

    def facts(self) -> Iterator[Fact]:
        yield from self._stated()
        yield from self._described()
        yield from self._related()
        yield from self._members()

    def _stated(self) -> Iterator[Fact]:
        columns = ("id", "effectiveTime", "active", "moduleId", "definitionStatusId")
        for name in self._concepts:
            for _, (code, time, active, module, status) in self._files.table(name, columns):
                defined = "true" if status == _DEFINED else "false"
                properties = (
                    ("sufficientlyDefined", "boolean", defined, 0),
                    ("moduleId", "code", module, 0),
                    ("effectiveTime", "string", time, 0),
                )
                yield Fact(code, properties=properties, inactive=active != "1")

    def _described(self) -> Iterator[Fact]:
        """The preferred synonym gives the display, wherever it comes; before that the first
        synonym does, and before that the fully specified name."""
        preferred = self._preferred
        named: dict[str, int] = {}
        columns = ("id", "active", "conceptId", "languageCode", "typeId", "term")
        for name in [*self._files.all(_DESCRIPTIONS), *self._files.all(_DEFINITIONS)]:
            for number, (id, active, code, language, type, term) in self._files.table(
                name, columns
            ):
                if active != "1" or type not in _USES:
                    continue
                if not id.isdecimal() or len(id) > 18:
                    raise refused(name, number, "this is no SNOMED CT identifier.")
                if type == _DEFINITION:
                    yield Fact(code, definition=term, designations=((_use(type), language, term),))
                    continue
                display: str = term
                properties: tuple[tuple[str, str, str, int], ...] = ()
                if type == _FULLY_SPECIFIED:
                    display, properties = _untagged(term)
                rank = _rank(type, preferred=int(id) in preferred)
                if rank <= named.get(code, 0):
                    display = ""
                else:
                    named[code] = rank
                said = ((_use(type), language, term),)
                yield Fact(code, display, designations=said, properties=properties)

    def _related(self) -> Iterator[Fact]:
        for name, number, source, type, target, group in self._relationships():
            if type != _IS_A:
                yield Fact(
                    source, properties=((type, "code", target, _number(name, number, group)),)
                )
        columns = ("active", "sourceId", "typeId", "value", "relationshipGroup")
        for name in self._files.all(_CONCRETE):
            for number, (active, source, type, value, group) in self._files.table(name, columns):
                if active == "1":
                    kind, text = _concrete(name, number, value)
                    said = (type, kind, text, _number(name, number, group))
                    yield Fact(source, properties=(said,))

    def _members(self) -> Iterator[Fact]:
        """Reference sets of concepts. A set may name descriptions, too: they are no codes."""
        codes = {id for name in self._concepts for _, (id,) in self._files.table(name, ("id",))}
        languages = set(self._files.all(_LANGUAGES))
        for name in self._files.all(_SETS):
            if name in languages:
                continue
            columns = ("active", "refsetId", "referencedComponentId")
            for _, (active, refset, code) in self._files.table(name, columns):
                if active == "1" and code in codes:
                    yield Fact(code, member_of=(refset,))

    def _relationships(self) -> Iterator[tuple[str, int, str, str, str, str]]:
        columns = ("active", "sourceId", "destinationId", "relationshipGroup", "typeId")
        for name in self._files.all(_RELATIONSHIPS) or [self._files.find(_RELATIONSHIPS)]:
            for number, values in self._files.table(name, columns):
                active, source, target, group, type = values
                if active == "1":
                    yield name, number, source, type, target, group

    @cached_property
    def _attributes(self) -> dict[str, str]:
        """The types of relationships, and of what they are."""
        found = {type: "code" for _, _, _, type, _, _ in self._relationships() if type != _IS_A}
        for name in self._files.all(_CONCRETE):
            for number, (type, value) in self._files.table(name, ("typeId", "value")):
                found[type] = _concrete(name, number, value)[0]
        return found

    @cached_property
    def _preferred(self) -> set[int]:
        """Descriptions that the language reference set prefers."""
        wanted = self._options.get("language", _US_ENGLISH)
        columns = ("active", "refsetId", "referencedComponentId", "acceptabilityId")
        return {
            int(id)
            for name in self._files.all(_LANGUAGES)
            for _, (active, refset, id, acceptability) in self._files.table(name, columns)
            if active == "1" and refset == wanted and acceptability == _PREFERRED and id.isdecimal()
        }

    def _date(self, name: str) -> str:
        found = _DATE.search(name)
        if not found:
            raise Invalid(f"{name} has no date in its name: give the version with --option.")
        return found[1]


def _filter(code: str, operators: list[str]) -> Tree:
    return {"code": code, "operator": operators, "value": "See SNOMED CT on FHIR"}


def _rank(type: str, *, preferred: bool) -> int:
    """How well a description serves as display."""
    if type == _SYNONYM:
        return 3 if preferred else 2
    return 1


def _untagged(term: str) -> tuple[str, tuple[tuple[str, str, str, int], ...]]:
    """A fully specified name without its semantic tag, and that as a property."""
    found = _TAG.search(term)
    if not found:
        return term, ()
    return term[: found.start()].strip(), (("semanticTag", "string", found[1], 0),)


def _use(type: str) -> str:
    return _USE_OF[type]


def _number(name: str, line: int, group: str) -> int:
    if not group.isdecimal() or len(group) > 9:
        raise refused(name, line, "a relationship group is a number.")
    return int(group)


def _concrete(name: str, line: int, value: str) -> tuple[str, str]:
    """`#5`, `#5.5` or `"text"`, as a property."""
    if value.startswith("#") and len(value) < 40:
        return ("integer" if value[1:].lstrip("-").isdecimal() else "decimal"), value[1:]
    if value.startswith('"') and value.endswith('"'):
        return "string", value[1:-1]
    raise refused(name, line, "a concrete value is a number behind # or a text in quotes.")


_USE_OF = {
    code: msgspec.json.encode({"system": URL, "code": code, "display": text}).decode()
    for code, text in _USES.items()
}
