"""An audit record survives its bytes, and so does one from before a field was appended."""

import msgspec

from careplane.ledger.audit import AuditRecord, Outcome, decode, encode

RECORD = AuditRecord(
    recorded=1, tenant=1, agent="client/x", interaction="read", outcome=Outcome.SUCCESS,
    versions=(("Patient", "1", 3),), patients=("1",), query="a=b", address="::1", detail="d",
    purpose="HRESCH", client="app", token="0123", emergency=True, roles="nurse",
)  # fmt: skip


def test_a_record_survives_its_bytes() -> None:
    assert decode(encode(RECORD)) == RECORD


def test_a_record_written_before_the_last_field_existed_reads() -> None:
    shorter = msgspec.msgpack.encode(msgspec.msgpack.decode(encode(RECORD))[:-1])
    assert decode(shorter) == msgspec.structs.replace(RECORD, roles="")
    first = msgspec.msgpack.encode(msgspec.msgpack.decode(encode(RECORD))[:10])
    assert decode(first).detail == "d"
    assert decode(first).purpose == ""
