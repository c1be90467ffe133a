"""The audit message of DICOM (PS3.15, A.5) that IHE ATNA sends; pure."""

from __future__ import annotations

from xml.etree import ElementTree  # nosec B405  (written, never read)

from careplane.kernel.clock import format_instant
from careplane.ledger.trail import Entry
from careplane.records.audits.meaning import meaning_of
from careplane.records.audits.rendering import cleaned

_MOST = 50
_EVENT = {"C": "C", "R": "R", "U": "U", "D": "D", "E": "E"}


def message(entry: Entry) -> bytes:
    """An AuditMessage, without an XML declaration."""
    record = entry.record
    meaning = meaning_of(record.interaction)
    root = ElementTree.Element("AuditMessage")
    event = _add(
        root, "EventIdentification",
        EventActionCode=_EVENT[meaning.action],
        EventDateTime=format_instant(record.recorded),
        EventOutcomeIndicator=str(record.outcome),
    )  # fmt: skip
    _code(event, "EventID", "110112" if meaning.action == "E" else "110110",
          "DCM", "Query" if meaning.action == "E" else "Patient Record")  # fmt: skip
    _code(event, "EventTypeCode", record.interaction, "careplane", record.interaction)
    if record.purpose:
        _code(event, "PurposeOfUse", record.purpose, "v3-ActReason", record.purpose)
    user = _add(root, "ActiveParticipant", UserID=record.agent or "-", UserIsRequestor="true")
    if record.client:
        user.set("AlternativeUserID", cleaned(record.client))
    if record.address:
        user.set("NetworkAccessPointID", cleaned(record.address))
        user.set("NetworkAccessPointTypeCode", "2")
    for role in record.roles.split():
        _code(user, "RoleIDCode", role, "careplane", role)
    _add(root, "ActiveParticipant", UserID="careplane", UserIsRequestor="false")
    _add(root, "AuditSourceIdentification", AuditSourceID="careplane")
    for patient in record.patients[:_MOST]:
        _object(root, f"Patient/{patient}", "1", "1")
    for type, id, version in record.versions[:_MOST]:
        _object(root, f"{type}/{id}/_history/{version}", "2", "4")
    if record.query:
        query = _object(root, "query", "2", "24")
        _add(query, "ParticipantObjectDetail", type="query", value=record.query)
    written: bytes = ElementTree.tostring(root, encoding="utf-8")
    return written


def _object(root: ElementTree.Element, id: str, kind: str, role: str) -> ElementTree.Element:
    found = _add(
        root, "ParticipantObjectIdentification",
        ParticipantObjectID=id,
        ParticipantObjectTypeCode=kind,
        ParticipantObjectTypeCodeRole=role,
    )  # fmt: skip
    _code(found, "ParticipantObjectIDTypeCode", "2" if kind == "1" else "12", "RFC-3881", id)
    return found


def _code(above: ElementTree.Element, name: str, code: str, system: str, text: str) -> None:
    values = {"csd-code": code, "codeSystemName": system, "originalText": text}
    ElementTree.SubElement(above, name, {key: cleaned(value) for key, value in values.items()})


def _add(above: ElementTree.Element, name: str, **values: str) -> ElementTree.Element:
    return ElementTree.SubElement(
        above, name, {key: cleaned(value) for key, value in values.items()}
    )
