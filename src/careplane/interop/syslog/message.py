"""One record as a syslog message (RFC 5424), and as a frame of the TLS transport (RFC 5425); pure.

Whatever a client wrote into a record stands in the payload alone, as JSON or XML without control
characters: no record can end a message early or begin another one, and frames say their length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from careplane.fhir.codec import json
from careplane.interop.syslog import dicom
from careplane.kernel.clock import format_instant
from careplane.ledger.audit import Outcome
from careplane.ledger.trail import Entry
from careplane.records.audits.lines import line_of

_SECURITY = 10
_NOTICE, _WARNING = 5, 4
_BOM = b"\xef\xbb\xbf"
_LARGEST_NUMBER = 2_147_483_647
_NAME = re.compile(r"[^A-Za-z0-9.:-]")

Payload = Callable[[Entry], bytes]

PAYLOADS: Mapping[str, tuple[str, Payload]] = {
    "dicom": ("IHE+DICOM", dicom.message),
    "json": ("AuditRecord", lambda entry: json.dump(line_of(entry))),
}
"""The MSGID, and what makes the payload."""


def message(entry: Entry, host: str, form: str) -> bytes:
    """The message. Facility 10 (security); a refusal or failure is a warning. `sequenceId` (7.3.1)
    is the record's number, by which a receiver knows what it has had already."""
    record = entry.record
    name, payload = PAYLOADS[form]
    severity = _NOTICE if record.outcome is Outcome.SUCCESS else _WARNING
    number = entry.seq % _LARGEST_NUMBER or _LARGEST_NUMBER
    head = (
        f"<{_SECURITY * 8 + severity}>1 {format_instant(record.recorded)} "
        f"{_NAME.sub('', host)[:255] or '-'} careplane - {name} "
        f'[meta sequenceId="{number}"] '
    )
    return head.encode() + _BOM + payload(entry)


def frame(written: bytes) -> bytes:
    """MSG-LEN SP SYSLOG-MSG (RFC 5425, 4.3)."""
    return b"%d %b" % (len(written), written)
