"""The concepts of a CodeSystem resource, in memory (FHIR R4, 4.8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import cast

from careplane.fhir.tree import Tree
from careplane.terminology.concepts import (
    About,
    Concept,
    Content,
    Designation,
    Filter,
    Meaning,
    Property,
    Selection,
)
from careplane.terminology.filters import Test, test_of
from careplane.terminology.words import asked, found_in

_CONCEPT_PROPERTIES = "http://hl7.org/fhir/concept-properties#"
_STATUS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"
_RETIRED = ("retired", "inactive")
_BUILT_IN = ("code", "concept", "display", "definition", "inactive", "parent", "child")


class ResourceConcepts:
    """`Concepts` of a CodeSystem. The tree is kept, and not changed; nothing is made of it before
    somebody asks."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._tests: dict[tuple[Filter, ...], tuple[Test, ...]] = {}

    @cached_property
    def about(self) -> About:
        return about(self._tree)

    async def find(self, code: str) -> Concept | None:
        return self._get(code)

    async def many(self, codes: Sequence[str]) -> dict[str, Concept]:
        found = ((code, self._get(code)) for code in codes)
        return {code: concept for code, concept in found if concept is not None}

    async def children(self, code: str) -> Sequence[str]:
        return self.right_below(self._code(code))

    async def ancestors(self, code: str) -> Sequence[str]:
        return self._ancestors(self._code(code))

    async def is_a(self, code: str, of: str) -> bool:
        one, other = self._get(code), self._get(of)
        if one is None or other is None:
            return False
        return one.code == other.code or other.code in self._ancestors(one.code)

    async def meets(self, code: str, filters: Sequence[Filter]) -> bool:
        concept = self._get(code)
        tests = self._made(tuple(filters))
        return concept is not None and all(test(concept) for test in tests)

    async def select(
        self, selection: Selection, *, after: str = "", skip: int = 0, limit: int = 1000
    ) -> Sequence[Concept]:
        found: list[Concept] = []
        start = self._place.get(after, -1) + 1 if after else 0
        for concept in self._selected(selection, start):
            if skip:
                skip -= 1
                continue
            if len(found) == limit:
                break
            found.append(concept)
        return found

    async def count(self, selection: Selection) -> int:
        if selection == Selection():
            return len(self._list)
        return sum(1 for _ in self._selected(selection, 0))

    def above(self, code: str) -> frozenset[str]:
        """All codes above one."""
        return frozenset(self._ancestors(self._code(code)))

    def below(self, code: str) -> frozenset[str]:
        """All codes below one."""
        found: set[str] = set()
        waiting = list(self.right_below(self._code(code)))
        while waiting:
            child = waiting.pop()
            if child not in found:
                found.add(child)
                waiting.extend(self.right_below(child))
        return frozenset(found)

    def right_below(self, code: str) -> tuple[str, ...]:
        """The children."""
        return self._children.get(code, ())

    def has_property(self, code: str) -> bool:
        """Whether the code system knows this property."""
        return code in _BUILT_IN or code in self.about.properties or code in self._used

    def _get(self, code: str) -> Concept | None:
        found = self._index.get(code)
        if found is None and not self.about.case_sensitive:
            found = self._index.get(self._folded.get(code.casefold(), ""))
        return found

    def _code(self, code: str) -> str:
        found = self._get(code)
        return code if found is None else found.code

    def _made(self, filters: tuple[Filter, ...]) -> tuple[Test, ...]:
        if filters not in self._tests:
            if len(self._tests) > 64:
                self._tests.clear()
            self._tests[filters] = tuple(test_of(f, self) for f in self._written(filters))
        return self._tests[filters]

    def _written(self, filters: tuple[Filter, ...]) -> Iterator[Filter]:
        """Filters with codes as the code system writes them."""
        for one in filters:
            known = self._code(one.value) if one.property in ("concept", "code") else one.value
            yield one if known == one.value else replace(one, value=known)

    def _selected(self, selection: Selection, start: int) -> Iterator[Concept]:
        tests = self._made(selection.filters)
        wanted = asked(selection.text)
        for concept in self._list[start:] if start else self._list:
            if selection.active_only and concept.inactive:
                continue
            if wanted and not found_in(wanted, _names(concept)):
                continue
            if all(test(concept) for test in tests):
                yield concept

    def _ancestors(self, code: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        waiting = [code]
        for one in waiting:
            concept = self._index.get(one)
            for parent in () if concept is None else concept.parents:
                if parent not in found and parent != code:
                    found[parent] = None
                    waiting.append(parent)
        return tuple(found)

    @cached_property
    def _list(self) -> tuple[Concept, ...]:
        return tuple(self._index.values())

    @cached_property
    def _place(self) -> dict[str, int]:
        return {concept.code: place for place, concept in enumerate(self._list)}

    @cached_property
    def _index(self) -> dict[str, Concept]:
        return concepts(self._tree)

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {code.casefold(): code for code in self._index}

    @cached_property
    def _used(self) -> frozenset[str]:
        return frozenset(p.code for concept in self._list for p in concept.properties)

    @cached_property
    def _children(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for concept in self._list:
            for parent in concept.parents:
                found.setdefault(parent, []).append(concept.code)
        return {parent: tuple(children) for parent, children in found.items()}


def about(tree: Tree) -> About:
    """What a CodeSystem resource says of itself."""
    header = {key: value for key, value in tree.items() if key != "concept"}
    return About(
        url=tree.get("url", ""),
        version=tree.get("version", ""),
        name=tree.get("name", ""),
        title=tree.get("title", ""),
        content=cast(Content, tree.get("content", "complete")),
        case_sensitive=tree.get("caseSensitive") is not False,
        hierarchy=cast(Meaning, tree.get("hierarchyMeaning", "")),
        language=tree.get("language", ""),
        status=tree.get("status", ""),
        experimental=tree.get("experimental") is True,
        value_set=tree.get("valueSet", ""),
        supplements=tree.get("supplements", ""),
        properties={p["code"]: p for p in tree.get("property", []) if "code" in p},
        filters={
            f["code"]: frozenset(f.get("operator", ()))
            for f in tree.get("filter", [])
            if "code" in f
        },
        header=header,
    )


def _names(concept: Concept) -> Iterator[str]:
    yield concept.display
    for designation in concept.designations:
        yield designation.value


def concepts(tree: Tree) -> dict[str, Concept]:
    """All concepts by code, each behind the one that it is nested in. Of a code that stands there
    twice, the first counts."""
    roles = _roles(tree)
    found: dict[str, Concept] = {}
    waiting: list[tuple[Tree, str]] = [(c, "") for c in reversed(tree.get("concept", []))]
    children: dict[str, list[str]] = {}
    while waiting:
        written, parent = waiting.pop()
        code = written.get("code", "")
        waiting.extend((c, code) for c in reversed(written.get("concept", [])))
        if code and code not in found:
            found[code] = _concept(written, parent, roles)
            for p in found[code].properties:
                if p.code == roles.get("child"):
                    children.setdefault(str(p.value), []).append(code)
    for child, parents in children.items():
        if child in found:
            found[child] = replace(
                found[child], parents=tuple(dict.fromkeys((*found[child].parents, *parents)))
            )
    return found


def _roles(tree: Tree) -> Mapping[str, str]:
    """Which property of the code system plays which part: by its uri, else by its code."""
    roles = {r: r for r in ("inactive", "status", "notSelectable", "parent", "child")}
    for written in tree.get("property", []):
        uri = written.get("uri", "")
        role = uri.removeprefix(_CONCEPT_PROPERTIES)
        if role != uri and role in roles and "code" in written:
            roles[role] = written["code"]
    return roles


def _concept(written: Tree, parent: str, roles: Mapping[str, str]) -> Concept:
    properties = tuple(_properties(written.get("property", [])))
    said = {p.code: p.value for p in properties}
    above = [parent] if parent else []
    above += [str(p.value) for p in properties if p.code == roles["parent"]]
    extension = tuple(written.get("extension", ()))
    status = said.get(roles["status"]) or _standards_status(extension)
    inactive = said.get(roles["inactive"])
    return Concept(
        code=written["code"],
        display=written.get("display", ""),
        definition=written.get("definition", ""),
        designations=tuple(map(designation, written.get("designation", ()))),
        properties=properties,
        parents=tuple(dict.fromkeys(above)),
        inactive=inactive is True or (inactive is None and status in _RETIRED),
        abstract=said.get(roles["notSelectable"]) is True,
        status=str(status or ""),
        extension=extension,
    )


def designation(written: Tree) -> Designation:
    """A designation as it is written in a code system or value set."""
    return Designation(
        written.get("value", ""),
        written.get("language", ""),
        written.get("use"),
        tuple(written.get("extension", ())),
    )


def _properties(written: Sequence[Tree]) -> Iterator[Property]:
    for one in written:
        for key, value in one.items():
            if key.startswith("value") and "code" in one:
                type = key[5:]
                yield Property(
                    one["code"], type[:1].lower() + type[1:] if type != "Coding" else type, value
                )


def _standards_status(extension: Sequence[Tree]) -> str:
    return next((str(e.get("valueCode", "")) for e in extension if e.get("url") == _STATUS), "")
