"""Pieces to units: a table of what a file holds and what the door is asked to store."""

from __future__ import annotations

import json
from typing import Any

import pytest

from careplane.interop.bulk.loading import units
from careplane.interop.bulk.loading.pieces import Format, Piece
from careplane.kernel.errors import CareplaneError

PATIENT = {"resourceType": "Patient", "id": "p1", "active": True}


def piece(value: Any, format: Format = "json") -> Piece:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Piece("x", format, data)


def bundle(*entries: dict[str, Any], type: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def asked(some: Piece, *, keep_ids: bool = False) -> list[tuple[str, str]]:
    made = json.loads(units.request(some, keep_ids=keep_ids).raw)
    return [(e["request"]["method"], e["request"]["url"]) for e in made.get("entry", ())]


PUT = {"resource": PATIENT, "request": {"method": "PUT", "url": "Patient/p1"}}
POST = {"fullUrl": "urn:uuid:1", "resource": PATIENT, "request": {"method": "POST", "url": "x"}}


@pytest.mark.parametrize(
    ("some", "expected"),
    [
        (piece(PATIENT), [("PUT", "Patient/p1")]),
        (piece(bundle(PUT)), [("PUT", "Patient/p1")]),
        (piece(bundle({"resource": PATIENT}, type="collection")), [("PUT", "Patient/p1")]),
        (piece(bundle({"resource": PATIENT}, type="document")), None),
        (piece(b'{"resourceType":"Patient","id":"a"}\n\n', "ndjson"), [("PUT", "Patient/a")]),
        (
            piece(b'<Patient xmlns="http://hl7.org/fhir"><id value="x"/></Patient>', "xml"),
            [("PUT", "Patient/x")],
        ),
        (
            piece(bundle({**POST, "request": {"method": "POST", "ifNoneExist": "identifier=1"}})),
            [("POST", "Patient")],
        ),
        (
            piece(
                bundle({"resource": PATIENT, "request": {"method": "PUT", "url": "Patient?a=1"}})
            ),
            [("PUT", "Patient?a=1")],
        ),
    ],
)
def test_a_piece_asks_for_updates(some: Piece, expected: list[tuple[str, str]] | None) -> None:
    if expected is None:
        [(method, url)] = asked(some)
        assert (method, url.split("/")[0]) == ("PUT", "Bundle")
    else:
        assert asked(some) == expected


def test_what_is_to_be_created_gets_the_same_new_id_every_time() -> None:
    [first] = asked(piece(bundle(POST)))
    assert first == asked(piece(bundle(POST)))[0]
    assert first != ("PUT", "Patient/p1")
    assert asked(piece(bundle(POST)), keep_ids=True) == [("PUT", "Patient/p1")]


def test_the_same_entry_in_another_file_is_another_resource() -> None:
    assert asked(piece(bundle(POST))) != asked(piece(bundle(POST, PUT)))[:1]


def test_the_bytes_of_a_resource_stay() -> None:
    raw = b'{"resourceType":"Observation","id":"o","valueQuantity":{"value":1.00}}'
    assert raw in units.request(piece(raw), keep_ids=False).raw


def test_a_line_that_is_no_resource_does_not_take_the_others_along() -> None:
    lines = b'{"resourceType":"Patient","id":"a"}\nnot json\n[]\n{"id":"x"}\n'
    made = units.request(piece(lines, "ndjson"), keep_ids=False)
    assert made.places == ("line 1",)
    assert [place for place, _ in made.refused] == ["line 2", "line 3", "line 4"]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"{",
        b"{}",
        b"[" * 100_000,
        b"\xff\xfe",
        {"resourceType": 1},
        bundle({"request": {"method": "PUT", "url": "Patient/1"}}),
        bundle({"resource": PATIENT, "request": {"method": "DELETE", "url": "Patient/1"}}),
        {"resourceType": "Bundle", "type": "transaction", "entry": 7},
    ],
)
def test_what_cannot_be_imported_has_a_reason(value: Any) -> None:
    with pytest.raises(CareplaneError):
        units.request(piece(value), keep_ids=False)
