"""A file in the record (R4): a Binary with its bytes, and a DocumentReference that says what it is.

The bytes stand apart, so that lists of documents are not as large as the documents. The Binary's
securityContext is the patient, which puts it into that patient's compartment.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from careplane.care.documents.types import Type
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Precondition
from careplane.records.files.checking import clean, file_name
from careplane.records.files.kinds import Kind

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
LEVELS = {"N": "normal", "R": "restricted", "V": "very restricted"}
_AUTHORS = (
    "Practitioner",
    "PractitionerRole",
    "Patient",
    "RelatedPerson",
    "Organization",
    "Device",
)


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a file by who puts it in: its type, title, the encounter that it belongs to
    (`Encounter/17`, or empty), when it was made (a dateTime, or empty) and how confidential it
    is."""

    type: Type
    title: str = ""
    encounter: str = ""
    made: str = ""
    level: str = "N"


@dataclass(frozen=True, slots=True)
class Author:
    """Who does something: `Practitioner/17` and a name."""

    id: str
    name: str

    def reference(self) -> Tree:
        """Of a person or device of the records; of others the name alone."""
        named: Tree = {"display": self.name} if self.name else {}
        if self.id.partition("/")[0] in _AUTHORS:
            named["reference"] = self.id
        return named


def binary(id: str, patient: str, kind: Kind, data: bytes, level: str) -> Tree:
    """The bytes, of a patient."""
    return {
        "resourceType": "Binary",
        "id": id,
        **_labelled(level),
        "contentType": kind.media,
        "securityContext": {"reference": f"Patient/{patient}"},
        "data": base64.b64encode(data).decode(),
    }


def reference(
    id: str, binary: str, patient: str, kind: Kind, name: str, data: bytes, said: Said,
    by: Author, at: str,
) -> Tree:  # fmt: skip
    """What the file is: size and SHA-1 of the bytes (R4 Attachment.hash), and what was said."""
    title = clean(said.title) or clean(name) or said.type.title
    made: dict[str, Any] = {"creation": said.made} if said.made else {}
    attachment: Tree = {
        "contentType": kind.media,
        "url": f"Binary/{binary}",
        "size": len(data),
        "hash": base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode(),
        "title": file_name(title, kind),
        **made,
    }
    tree: Tree = {
        "resourceType": "DocumentReference",
        "id": id,
        **_labelled(said.level),
        "status": "current",
        "docStatus": "final",
        "type": said.type.concept(),
        "subject": {"reference": f"Patient/{patient}"},
        "date": at,
        "author": [by.reference()],
        "description": title,
        "content": [{"attachment": attachment}],
    }
    if category := said.type.category():
        tree["category"] = category
    if said.level != "N":
        tree["securityLabel"] = [{"coding": [_label(said.level)]}]
    if said.encounter:
        tree["context"] = {"encounter": [{"reference": said.encounter}]}
    return tree


def withdrawn(tree: Tree, version: int) -> Tree:
    """As entered in error. Raises Conflict where it is already, Precondition where it has changed
    since it was seen."""
    if tree.get("status") == "entered-in-error":
        raise Conflict("The document is marked as entered in error already.")
    require_version(tree, version)
    return {**tree, "status": "entered-in-error", "docStatus": "entered-in-error"}


def require_version(tree: Tree, version: int) -> None:
    """Raises Precondition where it has changed since it was seen."""
    if int(tree["meta"]["versionId"]) != version:
        raise Precondition("The document has changed since you opened it. Look at it again.")


def _label(level: str) -> Tree:
    return {"system": CONFIDENTIALITY, "code": level, "display": LEVELS[level]}


def _labelled(level: str) -> Tree:
    return {"meta": {"security": [_label(level)]}} if level != "N" else {}
