"""What a visit may be charged as: proposed from its Encounter by the rules of an institution, and
charged when somebody confirms it.

A rule is a ChargeItemDefinition (R4) that is active: it applies where all its FHIRPath expressions
hold of the Encounter. What is confirmed becomes a ChargeItem, once for each visit and rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from careplane.fhir.fhirpath import Environment, evaluate
from careplane.fhir.fhirpath.errors import BudgetSpent, EvaluationError, NotFhirpath
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.telehealth.visits.appointment import Booked
from careplane.telehealth.visits.documents import Person

CHARGES = "https://github.com/careplane/careplane/visit-charge"
"""Identifiers of ChargeItems: the id of the appointment, a slash, that of the rule."""
_STEPS = 50_000
_LANGUAGE = "text/fhirpath"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule that applies: `title` for people, `price` as the institution wrote it, or empty."""

    rule: str
    title: str
    code: Tree
    price: str
    charged: bool
    tree: Tree


def proposals(
    rules: Iterable[Tree], encounter: Tree, visit: Booked, charged: Iterable[Tree], now: int
) -> list[Proposal]:
    """In the order of their titles. A rule without a code, or one that cannot be evaluated, applies
    to nothing."""
    done = {
        one.get("value")
        for item in charged
        for one in item.get("identifier", [])
        if one.get("system") == CHARGES
    }
    found = [
        Proposal(
            str(rule["id"]),
            str(rule.get("title") or _text(rule["code"])),
            rule["code"],
            _price(rule),
            f"{visit.id}/{rule['id']}" in done,
            rule,
        )
        for rule in rules
        if rule.get("status") == "active" and "code" in rule and _applies(rule, encounter, now)
    ]
    return sorted(found, key=lambda one: one.title)


def charge(proposal: Proposal, encounter: Tree, visit: Booked, by: Person, now: int) -> Tree:
    """The ChargeItem of a rule that was confirmed."""
    reference = {"reference": f"Encounter/{encounter['id']}"}
    made: Tree = {
        "resourceType": "ChargeItem",
        "identifier": [{"system": CHARGES, "value": f"{visit.id}/{proposal.rule}"}],
        "status": "billable",
        "code": proposal.code,
        "subject": {"reference": visit.patient},
        "context": reference,
        "service": [reference],
        "enterer": by.reference(),
        "enteredDate": format_instant(now),
        "quantity": {"value": 1},
    }
    if "url" in proposal.tree:
        made["definitionCanonical"] = [str(proposal.tree["url"])]
    if "period" in encounter:
        made["occurrencePeriod"] = encounter["period"]
    performers = [{"actor": {"reference": one}} for one in visit.givers]
    if performers:
        made["performer"] = performers
    return made


def _applies(rule: Tree, encounter: Tree, now: int) -> bool:
    for one in rule.get("applicability", []):
        expression = one.get("expression")
        if one.get("language", _LANGUAGE) != _LANGUAGE or not isinstance(expression, str):
            return False
        try:
            held = evaluate(expression, encounter, Environment(now=now, budget=_STEPS))
        except (NotFhirpath, EvaluationError, BudgetSpent):
            return False
        if held != [True]:
            return False
    return bool(rule.get("applicability"))


def _price(rule: Tree) -> str:
    """The base price, with its currency."""
    for group in rule.get("propertyGroup", []):
        for part in group.get("priceComponent", []):
            amount = part.get("amount")
            if part.get("type") == "base" and isinstance(amount, dict) and "value" in amount:
                return f"{amount['value']} {amount.get('currency', '')}".strip()
    return ""


def _text(code: Any) -> str:
    codings = code.get("coding", [])
    first = codings[0] if codings else {}
    return str(code.get("text") or first.get("display") or first.get("code") or "")
