"""Accounting of disclosures (45 CFR 164.528): who was shown a patient's record in six years, and
why, but for what the rule leaves out.

Left out are treatment, payment and operations (a)(1)(i), the individual (ii), and persons involved
in their care (v); these can be told by the purpose of use and the agent. With `extended`,
treatment, payment and operations of the last three years are in it, as section 13405(c) of HITECH
foresees. A disclosure under an authorisation (iv), or of a limited data set (viii), cannot be told
apart by a request, and stays in: whoever answers for the accounting strikes it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import TooLarge
from careplane.records.audits.rendering import cleaned
from careplane.records.bodies import whole
from careplane.records.commands import Search
from careplane.records.door import Door

YEARS, EXTENDED_YEARS = 6, 3
CARE = frozenset({"", "TREAT", "ETREAT", "BTG", "HPAYMT", "HOPERAT"})
"""Purposes that are treatment, payment or operations."""
INDIVIDUAL = frozenset({"PATRQT"})
_PAGE, _PAGES = "500", 200
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One line: when (UTC), to whom, of what, and for which purpose (v3-ActReason)."""

    when: str
    who: str
    address: str
    what: str
    purpose: str
    event: Tree = field(compare=False)


def disclosure(event: Tree, *, care_since: str | None = None) -> Disclosure | None:
    """The line of an AuditEvent, or None where the rule leaves it out. Care counts from
    `care_since` on; None: never."""
    if event.get("action") not in ("R", "E") or event.get("outcome") != "0":
        return None
    agent = _requestor(event)
    who = _who(agent)
    purpose = _purpose(event)
    when = str(event.get("recorded", ""))
    if who.startswith(("Patient/", "RelatedPerson/", "service/")) or purpose in INDIVIDUAL:
        return None
    if purpose in CARE and (care_since is None or when < care_since):
        return None
    what = ", ".join(_what(event))
    return Disclosure(when, who, _address(event), what, purpose or "TREAT", event)


async def accounting(
    door: Door, caller: Caller, patient: str, now: int, *, extended: bool = False
) -> list[Disclosure]:
    """Of one patient, newest first, of the years that the rule names, as the caller may see it.
    Raises TooLarge where there is more than can be gone through in one request."""
    since = _years_before(now, YEARS)
    care_since = _years_before(now, EXTENDED_YEARS) if extended else None
    pairs = (("patient", f"Patient/{patient}"), ("date", f"ge{since}"), ("_count", _PAGE))
    found: list[Disclosure] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        page = await door.search(caller, Search("AuditEvent", pairs, cursor=cursor))
        for version in page.matches:
            line = disclosure(json.parse(whole(version)), care_since=care_since)
            if line is not None:
                found.append(line)
        cursor = page.next
        if cursor is None:
            return found
    raise TooLarge("There are too many events for one accounting; use careplane audit export.")


def as_csv(lines: list[Disclosure]) -> str:
    """With a head, CRLF between lines (RFC 4180), and nothing that a spreadsheet would compute."""
    head = ("when", "who", "address", "what", "purpose")
    rows = [head, *((o.when, o.who, o.address, o.what, o.purpose) for o in lines)]
    return "".join(",".join(map(_cell, row)) + "\r\n" for row in rows)


def as_bundle(lines: list[Disclosure]) -> Tree:
    """A collection of the AuditEvents."""
    entries = [{"resource": line.event} for line in lines]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        **({"entry": entries} if entries else {}),
    }


def _cell(text: str) -> str:
    safe = "'" + text if text.startswith(_FORMULA) else text
    return '"' + cleaned(safe).replace('"', '""') + '"'


def _years_before(now: int, years: int) -> str:
    then = datetime.fromtimestamp(now / 1_000_000, UTC)
    day = 28 if (then.month, then.day) == (2, 29) else then.day
    moved = then.replace(year=then.year - years, day=day)
    return format_instant(int(moved.timestamp() * 1_000_000))


def _requestor(event: Tree) -> Tree:
    """The person, or else the program."""
    agents: list[Any] = [one for one in event.get("agent", ()) if one.get("requestor")]
    people = [one for one in agents if "reference" in one.get("who", {})]
    found: Tree = (people or agents or [{}])[0]
    return found


def _who(agent: Tree) -> str:
    who = agent.get("who", {})
    name = who.get("reference") or who.get("identifier", {}).get("value") or who.get("display")
    return str(name or "unknown")


def _address(event: Tree) -> str:
    found = (one.get("network", {}) for one in event.get("agent", ()))
    return next((str(one.get("address")) for one in found if one.get("type") == "2"), "")


def _purpose(event: Tree) -> str:
    for concept in event.get("purposeOfEvent", ()):
        for coding in concept.get("coding", ()):
            return str(coding.get("code", ""))
    return ""


def _what(event: Tree) -> Iterator[str]:
    """The resources, or what was asked for where these are not named, or else whose record it is: a
    history of everything asks for nothing by name."""
    people = [one for one in event.get("entity", ()) if one.get("type", {}).get("code") == "1"]
    things = [one for one in event.get("entity", ()) if one not in people]
    named = [str(one["what"]["reference"]) for one in things if "reference" in one.get("what", {})]
    asked = [str(one["description"]) for one in things if one.get("description")]
    yield from named[:20]
    if len(named) > 20:
        yield f"and {len(named) - 20} more"
    if not named:
        yield from asked
    if not named and not asked:
        yield from (str(one.get("what", {}).get("reference", "")) for one in people)
