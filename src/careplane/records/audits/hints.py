"""From a plan over AuditEvents to a question that the trail's index can answer.

What a hint says is true of every event that matches, so nothing is missed; each event is still
asked the whole plan, so nothing too many is shown. A node that the index knows nothing of gives no
hint."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from careplane.ledger.trail import Kind, Term, term
from careplane.records.audits.meaning import INTERACTIONS
from careplane.search.plan import And, Date, Node, Or, Prefix, Reference, Token, Uri, UriMode

_SECOND = 1_000_000
_SUCCESS = "0"


class Hints(Struct):
    """Of each set a term; `since` and `before` as in a Question. `patients`: of each set an event
    that matches is about one, or its agent is one."""

    having: list[frozenset[Term]] = []
    without: frozenset[Term] = frozenset()
    since: int | None = None
    before: int | None = None
    patients: list[frozenset[str]] = []


def hints_of(node: Node) -> Hints:
    """What the index can be asked."""
    found = Hints()
    for part in node.parts if isinstance(node, And) else (node,):
        _add(found, part)
    return found


def _add(found: Hints, node: Node) -> None:
    if isinstance(node, Date) and node.param == "AuditEvent.date":
        _bound(found, node)
        return
    terms = _terms(node)
    if terms is None:
        return
    found.having.append(terms)
    if isinstance(node, Reference) and node.param == "AuditEvent.patient":
        found.patients.append(frozenset(id for type, id in node.targets if type == "Patient"))


def _bound(found: Hints, node: Date) -> None:
    """The recorded instant is a range of a millisecond, and so looked for a second wider."""
    low, high = node.low - _SECOND, node.high + _SECOND
    if node.prefix in (Prefix.EQ, Prefix.AP, Prefix.GE, Prefix.GT, Prefix.SA):
        found.since = low if found.since is None else max(found.since, low)
    if node.prefix in (Prefix.EQ, Prefix.AP, Prefix.LE, Prefix.LT, Prefix.EB):
        found.before = high if found.before is None else min(found.before, high)


def _terms(node: Node) -> frozenset[Term] | None:
    """One of these every record has that matches; None where nothing is known."""
    if isinstance(node, Or):
        parts = [_terms(part) for part in node.parts]
        if any(part is None for part in parts):
            return None
        return frozenset().union(*(part for part in parts if part is not None))
    if isinstance(node, Reference):
        known = _REFERENCES.get(node.param)
        if known is None:
            return None
        return frozenset(term for target in node.targets for term in known(*target))
    if isinstance(node, Token):
        make = _TOKENS.get(node.param)
        codes = [coding.code for coding in node.codings]
        if make is None or None in codes:
            return None
        sets = [make(code) for code in codes if code is not None]
        if any(one is None for one in sets):
            return None
        return frozenset().union(*(one for one in sets if one is not None))
    if isinstance(node, Uri) and node.param == "AuditEvent.policy" and node.mode is UriMode.EXACT:
        return frozenset(term(Kind.TOKEN, value) for value in node.values)
    return None


def _patient(type: str, id: str) -> set[Term]:
    return {term(Kind.PATIENT, id), term(Kind.AGENT, f"{type}/{id}")}


def _agent(type: str, id: str) -> set[Term]:
    return {term(Kind.AGENT, f"{type}/{id}")}


def _entity(type: str, id: str) -> set[Term]:
    terms = {term(Kind.RESOURCE, f"{type}/{id}")}
    return terms | {term(Kind.PATIENT, id)} if type == "Patient" else terms


def _outcome(code: str) -> frozenset[Term] | None:
    return None if code == _SUCCESS else frozenset({term(Kind.OUTCOME, code)})


def _subtype(code: str) -> frozenset[Term] | None:
    names = INTERACTIONS.get(code)
    if names is None:
        return None
    return frozenset(term(Kind.INTERACTION, name) for name in names)


def _named(code: str) -> frozenset[Term]:
    return frozenset({term(Kind.AGENT, code), term(Kind.AGENT, f"client/{code}")})


_REFERENCES: dict[str, Callable[[str, str], set[Term]]] = {
    "AuditEvent.patient": _patient,
    "AuditEvent.agent": _agent,
    "AuditEvent.entity": _entity,
}
_TOKENS: dict[str, Callable[[str], frozenset[Term] | None]] = {
    "AuditEvent.outcome": _outcome,
    "AuditEvent.subtype": _subtype,
    "AuditEvent.agent:identifier": _named,
}
