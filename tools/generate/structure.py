"""StructureDefinitions read into plain rows, that the tables and the structs are written from.

Only a type's own elements are kept; inherited ones are found through `base`. A backbone is a type
of its own, named by its path (`Observation.component`), and a contentReference names that type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tools.generate.source import Json, Package

PREFIX = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = PREFIX + "structuredefinition-fhir-type"
REGEX = PREFIX + "regex"
OPEN = "*"
# The choice `value[x]` of Extension and others offers every data type: written as OPEN.
OPEN_CHOICE_SIZE = 50
KINDS = {"resource": "resource", "complex-type": "complex", "primitive-type": "primitive"}
# Two types that the snapshot states wider than the text of the specification does.
NARROWER = {"Resource.id": "id", "Extension.url": "uri"}
SIMPLE_QUANTITY = PREFIX + "SimpleQuantity"

Invariant = tuple[str, str, str, str]


@dataclass
class ElementRow:
    """One element, as it stands in the snapshot of the type that introduces it."""

    name: str
    types: tuple[str, ...]
    min: int
    max: int | None
    flags: str = ""
    targets: tuple[str, ...] = ()
    binding: tuple[str, str] | None = None
    invariants: tuple[Invariant, ...] = ()

    def as_row(self) -> tuple[object, ...]:
        """The tuple that is written, without the defaults at its end."""
        row = [
            self.name,
            OPEN if len(self.types) >= OPEN_CHOICE_SIZE else self.types,
            self.min,
            self.max,
            self.flags,
            self.targets,
            self.binding,
            self.invariants,
        ]
        while row[-1] in ("", (), None) and len(row) > 4:
            row.pop()
        return tuple(row)


@dataclass
class TypeRow:
    """A resource, data type, primitive or backbone."""

    name: str
    kind: str
    base: str
    abstract: bool = False
    elements: list[ElementRow] = field(default_factory=list)
    invariants: tuple[Invariant, ...] = ()
    regex: str = ""


def read_types(package: Package) -> dict[str, TypeRow]:
    """Every type of R4, by name."""
    definitions = [d for d in package["StructureDefinition"].values() if _is_type(d)]
    simple = package["StructureDefinition"][SIMPLE_QUANTITY]["snapshot"]["element"][0]
    sqty = tuple(_invariant(c) for c in simple["constraint"] if c["key"].startswith("sqty"))
    types: dict[str, TypeRow] = {}
    for definition in sorted(definitions, key=lambda d: str(d["name"])):
        for row in _rows(definition, sqty):
            types[row.name] = row
    return types


def _is_type(definition: Json) -> bool:
    return (
        definition["kind"] in KINDS
        and definition.get("derivation") != "constraint"
        and str(definition["url"]).startswith(PREFIX)
    )


def _rows(definition: Json, sqty: tuple[Invariant, ...]) -> Iterator[TypeRow]:
    name = str(definition["name"])
    snapshot = definition["snapshot"]["element"]
    head = TypeRow(
        name,
        KINDS[definition["kind"]],
        str(definition.get("baseDefinition", "")).removeprefix(PREFIX),
        bool(definition["abstract"]),
        invariants=_own_invariants(snapshot[0], name),
    )
    found = {name: head}
    for element in snapshot[1:]:
        path = str(element["path"])
        parent, _, _ = path.rpartition(".")
        if head.kind == "primitive":
            head.regex = head.regex or _regex(element)
            continue
        row = _element(element, name, sqty)
        if _is_own(element, name):
            found[parent].elements.append(row)
        if _is_backbone(element):
            found[path] = TypeRow(
                path, "backbone", element["type"][0]["code"], invariants=row.invariants
            )
            # The invariants of a backbone belong to its type, so that they are held once.
            row.invariants = ()
    yield from found.values()


def _is_own(element: Json, name: str) -> bool:
    return str(element["base"]["path"]).partition(".")[0] == name


def _is_backbone(element: Json) -> bool:
    """An element whose children are listed under it in the same snapshot."""
    codes = [t["code"] for t in element.get("type", ())]
    return codes in (["BackboneElement"], ["Element"])


def _element(element: Json, owner: str, sqty: tuple[Invariant, ...]) -> ElementRow:
    path = str(element["path"])
    types = _types(element)
    simple = any(SIMPLE_QUANTITY in t.get("profile", ()) for t in element.get("type", ()))
    binding = element.get("binding")
    return ElementRow(
        path.rpartition(".")[2].removesuffix("[x]"),
        types,
        int(element["min"]),
        None if element["max"] == "*" else int(element["max"]),
        _flags(element),
        _targets(element),
        (binding["strength"], binding["valueSet"].partition("|")[0])
        if binding and "valueSet" in binding
        else None,
        _own_invariants(element, owner) + (sqty if simple else ()),
    )


def _types(element: Json) -> tuple[str, ...]:
    path = str(element["path"])
    if "contentReference" in element:
        return (str(element["contentReference"]).removeprefix("#"),)
    if _is_backbone(element):
        return (path,)
    if path in NARROWER or element["base"]["path"] in NARROWER:
        return (NARROWER[element["base"]["path"]],)
    return tuple(dict.fromkeys(_type_code(t) for t in element["type"]))


def _type_code(entry: Json) -> str:
    for extension in entry.get("extension", ()):
        if extension["url"] == FHIR_TYPE:
            return str(extension["valueUrl"])
    return "string" if entry["code"].endswith("System.String") else str(entry["code"])


def _flags(element: Json) -> str:
    found = [
        ("C", element["path"].endswith("[x]")),
        ("M", element.get("isModifier")),
        ("S", element.get("isSummary")),
        ("A", "xmlAttr" in element.get("representation", ())),
    ]
    return "".join(letter for letter, holds in found if holds)


def _targets(element: Json) -> tuple[str, ...]:
    found = [
        p.removeprefix(PREFIX) for t in element.get("type", ()) for p in t.get("targetProfile", ())
    ]
    return tuple(dict.fromkeys(found))


def _own_invariants(element: Json, owner: str) -> tuple[Invariant, ...]:
    """The constraints that this element states itself, not those of its type or its base."""
    own = [
        c
        for c in element.get("constraint", ())
        if str(c.get("source", PREFIX + owner)).removeprefix(PREFIX) == owner
        and c["key"] != "ele-1"
    ]
    if owner == "Extension" and "." in element["path"]:
        return ()
    return tuple(_invariant(c) for c in own)


def _invariant(constraint: Json) -> Invariant:
    return (
        str(constraint["key"]),
        str(constraint["severity"]),
        " ".join(str(constraint["human"]).split()),
        str(constraint["expression"]),
    )


def _regex(element: Json) -> str:
    for entry in element.get("type", ()):
        for extension in entry.get("extension", ()):
            if extension["url"] == REGEX and element["path"].endswith(".value"):
                return str(extension["valueString"])
    return ""
