"""Search: a page of what matches, and what belongs to it (FHIR R4, 3.1.1).

The caller's rights are part of the plan, so totals, chains, includes and pages are filtered by
construction.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.kernel.errors import Issue, NotFound, Outdated
from careplane.records import commands as c
from careplane.records import contained, fetch, rights
from careplane.records.account import Account
from careplane.records.notices import notices
from careplane.records.parts import Parts
from careplane.records.results import Found, Version
from careplane.search.compartments import compartment_node, compartment_types
from careplane.search.contained import Contained
from careplane.search.criterion import UnknownParameter
from careplane.search.includes import MAX_INCLUDED, MAX_ROUNDS, Wanted, wanted
from careplane.search.match import Subject
from careplane.search.parse import Search, parse
from careplane.search.plan import Query, all_of
from careplane.search.rows import Rows
from careplane.storage.ports.records import Key

_CUT_SHORT = Issue(
    "warning",
    "incomplete",
    f"Only {MAX_INCLUDED} resources were included; ask for fewer matches a page.",
)


async def search(parts: Parts, account: Account, command: c.Search) -> Found:
    """A page of a search, the first or the one that the cursor points to."""
    caller = account.caller
    types = (rights.known(command.type),) if command.type else ()
    strict = command.handling is c.Handling.STRICT
    try:
        asked = parse(parts.setting(), types, command.pairs, strict=strict, contained=True)
    except UnknownParameter:
        await _still_defined(parts, account)
        raise
    if asked.unknown:
        await _still_defined(parts, account)
    account.query = _described(command, asked)
    if asked.contained is not Contained.FALSE:
        query = _query(parts, caller, command, contained.candidates(asked))
        within = await contained.search(parts, account, asked, query)
        await _complete(parts, account, command)
        return within
    query = _query(parts, caller, command, asked)
    if asked.only_count:
        counted = await parts.store.count(caller.tenant, query)
        await _complete(parts, account, command)
        return Found((), total=counted, issues=asked.unknown, understood=asked.understood)
    page = await parts.store.search(caller.tenant, query)
    included, cut = await _included(parts, caller, asked, page.versions)
    await _complete(parts, account, command)
    account.saw(page.versions)
    if included:
        account.saw(included)
    total = page.total
    if total is None and query.cursor is None and page.next is None:
        total = len(page.versions)
    return Found(
        matches=page.versions,
        included=tuple(included),
        next=page.next,
        total=total,
        issues=(
            *asked.unknown,
            *((_CUT_SHORT,) if cut else ()),
            *notices(parts, caller.tenant, (*page.versions, *included)),
        ),
        understood=asked.understood,
    )


async def _complete(parts: Parts, account: Account, command: c.Search) -> None:
    """What was found by a parameter of the tenant's own is all that there is, if that was not
    defined anew before the search was made: another process may have done so."""
    if parts.codes and any(_names(pair, parts.codes) for pair in command.pairs):
        await _still_defined(parts, account)


def _names(pair: tuple[str, str], codes: frozenset[str]) -> bool:
    key, value = pair
    text = f"{key}={value}" if key[:1] == "_" else key
    return any(code in text for code in codes)


async def _still_defined(parts: Parts, account: Account) -> None:
    """Raises Outdated where search parameters were defined that these parts do not know of."""
    if parts.definitions is None or parts.defined is None:
        return
    if await parts.definitions.newest(account.caller.tenant) > parts.defined:
        raise Outdated("Search parameters have been defined anew")


def _query(parts: Parts, caller: Caller, command: c.Search, asked: Search) -> Query:
    query = replace(asked.query, cursor=command.cursor) if command.cursor else asked.query
    if command.compartment:
        query = _inside(parts, query, *command.compartment)
    return rights.restrict(parts.decider, caller, query)


def _inside(parts: Parts, query: Query, name: str, id: str) -> Query:
    members = compartment_types(name)
    types = query.types & members if query.types else members
    if not types:
        raise NotFound(f"No resource of this type is ever in a compartment of {name}.")
    inside = compartment_node(parts.registry, name, id, types)
    return replace(query, types=types, where=all_of(inside, query.where))


def _described(command: c.Search, asked: Search) -> str:
    inside = "/".join(command.compartment) + "/" if command.compartment else ""
    return f"{inside}{command.type or ''}?{'&'.join(map('='.join, asked.understood))}"


async def _included(
    parts: Parts, caller: Caller, asked: Search, matches: Sequence[Version]
) -> tuple[list[Version], bool]:
    """What the includes add, round by round, and whether it had to stop early."""
    if not matches or not (asked.includes or asked.revincludes):
        return [], False
    seen: set[Key] = {(v.type, v.id) for v in matches}
    included: list[Version] = []
    last = matches
    for round in range(MAX_ROUNDS):
        subjects = [_subject(parts, version, bool(asked.includes)) for version in last]
        want = wanted(
            parts.registry, asked.includes, asked.revincludes, subjects, seen, first=round == 0
        )
        room = MAX_INCLUDED - len(included)
        last = [v for v in await _fetch(parts, caller, want, room + 1) if _new(seen, v)]
        included += last[:room]
        if len(last) > room:
            return included, True
        if not last:
            return included, False
    return included, False


def _new(seen: set[Key], version: Version) -> bool:
    key = (version.type, version.id)
    return key not in seen and not seen.add(key)  # type: ignore[func-returns-value]


async def _fetch(parts: Parts, caller: Caller, want: Wanted, most: int) -> list[Version]:
    found = await fetch.by_keys(parts, caller, want.keys) if want.keys else []
    for query in want.queries:
        if len(found) < most:
            found += await fetch.by_query(parts, caller, query, most - len(found))
    return found


def _subject(parts: Parts, version: Version, with_rows: bool) -> Subject:
    rows = parts.links(version) if with_rows else Rows()
    return Subject(version.type, version.id, version.last_updated, rows)
