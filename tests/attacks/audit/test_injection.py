"""What a client writes into the trail stays data there: in syslog, CSV, XML and on a terminal."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from careplane.app.audits.export import in_words
from careplane.fhir.validation import check
from careplane.interop.syslog.message import frame, message
from careplane.ledger.audit import AuditRecord, Outcome
from careplane.ledger.trail import Entry
from careplane.records.audits.disclosures import as_csv, disclosure
from careplane.records.audits.rendering import event, parts_of

EVIL = [
    "x\n<85>1 2026-01-01T00:00:00Z h careplane - - - forged",
    "x\r\n99 <85>1 forged",
    "\x1b[2J\x1b]0;title\x07",
    "]\\\" [meta sequenceId=\"1\"]",
    "\u2028\u202egnp.exe\u0085",
    "</AuditMessage><AuditMessage>",
    "\x00\x7f",
    "=HYPERLINK(\"http://evil\")",
    "\t=1+1",
    "@SUM(1)",
    '","=1+1',
]  # fmt: skip


def entry(text: str) -> Entry:
    record = AuditRecord(
        1_700_000_000_000_000, 1, text, text, Outcome.SUCCESS, (("Observation", "o", 1),),
        (text,), text, text, text, "HRESCH", text, text, True, text,
    )  # fmt: skip
    return Entry(7, record)


@pytest.mark.parametrize("text", EVIL)
@pytest.mark.parametrize("form", ["dicom", "json"])
def test_a_syslog_message_is_one_frame_and_one_line(text: str, form: str) -> None:
    written = message(entry(text), text, form)
    head, _, payload = written.partition(b"\xef\xbb\xbf")
    assert head.count(b"<") == 1
    assert head.startswith(b"<85>1 ")
    assert b"\n" not in head
    assert not any(byte < 0x20 for byte in payload)
    length, _, rest = frame(written).partition(b" ")
    assert int(length) == len(rest) == len(written)
    if form == "json":
        assert json.loads(payload)["seq"] == 7
    else:
        root = ElementTree.fromstring(payload)
        assert root.tag == "AuditMessage"
        assert root.find("AuditMessage") is None


@pytest.mark.parametrize("text", EVIL)
def test_a_line_on_a_terminal_is_one_line(text: str) -> None:
    line = in_words(entry(text))
    assert line.isprintable() or all(c.isprintable() or c == "\ufffd" for c in line)


@pytest.mark.parametrize("text", EVIL)
def test_an_event_is_valid_whatever_is_in_it(text: str) -> None:
    one = entry(text)
    for part in parts_of(one.record):
        check(json.dumps(event(one, part)).encode(), "AuditEvent")


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_of_a_csv_is_a_formula_and_no_line_is_added(text: str) -> None:
    record = AuditRecord(
        1_700_000_000_000_000, 1, text, "search-type", Outcome.SUCCESS, (), ("p",), text, text,
        purpose="HRESCH",
    )  # fmt: skip
    parts = parts_of(record)
    line = disclosure(event(Entry(1, record), parts[-1]))
    assert line is not None
    import csv
    import io

    written = as_csv([line])
    assert written.count("\r\n") == 2
    assert written.count("\n") == 2
    rows = list(csv.reader(io.StringIO(written)))
    assert len(rows) == 2
    assert all(len(row) == 5 for row in rows)
    assert not [cell for cell in rows[1] if cell[:1] in "=+-@\t\r" and cell]
