"""Rules about single values: systems, identifiers, attachments, URIs (FHIR R4, 2.24)."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator

from careplane.fhir import ucum
from careplane.fhir.fhirpath.node import Node
from careplane.kernel.errors import Issue

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+").fullmatch
_VALUE_SET = "http://hl7.org/fhir/ValueSet/"
_UCUM = "http://unitsofmeasure.org"
_RFC_3986 = "urn:ietf:rfc:3986"


def coding_system(node: Node, where: str) -> Iterator[Issue]:
    """Coding.system is an absolute URI, and that of a code system (4.1)."""
    system = node.value.get("system")
    if not isinstance(system, str):
        return
    if not _SCHEME(system):
        yield Issue("error", "invalid", "The system must be an absolute URI", f"{where}.system")
    elif system.startswith(_VALUE_SET):
        text = "The system must be a code system, not a value set"
        yield Issue("error", "invalid", text, f"{where}.system")


def identifier_value(node: Node, where: str) -> Iterator[Issue]:
    """Identifier.value is a full URI where the system says that it is one (2.24.0.12)."""
    system, value = node.value.get("system"), node.value.get("value")
    if system == _RFC_3986 and isinstance(value, str) and not _SCHEME(value):
        text = f"With the system {_RFC_3986} the value must be a full URI"
        yield Issue("error", "invalid", text, f"{where}.value")


def ucum_code(node: Node, where: str) -> Iterator[Issue]:
    """The code of a quantity in UCUM is one of UCUM (2.24.0.7)."""
    code = node.value.get("code")
    if node.value.get("system") != _UCUM or not isinstance(code, str):
        return
    try:
        ucum.parse(code)
    except ucum.NotAUnit:
        yield Issue("error", "code-invalid", "The code is not a unit of UCUM", f"{where}.code")


def attachment_size(node: Node, where: str) -> Iterator[Issue]:
    """Attachment.size is that of the data beside it (2.24.0.4)."""
    size, data = node.value.get("size"), node.value.get("data")
    if type(size) is not int or not isinstance(data, str):
        return
    try:
        found = len(b64decode(data))
    except ValueError:
        return
    if found != size:
        text = f"The size {size} is not that of the data, {found}"
        yield Issue("error", "invalid", text, f"{where}.size")


def uri_form(node: Node, where: str) -> Iterator[Issue]:
    """UUIDs and OIDs in URIs are well-formed (2.24.0.1)."""
    text = node.value
    if not isinstance(text, str):
        return
    if text.startswith("urn:uuid:") and not _UUID(text.partition("#")[0]):
        yield Issue("error", "value", "The UUID must be valid and in lower case", where)
    elif text.startswith("urn:oid:") and not _OID(text):
        yield Issue("error", "value", "The OID must be valid", where)
