"""What an interaction is in the words of AuditEvent and of IHE's Basic Audit Log Patterns (BALP
1.1.4): action, subtype, and the pattern that a successful one follows."""

from __future__ import annotations

from typing import NamedTuple

BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
RESTFUL = "http://hl7.org/fhir/restful-interaction"
DCM = "http://dicom.nema.org/resources/ontology/DCM"


class Meaning(NamedTuple):
    """Of one interaction. `pattern` is empty where BALP has none; `code` is its
    restful-interaction, empty for what is none; `type` a coding of AuditEvent.type."""

    action: str
    code: str = ""
    pattern: str = ""
    type: tuple[str, str, str] = (
        "http://terminology.hl7.org/CodeSystem/audit-event-type",
        "rest",
        "RESTful Operation",
    )


_EXPORT = (DCM, "110106", "Export")
_IMPORT = (DCM, "110107", "Import")
_SECURITY = (DCM, "110113", "Security Alert")
_AUTHENTICATION = (DCM, "110114", "User Authentication")

_MEANINGS = {
    "read": Meaning("R", "read", "Read"),
    "vread": Meaning("R", "vread", "Read"),
    "history-instance": Meaning("R", "history-instance"),
    "history-type": Meaning("R", "history-type"),
    "history-system": Meaning("R", "history-system"),
    "search-type": Meaning("E", "search-type", "Query"),
    "search-system": Meaning("E", "search-system", "Query"),
    "create": Meaning("C", "create", "Create"),
    "update": Meaning("U", "update", "Update"),
    "patch": Meaning("U", "patch", "Update"),
    "delete": Meaning("D", "delete", "Delete"),
    "batch": Meaning("E", "batch"),
    "transaction": Meaning("E", "transaction"),
    "$export": Meaning("R", "operation", type=_EXPORT),
    "bulk-file": Meaning("R", type=_EXPORT),
    "$import": Meaning("C", "operation", type=_IMPORT),
    "$purge": Meaning("D", "operation"),
    "retention": Meaning("D"),
    "notify": Meaning("R"),
    "oauth-token": Meaning("E", type=_AUTHENTICATION),
    "oauth-revoke": Meaning("E", type=_SECURITY),
    "GET": Meaning("R"),
    "HEAD": Meaning("R"),
    "POST": Meaning("C"),
    "PUT": Meaning("U"),
    "PATCH": Meaning("U"),
    "DELETE": Meaning("D"),
}
_OPERATION = Meaning("E", "operation")
_OTHER = Meaning("E")

INTERACTIONS: dict[str, frozenset[str]] = {
    code: frozenset(name for name, one in _MEANINGS.items() if one.code == code)
    for code in sorted({one.code for one in _MEANINGS.values()} - {"operation", ""})
}
"""Restful-interaction -> the interactions of records that it stands for, where these are a closed
list: operations are not."""


def meaning_of(interaction: str) -> Meaning:
    """Of an interaction as a record names it."""
    known = _MEANINGS.get(interaction)
    if known is not None:
        return known
    return _OPERATION if interaction.startswith("$") else _OTHER
