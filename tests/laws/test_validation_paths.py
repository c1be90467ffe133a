"""The law between the two paths of validation, held under mutations of valid resources.

Fast accepts => slow finds no error. Slow finds no error => `check` hands out the struct.
"""

from __future__ import annotations

import copy
import json as stdlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careplane.fhir.codec import json
from careplane.fhir.validation import check, errors, fast
from careplane.kernel.errors import Incorrect, Malformed
from tests.support import test_data

SEEDS = [
    stdlib.loads(text)
    for text in (Path(__file__).parent / "resources.ndjson").read_text("utf-8").splitlines()
]

VALUES: list[Any] = [
    None, "", " ", "x y", "x\ny", "x\x01", "x\ty", "\u00a0", 1, 0, -1, 1.5, 2**31, True, [], {},
    [None], [[]], ["x"], [{}], {"id": "x"}, {"x": 1}, {"extension": []}, {"id": "x", "id2": 1},
    {"extension": [{"url": "x", "valueCode": "y"}]}, [{"extension": [{"url": "x"}]}], [None, {}],
    "2021-02-29", "2020-02-29", "2020-02-30", "2020", "2020-13", "0000-01-01",
    "2020-01-01T24:00:00Z",
    "2020-01-01T10:00:00Z", "2020-01-01T10:00:00", "10:00:00", "final", "active", "1.00", "AAAA",
    "AAA", "urn:oid:1.2.3", "urn:uuid:7f8e5b4c-6d1a-4d4e-8a9b-000000000000", "#x", "Patient/1",
    {"resourceType": "Patient"}, [{"resourceType": "Patient"}], {"resourceType": "Nonsense"},
    {"reference": "Patient/1"}, {"coding": [{"system": "x", "code": "y"}]}, {"text": "x"},
    '<div xmlns="http://www.w3.org/1999/xhtml">x</div>', "<div>x</div>", 10**99, 10**101,
]  # fmt: skip
NAMES = [
    "id", "_id", "status", "_status", "extension", "modifierExtension", "contained", "value",
    "valueString", "_valueString", "valueInteger", "valueBoolean", "resourceType", "text", "div",
    "code", "system", "unknown", "_unknown", "language", "given", "_given", "birthDate",
    "_birthDate", "deceasedBoolean", "deceasedDateTime",
    "meta", "url", "reference", "period", "start", "class",
]  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a tree."""
    found: list[tuple[Any, Any]] = []
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        found.append((value, key))
        found.extend(places(inner))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The bytes of a valid resource after one to three changes, some of them to the bytes."""
    tree = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 3))):
        spots = places(tree)
        if not spots:
            break
        container, key = spots[draw(st.integers(0, len(spots) - 1))]
        match draw(st.sampled_from(["set", "delete", "add", "append", "sibling"])):
            case "set":
                container[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
            case "delete" if len(spots) > 3:
                del container[key]
            case "append" if isinstance(container, list):
                container.append(copy.deepcopy(draw(st.sampled_from(VALUES))))
            case "sibling" if isinstance(container, dict):
                container[f"_{key}"] = copy.deepcopy(draw(st.sampled_from(VALUES)))
            case _ if isinstance(container, dict):
                container[draw(st.sampled_from(NAMES))] = copy.deepcopy(
                    draw(st.sampled_from(VALUES))
                )
            case _:
                pass
    raw = stdlib.dumps(
        tree, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1]))
    )
    if draw(st.integers(0, 3)) == 0:
        raw = draw(byte_change(raw))
    return raw.encode("utf-8", "surrogatepass")


@st.composite
def byte_change(draw: st.DrawFn, text: str) -> str:
    """A change that trees cannot express: duplicate names, escapes, exponents, quoted numbers."""
    position = draw(st.integers(0, len(text)))
    old, new = draw(
        st.sampled_from(
            [
                ("{", '{"id": "a", '), ('"status":', '"status": "final", "status":'),
                (": ", ': 1e-3, "x": '), ("a", "\\u0061"), ('"', '\\u0022"'), ("e", "\\u0000"),
                (": 1", ": 1e2"), (": 1", ": 1e-5"), (": 1", ': "1"'), (": 1", ": 1E+3"),
                ("/", "\\/"), (" ", "\t"), ("}", ",}"), ("n", "\\n"), ("n", "\\b"),
                ("_", "\\u005f"),
                ('"extension"', '"e\\u0078tension"'), ('"value": 1', '"value": 1, "value": 1.5e-7'),
            ]
        )
    )  # fmt: skip
    return text[:position] + text[position:].replace(old, new, draw(st.sampled_from([1, -1])))


def assert_law(raw: bytes) -> None:
    accepted = fast.accept(raw)
    try:
        wrong = errors(json.parse(raw))
    except Malformed:
        assert accepted is None
        with pytest.raises(Malformed):
            check(raw)
        return
    if accepted is not None:
        assert wrong == []
    if wrong:
        with pytest.raises(Incorrect):
            check(raw)
    else:
        assert check(raw).struct is not None


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_the_paths_agree(raw: bytes) -> None:
    assert_law(raw)


@pytest.mark.soak
@settings(max_examples=5_000, deadline=None)
@given(mutated())
def test_the_paths_agree_at_length(raw: bytes) -> None:
    assert_law(raw)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda s: s["resourceType"])
def test_the_seeds_are_valid(seed: dict[str, Any]) -> None:
    raw = stdlib.dumps(seed).encode()
    assert_law(raw)
    check(raw)


@pytest.mark.slow
def test_the_paths_agree_on_the_official_examples() -> None:
    for file in sorted(test_data("fhir-test-cases", "r4", "examples").glob("*.json")):
        assert_law(file.read_bytes())
