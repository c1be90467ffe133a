"""Who has read a message: a receipt for each reader, and `received` once it has reached everybody
it was sent to. Pure."""

from __future__ import annotations

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.telehealth.messages import names
from careplane.telehealth.messages.parties import Asker, Party, parties, party


def readers(tree: Tree) -> list[tuple[Party, str]]:
    """Who has read it, and when (dateTime)."""
    found = []
    for one in tree.get("extension", ()):
        if one.get("url") == names.RECEIPT:
            parts = {part.get("url"): part for part in one.get("extension", ())}
            reader = party(parts.get("reader", {}).get("valueReference"))
            found.append((reader, str(parts.get("at", {}).get("valueDateTime", ""))))
    return found


def is_unread(tree: Tree, asker: Asker) -> bool:
    """Whether it was sent to somebody who has not read it. What was sent to a pool is read once
    one of its people has read it; what was sent to a patient, once somebody for them has."""
    if tree.get("status") == "entered-in-error":
        return False
    if party(tree.get("sender")).reference == asker.me.reference:
        return False
    seen = [reader for reader, _ in readers(tree)]
    if any(one.reference == asker.me.reference for one in seen):
        return False
    mine = [one for one in parties(tree.get("recipient")) if one.reference in asker.names]
    return any(not _has_reached(one, seen) for one in mine)


def received(tree: Tree, asker: Asker, now: int) -> Tree:
    """With the receipt of a reader."""
    at = format_instant(now)
    receipt = {
        "url": names.RECEIPT,
        "extension": [
            {"url": "reader", "valueReference": asker.me.tree()},
            {"url": "at", "valueDateTime": at},
        ],
    }
    tree = {**tree, "extension": [*tree.get("extension", ()), receipt]}
    seen = [reader for reader, _ in readers(tree)]
    everybody = parties(tree.get("recipient"))
    if "received" not in tree and all(_has_reached(one, seen) for one in everybody):
        tree["received"] = at
    return tree


def _has_reached(recipient: Party, seen: list[Party]) -> bool:
    if recipient.is_patient:
        return any(one.is_patient for one in seen)
    if recipient.is_pool:
        return any(not one.is_patient for one in seen)
    return any(one.reference == recipient.reference for one in seen)
