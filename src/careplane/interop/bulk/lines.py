"""Pages of an export as lines of NDJSON: stored bytes, joined; parsed only for `_elements`."""

from __future__ import annotations

from collections.abc import Sequence

from careplane.fhir.codec import json
from careplane.records.bodies import head, whole
from careplane.records.results import Version
from careplane.rest.shape import Shape, shaped


def lines(versions: Sequence[Version], elements: tuple[str, ...]) -> bytes:
    """One resource a line."""
    wanted = elements and versions and elements_of(elements, versions[0].type)
    if not wanted:
        return b"".join([b"%b%b\n" % (head(v).encode(), v.rest) for v in versions])
    shape = Shape(elements=wanted)
    return b"".join([shaped(whole(version), shape) + b"\n" for version in versions])


def elements_of(elements: tuple[str, ...], type: str) -> tuple[str, ...]:
    """Those of `_elements` that are about a type: `name`, and `Patient.name` of Patient."""
    own = f"{type}."
    return tuple(one for one in elements if "." not in one or one.startswith(own))


def deletions(versions: Sequence[Version]) -> bytes:
    """One line: a transaction that deletes them."""
    entries = [
        {"request": {"method": "DELETE", "url": f"{version.type}/{version.id}"}}
        for version in versions
    ]
    return json.dump({"resourceType": "Bundle", "type": "transaction", "entry": entries}) + b"\n"


def header(patient: str) -> bytes:
    """What stands before the resources of a patient where output is organized by patients."""
    reference = {"name": "header", "valueReference": {"reference": f"Patient/{patient}"}}
    return json.dump({"resourceType": "Parameters", "parameter": [reference]}) + b"\n"
