"""A record of the trail as one JSON object, with the names of its fields, for programs that keep or
watch audit trails."""

from __future__ import annotations

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.ledger.trail import Entry


def line_of(entry: Entry) -> Tree:
    """What is empty is left out."""
    record = entry.record
    found: Tree = {
        "seq": entry.seq,
        "recorded": format_instant(record.recorded),
        "tenant": record.tenant,
        "agent": record.agent,
        "interaction": record.interaction,
        "outcome": str(record.outcome),
        "versions": [f"{type}/{id}/_history/{n}" for type, id, n in record.versions],
        "patients": list(record.patients),
        "query": record.query,
        "address": record.address,
        "detail": record.detail,
        "purpose": record.purpose,
        "client": record.client,
        "token": record.token,
        "emergency": record.emergency,
        "roles": record.roles.split(),
    }
    return {name: value for name, value in found.items() if value not in ("", [], False)}
