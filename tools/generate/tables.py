"""The tables of `fhir/generated/`: types, codes, search parameters, compartments, operations."""

from __future__ import annotations

from collections.abc import Iterable

from tools.generate.source import Json, Package
from tools.generate.structure import OPEN_CHOICE_SIZE, PREFIX, TypeRow
from tools.generate.write import module, sequence, table

SEARCH_PREFIX = "http://hl7.org/fhir/SearchParameter/"
OPERATION_PREFIX = "http://hl7.org/fhir/OperationDefinition/"


def types_module(types: dict[str, TypeRow]) -> str:
    """All types with their own elements."""
    open_types = next(e.types for e in types["Extension"].elements if e.name == "value")
    assert len(open_types) >= OPEN_CHOICE_SIZE
    lines = []
    for row in types.values():
        head = (row.kind, row.base, row.abstract, row.regex, row.invariants)
        body = "".join(f"        {e.as_row()!r},\n" for e in row.elements)
        lines.append(f"    {row.name!r}: ({', '.join(map(repr, head))}, (\n{body}    )),\n")
    return module(
        "Every type of R4: kind, base, abstract, regex, invariants, own elements.",
        "from typing import Any\n",
        f"OPEN_TYPES: tuple[str, ...] = {open_types!r}\n",
        "TYPES: dict[str, tuple[Any, ...]] = {\n" + "".join(lines) + "}\n",
    )


def names_module(types: dict[str, TypeRow]) -> str:
    """The names of the concrete resources, apart from the large tables so that start is quick."""
    names = [t.name for t in types.values() if t.kind == "resource" and not t.abstract]
    return module(
        "The concrete resource types of R4.", sequence("RESOURCE_TYPES", "tuple[str, ...]", names)
    )


def codes_module(package: Package, types: dict[str, TypeRow]) -> str:
    """Value sets with a required binding and an enumerable content: (system, codes) pairs."""
    wanted = {
        element.binding[1]
        for row in types.values()
        for element in row.elements
        if element.binding and element.binding[0] == "required"
    }
    found: dict[str, object] = {}
    for url in sorted(wanted):
        content = expand(package, url)
        if content is not None:
            found[url] = content
    return module(
        "Codes of the value sets that R4 binds as required and lists in full.",
        table("CODES", "dict[str, tuple[tuple[str, tuple[str, ...]], ...]]", found),
    )


def expand(package: Package, url: str) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    """The codes of a value set, or None where its systems are outside of R4 (UCUM, BCP 13)."""
    value_set = package.by_type["ValueSet"].get(url)
    if value_set is None:
        return None
    parts = []
    for include in value_set["compose"]["include"]:
        codes = _included(package, include)
        if codes is None:
            return None
        parts.append((str(include["system"]), codes))
    return tuple(parts)


def _included(package: Package, include: Json) -> tuple[str, ...] | None:
    assert "filter" not in include
    assert "valueSet" not in include
    if "concept" in include:
        return tuple(str(c["code"]) for c in include["concept"])
    system = package.by_type["CodeSystem"].get(include["system"])
    if system is None or system["content"] != "complete":
        return None
    return tuple(_all_codes(system["concept"]))


def _all_codes(concepts: Iterable[Json]) -> Iterable[str]:
    for concept in concepts:
        yield str(concept["code"])
        yield from _all_codes(concept.get("concept", ()))


def search_module(package: Package) -> str:
    """Search parameters, one row each: id, code, type, bases, expression, the rest by name."""
    rows = []
    for url, parameter in package["SearchParameter"].items():
        name = url.removeprefix(SEARCH_PREFIX)
        # A few parameters on extensions come without base and expression: nothing to search in.
        if name.startswith("example") or "base" not in parameter:
            continue
        rows.append(
            (
                name,
                parameter["code"],
                parameter["type"],
                tuple(parameter["base"]),
                " ".join(parameter.get("expression", "").split()),
                tuple(parameter.get("target", ())),
                tuple(
                    (c["definition"].removeprefix(SEARCH_PREFIX), c["expression"])
                    for c in parameter.get("component", ())
                ),
                bool(parameter.get("multipleOr", True)),
                bool(parameter.get("multipleAnd", True)),
                tuple(parameter.get("comparator", ())),
                tuple(parameter.get("modifier", ())),
                tuple(parameter.get("chain", ())),
            )
        )
    return module(
        "Search parameters of R4 (columns: see fhir/definitions/search.py).",
        "from typing import Any\n",
        sequence("SEARCH_PARAMETERS", "tuple[tuple[Any, ...], ...]", rows),
    )


def compartments_module(package: Package) -> str:
    """Compartment -> resource type -> the search parameters that put a resource into it."""
    found = {}
    for definition in package["CompartmentDefinition"].values():
        if not definition["url"].endswith("/example"):
            found[str(definition["code"])] = {
                r["code"]: tuple(r["param"]) for r in definition["resource"] if r.get("param")
            }
    lines = []
    for code, members in sorted(found.items()):
        body = "".join(f"        {name!r}: {params!r},\n" for name, params in members.items())
        lines.append(f"    {code!r}: {{\n{body}    }},\n")
    return module(
        "Compartments of R4 and the search parameters that make a resource a member.",
        "COMPARTMENTS: dict[str, dict[str, tuple[str, ...]]] = {\n" + "".join(lines) + "}\n",
    )


def operations_module(package: Package) -> str:
    """Operations: name, code, places, whether they change state, parameters."""
    rows = []
    for url, operation in package["OperationDefinition"].items():
        name = url.removeprefix(OPERATION_PREFIX)
        if name.startswith("example"):
            continue
        rows.append(
            (
                name,
                operation["code"],
                tuple(operation.get("resource", ())),
                operation["system"],
                operation["type"],
                operation["instance"],
                bool(operation.get("affectsState", False)),
                tuple(_operation_parameter(p) for p in operation.get("parameter", ())),
            )
        )
    return module(
        "Operations of R4 (columns: see fhir/definitions/operations.py).",
        "from typing import Any\n",
        sequence("OPERATIONS", "tuple[tuple[Any, ...], ...]", rows),
    )


def _operation_parameter(parameter: Json) -> tuple[object, ...]:
    return (
        parameter["name"],
        parameter["use"],
        parameter["min"],
        None if parameter["max"] == "*" else int(parameter["max"]),
        parameter.get("type", ""),
        parameter.get("searchType", ""),
        tuple(p.removeprefix(PREFIX) for p in parameter.get("targetProfile", ())),
        tuple(_operation_parameter(p) for p in parameter.get("part", ())),
    )
