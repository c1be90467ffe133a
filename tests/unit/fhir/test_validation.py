"""Validation by table, and what bytes do that trees cannot."""

from __future__ import annotations

import json as stdlib
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplane.fhir.validation import check, problems, type_of
from careplane.kernel.errors import Incorrect, Invalid, Malformed

ADVICE = yaml.safe_load((Path(__file__).parent / "advice.yaml").read_text("utf-8"))
TABLE = yaml.safe_load((Path(__file__).parent / "validation.yaml").read_text("utf-8"))
CASES = [
    pytest.param(group["base"], case, id=f"{name}: {case['name']}")
    for name, group in TABLE.items()
    for case in group["cases"]
]


@pytest.mark.parametrize(("base", "case"), CASES)
def test_problems(base: str, case: dict[str, Any]) -> None:
    tree = {**stdlib.loads(base), **case.get("set", {})}
    for name in case.get("drop", ()):
        del tree[name]
    raw = stdlib.dumps(tree).encode()
    expected = sorted(case["issues"])
    assert _shown(problems(tree)) == expected
    if expected:
        with pytest.raises(Invalid) as caught:
            check(raw)
        assert _shown(caught.value.issues) == expected
    else:
        assert check(raw).struct is not None


@pytest.mark.parametrize("case", ADVICE, ids=lambda case: case["name"])
def test_rules_that_are_told_and_keep_nothing_out(case: dict[str, Any]) -> None:
    resource = case["resource"]
    assert check(stdlib.dumps(resource).encode())
    assert _shown(problems(resource, lambda url: case.get("known", {}).get(url))) == sorted(
        case["issues"]
    )


def _shown(issues: Any) -> list[str]:
    return sorted(f"{i.code} @ {i.where}" for i in issues if i.severity == "error")


def test_a_resource_of_another_type_than_expected() -> None:
    with pytest.raises(Invalid, match="Expected a resource of type Observation"):
        check(b'{"resourceType":"Patient"}', "Observation")


def test_a_name_that_stands_twice() -> None:
    with pytest.raises(Malformed):
        check(b'{"resourceType":"Patient","active":true,"active":true}')


def test_a_name_that_stands_twice_beside_a_number_that_is_written_longer() -> None:
    raw = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":1e-9,"value":1e-9}}'
    )
    with pytest.raises(Malformed):
        check(raw)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b'{"resourceType":"Patient"}', "Patient"),
        (b' { "active": true,\n"resourceType" : "Patient"}', "Patient"),
        (b'{"resourceType":"Nonsense"}', None),
        (b'{"resourceType":1}', None),
        (b"[]", None),
        (b"", None),
        (b'{"resourceType":"Pat', None),
    ],
)
def test_the_type_that_bytes_claim(raw: bytes, name: str | None) -> None:
    assert type_of(raw) == name


def test_what_is_checked() -> None:
    found = check(b'{"resourceType":"Patient","id":"a","active":true}', "Patient")
    assert (found.type, found.id) == ("Patient", "a")


BAD = {
    "deep": b'{"resourceType":"Patient","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "deep items": b'{"resourceType":"Questionnaire","status":"draft","item":'
    + b'[{"linkId":"a","type":"group","item":' * 5_000 + b'[{"linkId":"a","type":"group"}]'
    + b"}]" * 5_000 + b"}",
    "many references to nothing": b'{"resourceType":"Group","type":"person","actual":true,'
    b'"member":['
    + b",".join(b'{"entity":{"reference":"#%d"}}' % i for i in range(20_000)) + b'],"contained":['
    + b",".join(b'{"resourceType":"Patient","id":"a%d"}' % i for i in range(20_000)) + b"]}",
    "many link ids": b'{"resourceType":"Questionnaire","status":"draft","foo":1,"item":['
    + b",".join(b'{"linkId":"%d","type":"group"}' % i for i in range(20_000)) + b"]}",
    "deep contained": b'{"resourceType":"Patient","contained":[' * 1_000
    + b'{"resourceType":"Patient"}' + b"]}" * 1_000,
    "long number": b'{"resourceType":"Observation","valueQuantity":{"value":'
    + b"1" * 10**6 + b"}}",
    "long base64": b'{"resourceType":"Binary","contentType":"a/b","data":"' + b" " * 10**6 + b'!"}',
    "many unknown names": b'{"resourceType":"Patient",'
    + b",".join(b'"x%d":1' % i for i in range(100_000)) + b"}",
    "long date": b'{"resourceType":"Patient","birthDate":"' + b"2" * 10**6 + b'"}',
    "long code": b'{"resourceType":"Patient","language":"' + b"a " * 10**6 + b'"}',
    "long narrative": b'{"resourceType":"Patient","text":{"status":"generated","div":"'
    + b"<div>" * 10**6 + b'"}}',
    "long oid": b'{"resourceType":"ImagingStudy","series":[{"uid":"' + b"1." * 10**6 + b'"}]}',
}  # fmt: skip


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_soon(raw: bytes) -> None:
    start = time.process_time()
    with pytest.raises(Incorrect):
        check(raw)
    assert time.process_time() - start < 5


def test_issues_do_not_quote_what_was_sent() -> None:
    with pytest.raises(Invalid) as caught:
        check(b'{"resourceType":"Patient","birthDate":"Secretperson","gender":"Secretperson"}')
    assert all("Secretperson" not in issue.text for issue in caught.value.issues)


def test_many_contained_resources_take_linear_time() -> None:
    contained = [{"resourceType": "Patient", "id": f"a{i}"} for i in range(20_000)]
    member = [{"entity": {"reference": f"#a{i}"}} for i in reversed(range(20_000))]
    group = {"resourceType": "Group", "type": "person", "actual": True}
    raw = stdlib.dumps({**group, "contained": contained, "member": member}).encode()
    start = time.process_time()
    assert check(raw)
    assert time.process_time() - start < 5
