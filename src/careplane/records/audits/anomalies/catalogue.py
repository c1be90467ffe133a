"""The rules by name, and what they find together."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from careplane.records.audits.anomalies.material import Finding, Material
from careplane.records.audits.anomalies.rules import (
    after_hours,
    broken_glass,
    bulk,
    closed_record,
    denials,
    labelled,
    no_relation,
    own_record,
    same_address,
    same_name,
)

Rule = Callable[[Material], Iterable[Finding]]

RULES: dict[str, Rule] = {
    rule.NAME: rule.find
    for rule in (
        own_record,
        same_name,
        same_address,
        labelled,
        closed_record,
        broken_glass,
        denials,
        bulk,
        after_hours,
        no_relation,
    )
}
"""The gravest first."""


def findings(material: Material, names: Iterable[str] = ()) -> list[Finding]:
    """What the rules find, all of them or those named; the gravest first, the newest first among
    equals."""
    chosen = tuple(names) or tuple(RULES)
    found = [one for name in chosen for one in RULES[name](material)]
    rank = {name: place for place, name in enumerate(RULES)}
    return sorted(found, key=lambda one: (rank[one.rule], -one.last, one.agent, one.patient))
