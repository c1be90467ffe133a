"""Generated extractors find what FHIRPath finds, for every type, every parameter, every resource.

The slow way: the interpreter evaluates each SearchParameter's expression on the tree, aliases not
used; what it finds is made into rows. The fast way: `extract`. Parameters that share the rows of
others are then looked up where the registry says that their rows are.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from careplane.fhir.codec.json import dump as dump_json
from careplane.fhir.codec.json import parse as parse_json
from careplane.fhir.definitions import RESOURCE_TYPES, SearchParam
from careplane.fhir.fhirpath import Environment, Node, evaluate, root_node
from careplane.fhir.structs import decoder, struct
from careplane.fhir.tree import Tree
from careplane.fhir.validation import check
from careplane.kernel.errors import Incorrect
from careplane.search.compile.aliases import is_restricted
from careplane.search.compile.source import parameters_of
from careplane.search.errata import r4_search_parameters
from careplane.search.extract import extract
from careplane.search.registry import ALIASES
from careplane.search.rows import Param, Rows, part
from careplane.search.values import date, number, quantity, reference, string, token, uri
from tests.laws.full import Full
from tests.support import test_data

DEFINITIONS = r4_search_parameters()
BY_ID = {d.id: d for d in DEFINITIONS}
Put = Callable[[Rows, Param, Any], None]
TEXTS = ("string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid")
MEASURES = ("Quantity", "Age", "Count", "Distance", "Duration")
SLOW: dict[str, dict[str, Put]] = {
    "token": {
        "CodeableConcept": lambda r, p, v: token.concept(r, p, None, v),
        "Coding": lambda r, p, v: token.coding(r, p, None, v),
        "Identifier": lambda r, p, v: token.identifier(r, p, None, None, v),
        "ContactPoint": token.contact,
        "boolean": token.boolean,
        **dict.fromkeys(TEXTS, token.plain),
    },
    "string": {"HumanName": string.name, "Address": string.address}
    | dict.fromkeys(("string", "markdown", "code"), string.text),
    "reference": {"Reference": lambda r, p, v: reference.reference(r, p, None, None, v)}
    | dict.fromkeys(("uri", "url", "canonical", "oid", "uuid"), reference.link),
    "uri": dict.fromkeys(("uri", "url", "canonical", "oid", "uuid"), uri.uri),
    "date": {"Period": date.period, "Timing": date.timing}
    | dict.fromkeys(("date", "dateTime", "instant"), date.moment),
    "number": {"Range": number.between}
    | dict.fromkeys(("integer", "decimal", "positiveInt", "unsignedInt"), number.number),
    "quantity": {
        "Money": quantity.money,
        "Range": quantity.between,
        "SampledData": quantity.sampled,
        **dict.fromkeys(MEASURES, quantity.quantity),
    },
}
KINDS = ("tokens", "strings", "references", "uris", "dates", "numbers", "quantities")


def named(target: str) -> Tree | None:
    """A resource of the type that a reference names; no more is asked of it."""
    parts = target.split("/_history/")[0].split("/")
    return {"resourceType": parts[-2]} if len(parts) > 1 and parts[-2] in RESOURCE_TYPES else None


def slow(tree: Tree) -> Rows:
    """The rows without derived ones and groups."""
    rows, root = Rows(), root_node(tree)
    for name, definition in parameters_of(str(tree["resourceType"]), DEFINITIONS).items():
        if definition.type not in ("composite", "special"):
            put(rows, Param(name), definition, definition.expression, root, root)
    return rows


def put(
    rows: Rows, param: Param, definition: SearchParam, expression: str, at: Node, root: Node
) -> None:
    environment = Environment(resolver=named, resource=root)
    for found in evaluate(expression, at, environment):
        for value in opened(found):
            add(rows, param, definition, value)


def opened(found: Any) -> list[Any]:
    is_extension = isinstance(found, Node) and found.type == "Extension"
    return found.child("value") if is_extension else [found]


def add(rows: Rows, param: Param, definition: SearchParam, value: Any) -> None:
    if isinstance(value, bool):
        token.boolean(rows, param, value)
    elif isinstance(value, Node) and value.name == "resource" and value.is_resource:
        wanted = {"composition": "Composition", "message": "MessageHeader"}[definition.code]
        raw = msgspec.Raw(json.dumps(value.value, default=str).encode())
        reference.inner(rows, param, raw, wanted)
    else:
        maker = SLOW[definition.type].get(value.type)
        if maker is not None and value.value is not None:
            maker(rows, param, plain(value))


def plain(node: Node) -> Any:
    if not isinstance(node.value, dict):
        return node.value
    return msgspec.convert(node.value, struct(node.type), strict=False)


def groups(tree: Tree) -> Iterator[tuple[Param, list[set[Any]]]]:
    root = root_node(tree)
    for name, definition in parameters_of(str(tree["resourceType"]), DEFINITIONS).items():
        if definition.type == "composite":
            for group in evaluate(definition.expression, root, Environment(resource=root)):
                assert isinstance(group, Node)
                rows = Rows()
                for n, component in enumerate(definition.components):
                    of = BY_ID[component.definition]
                    put(rows, part(Param(name), n), of, component.expression, group, root)
                parts = [row for kind in KINDS for row in getattr(rows, kind)]
                if len({row.param for row in parts}) == len(definition.components):
                    yield Param(name), sorted({repr(row[1:]) for row in parts})


def by_param(rows: Rows) -> dict[tuple[str, str], set[Any]]:
    found: dict[tuple[str, str], set[Any]] = {}
    for kind in KINDS:
        for row in getattr(rows, kind):
            if ":" not in row.param:
                found.setdefault((kind, row.param), set()).add(row[1:])
    return found


def law(tree: Tree, raw: bytes) -> None:
    type_name = str(tree["resourceType"])
    fast = extract(decoder(type_name).decode(raw))
    have, want = by_param(fast), by_param(slow(tree))
    definitions = parameters_of(type_name, DEFINITIONS)
    for name, definition in definitions.items():
        homes = ALIASES.get(Param(name), (Param(name),))
        for kind in KINDS:
            expected = want.get((kind, name), set())
            actual = {row for home in homes for row in have.get((kind, home), set())}
            if homes != (name,) and is_restricted(type_name, definition):
                assert expected <= actual, name
                wanted = {
                    row for row in actual if kind == "references" and row[0] in definition.targets
                }
                assert wanted <= expected or len(definition.targets) > 1, name
            else:
                assert expected == actual, name
    for kind in KINDS:
        values = getattr(fast, kind)
        assert len(set(values)) == len(values)
    compare_groups(tree, fast)


def compare_groups(tree: Tree, fast: Rows) -> None:
    want: dict[str, list[Any]] = {}
    for param, parts in groups(tree):
        for home in ALIASES.get(param, (param,)):
            want.setdefault(home, [])
        if param not in ALIASES:
            want[param].append(parts)
    for param, expected in want.items():
        actual = [
            sorted({repr(row[1:]) for kind in KINDS for row in getattr(group.parts, kind)})
            for group in fast.composites
            if group.param == param
        ]
        assert sorted(map(repr, actual)) == sorted({repr(group) for group in expected}), param


EXAMPLES = (Path(__file__).parent / "resources.ndjson").read_bytes().splitlines()


@pytest.mark.parametrize("raw", EXAMPLES, ids=lambda raw: json.loads(raw)["resourceType"])
def test_of_one_resource_of_each_type(raw: bytes) -> None:
    law(parse_json(raw), raw)


@pytest.mark.parametrize("type_name", RESOURCE_TYPES)
def test_of_every_element_of_each_type(type_name: str) -> None:
    for variant in range(3):
        raw = dump_json({**Full(variant).resource(type_name), "id": "x"})
        law(parse_json(raw), raw)


@pytest.mark.slow
def test_of_published_examples() -> None:
    seen = set()
    with tarfile.open(test_data("us-core", "us_core_610.tgz")) as package:
        for member in package:
            file = package.extractfile(member)
            if file is not None and member.name.endswith(".json"):
                raw = file.read()
                tree = json.loads(raw)
                if tree.get("resourceType") in RESOURCE_TYPES and is_valid(raw):
                    law(parse_json(raw), raw)
                    seen.add(tree["resourceType"])
    assert len(seen) > 20


def is_valid(raw: bytes) -> bool:
    try:
        check(raw)
    except Incorrect:
        return False
    return True


@pytest.mark.slow
def test_of_synthetic_records() -> None:
    files = sorted(test_data("synthea-r4").rglob("*.json.gz"))[:3]
    assert files
    for file in files:
        for entry in json.loads(gzip.decompress(file.read_bytes()))["entry"]:
            raw = json.dumps(entry["resource"]).encode()
            law(parse_json(raw), raw)
