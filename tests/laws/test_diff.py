"""The law of differences: applied to the one resource, they make the other."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplane.fhir.codec import json
from careplane.fhir.patch.diff import difference
from careplane.fhir.patch.fhirpath_patch import apply_parameters
from tests.support import ROOT

LINES = (ROOT / "tests/laws/resources.ndjson").read_bytes().splitlines()
TREES = [json.parse(line) for line in LINES if line]


def check(old: dict[str, Any], new: dict[str, Any]) -> None:
    before = copy.deepcopy((old, new))
    found = difference(old, new)
    if len(found.get("parameter", ())) > 900:
        return  # more than a patch may have
    made = apply_parameters(old, json.parse(json.dump(found)))
    assert json.dump(_sorted(made)) == json.dump(_sorted({**new, "id": old.get("id")}))
    assert (old, new) == before


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _sorted(value[k]) for k in sorted(value) if value[k] is not None}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


_FIXED = ("resourceType", "id", "url")


def cut(draw: Any, tree: Any) -> Any:
    """The tree with some things gone, doubled or turned round."""
    if isinstance(tree, list):
        found = [cut(draw, one) for one in tree]
        match draw(st.integers(0, 5)):
            case 0 if len(found) > 1:
                return found[1:]
            case 1 if len(found) > 1:
                return found[:-1]
            case 2:
                return [*found, copy.deepcopy(found[0])]
            case 3:
                return found[::-1]
        return found
    if isinstance(tree, dict):
        gone = {
            k.lstrip("_") for k in sorted(tree) if k not in _FIXED and not draw(st.integers(0, 6))
        }
        halves = {k.lstrip("_") for k in tree if k.startswith("_")}  # these two stay as they are
        kept = {
            k: copy.deepcopy(v) if k.lstrip("_") in halves else cut(draw, v)
            for k, v in tree.items()
            if k.lstrip("_") not in gone
        }
        return kept or copy.deepcopy(tree)
    return tree


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_of_a_resource_and_what_is_left_of_it(data: Any) -> None:
    old = data.draw(st.sampled_from(TREES))
    new = cut(data.draw, old)
    check(old, new)
    check(new, old)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_of_any_two_of_a_type(data: Any) -> None:
    type = data.draw(st.sampled_from(["Patient", "Observation", "Questionnaire", "Bundle"]))
    some = [tree for tree in TREES if tree["resourceType"] == type]
    if len(some) > 1:
        check(data.draw(st.sampled_from(some)), data.draw(st.sampled_from(some)))
