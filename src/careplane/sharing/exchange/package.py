"""What leaves with a referral, and what becomes of it where it comes in. Pure.

A package is a Bundle (collection) of the ServiceRequest, the Patient and documents that hold their
files. Nothing in it refers to a record: what is copied is named here, element by element.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import TooLarge

FHIR: Final = "application/fhir+json"
LARGEST: Final = 3_000_000
"""Bytes of a package."""
_PATIENT: Final = ("identifier", "name", "telecom", "gender", "birthDate", "address",
                   "communication")  # fmt: skip
_REQUEST: Final = ("category", "priority", "code", "occurrenceDateTime", "authoredOn",
                   "reasonCode", "note", "patientInstruction")  # fmt: skip
_DOCUMENT: Final = ("type", "category", "date", "description", "securityLabel")
_ATTACHMENT: Final = ("contentType", "language", "title", "creation", "data")
_IPS: Final = {"coding": [{"system": "http://loinc.org", "code": "60591-5",
                           "display": "Patient summary Document"}]}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Package:
    """One that was opened."""

    request: Tree
    patient: Tree
    documents: tuple[Tree, ...]


def packed(request: Tree, patient: Tree, documents: Sequence[Tree], now: str) -> str:
    """A package as it travels, in base64. Raises TooLarge."""
    sent = _some(request, _REQUEST)
    asked = str(request.get("requester", {}).get("display", ""))
    bundle: Tree = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": now,
        "entry": [
            {"resource": one}
            for one in (
                {"resourceType": "ServiceRequest", "status": "active", "intent": "order", **sent,
                 "identifier": [{"value": str(request["id"])}],
                 **({"requester": {"display": asked}} if asked else {})},
                {"resourceType": "Patient", **_some(patient, _PATIENT)},
                *documents,
            )
        ],
    }  # fmt: skip
    raw = json.dump(bundle)
    if len(raw) > LARGEST:
        raise TooLarge(f"What is sent with a referral has {LARGEST} bytes at most; choose less.")
    return base64.b64encode(raw).decode()


def opened(task: Tree) -> Package | None:
    """What came with a Task; None where that is gone."""
    for one in task.get("input", ()):
        attachment = one.get("valueAttachment", {})
        if attachment.get("contentType") == FHIR and "data" in attachment:
            bundle = json.parse(base64.b64decode(str(attachment["data"])))
            found: dict[str, list[Tree]] = {}
            for entry in bundle.get("entry", ()):
                found.setdefault(str(entry["resource"]["resourceType"]), []).append(
                    entry["resource"]
                )
            return Package(
                found["ServiceRequest"][0], found["Patient"][0],
                tuple(found.get("DocumentReference", ())),
            )  # fmt: skip
    return None


def document(tree: Tree, files: Mapping[str, str]) -> Tree:
    """A DocumentReference as it travels: `files` are the bytes (base64) of its addresses."""
    made: Tree = {"resourceType": "DocumentReference", "status": "current",
                  **_some(tree, _DOCUMENT)}  # fmt: skip
    security = tree.get("meta", {}).get("security")
    if security:
        made["meta"] = {"security": security}
    made["content"] = [
        {"attachment": _some({**one["attachment"], **_held(one["attachment"], files)}, _ATTACHMENT)}
        for one in tree.get("content", ())
    ]
    return made


def summary(bundle: Tree, now: str) -> Tree:
    """The International Patient Summary as a document that travels."""
    data = base64.b64encode(json.dump(bundle)).decode()
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": _IPS,
        "date": now,
        "description": "International Patient Summary",
        "content": [{"attachment": {"contentType": FHIR, "data": data,
                                    "title": "International Patient Summary"}}],
    }  # fmt: skip


def newcomer(package: Package) -> Tree:
    """The Patient, to be registered."""
    return {"resourceType": "Patient", "active": True, **_some(package.patient, _PATIENT)}


def request(package: Package, patient: str, performer: Tree) -> Tree:
    """The order, as one of a patient here."""
    return {**package.request, "subject": {"reference": f"Patient/{patient}"},
            "performer": [performer]}  # fmt: skip


def filed(tree: Tree, patient: str, sender: str, request: str) -> Tree:
    """A document that came in, in the record of a patient."""
    return {
        **tree,
        "subject": {"reference": f"Patient/{patient}"},
        "author": [{"display": sender}],
        "context": {"related": [{"reference": f"ServiceRequest/{request}"}]},
    }


def _held(attachment: Tree, files: Mapping[str, str]) -> Tree:
    found = files.get(str(attachment.get("url", "")))
    return {"data": found} if found is not None and "data" not in attachment else {}


def _some(tree: Tree, names: Sequence[str]) -> Tree:
    return {name: tree[name] for name in names if name in tree}
