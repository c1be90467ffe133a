"""The stored form of a resource: ours in front, the client's bytes behind."""

from __future__ import annotations

import gzip
import json as stdlib

import pytest

from careplane.fhir.codec import envelope, json
from careplane.fhir.validation import check
from tests.support import test_data

LAST = "2026-11-24T10:00:00.000Z"
HEAD = (
    b'{"resourceType":"Patient","id":"new","meta":{"versionId":"7","lastUpdated":"'
    + LAST.encode()
    + b'"'
)

RESTS = [
    (
        b'{"resourceType":"Patient","id":"a","meta":{"tag":[{"code":"}"},{"code":"b"}]},"active":true}',
        b',"tag":[{"code":"}"},{"code":"b"}]},"active":true}',
    ),
    (
        b'{"resourceType":"Patient","id":"a","meta":{"tag":['
        + b",".join([b'{"code":"x"}'] * 9)
        + b"]}}",
        b',"tag":[' + b",".join([b'{"code":"x"}'] * 9) + b"]}}",
    ),
    (
        b'{"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"b","code":{"text":"x"},'
        b'"meta":{"tag":[{"code":"y"}]}}],"meta":{"source":"http://x"},"active":true,'
        b'"link":[{"other":{"reference":"#b"},"type":"refer"}]}',
        b',"source":"http://x"},"contained":[{"resourceType":"Basic","id":"b","code":{"text":"x"},'
        b'"meta":{"tag":[{"code":"y"}]}}],"active":true,'
        b'"link":[{"other":{"reference":"#b"},"type":"refer"}]}',
    ),
    (b'{"resourceType":"Patient"}', b"}}"),
    (b'{"resourceType":"Patient","id":"old"}', b"}}"),
    (b'{"resourceType":"Patient","active":true}', b'},"active":true}'),
    (b'{ "active" : true, "resourceType" : "Patient" }', b'},"active":true}'),
    (b'{"resourceType":"Patient","meta":{"versionId":"1","lastUpdated":"2020-01-01T10:00:00Z"}}',
     b"}}"),
    (
        b'{"resourceType":"Patient","id":"old","meta":{"profile":["x"],"versionId":"1",'
        b'"_versionId":{"id":"a"}},"active":true}',
        b',"profile":["x"]},"active":true}',
    ),
    (
        b'{"resourceType":"Patient","extension":[{"url":"x","valueDecimal":1.00}],"meta":{"tag":[{"code":"t"}]}}',
        b',"tag":[{"code":"t"}]},"extension":[{"url":"x","valueDecimal":1.00}]}',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "rest"), RESTS)
def test_the_rest(raw: bytes, rest: bytes) -> None:
    found = check(raw).rest
    assert found == rest
    assert envelope.join("Patient", "new", 7, LAST, found) == HEAD + rest


@pytest.mark.parametrize("raw", [raw for raw, _ in RESTS])
def test_joined_it_says_the_same(raw: bytes) -> None:
    joined = json.parse(envelope.join("Patient", "new", 7, LAST, check(raw).rest))
    sent = json.parse(raw)
    meta = {
        k: v
        for k, v in sent.pop("meta", {}).items()
        if k.strip("_") not in ("versionId", "lastUpdated")
    }
    assert joined.pop("meta") == {"versionId": "7", "lastUpdated": LAST, **meta}
    assert joined == {**sent, "id": "new"}


@pytest.mark.parametrize("raw", [raw for raw, _ in RESTS])
def test_the_quick_way_is_the_long_way(raw: bytes) -> None:
    found = check(raw)
    assert json.parse(b"{" + b'"meta":{"a":1' + found.rest) == json.parse(
        b'{"meta":{"a":1' + envelope.split(raw)
    )


@pytest.mark.slow
def test_synthetic_patients_are_split_and_joined() -> None:
    file = sorted(test_data("synthea-r4").glob("*.gz"))[0]
    for entry in stdlib.loads(gzip.decompress(file.read_bytes()))["entry"]:
        raw = stdlib.dumps(entry["resource"]).encode()
        joined = json.parse(envelope.join("X", "new", 7, LAST, check(raw).rest))
        sent = json.parse(raw)
        meta = joined.pop("meta")
        assert meta == {"versionId": "7", "lastUpdated": LAST, **sent.pop("meta", {})}
        assert joined == {**sent, "resourceType": "X", "id": "new"}
