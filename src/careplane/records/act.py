"""An operation over several records: look, decide, write, as one unit of work.

A feature names what its decision rests on, and the decision itself as a pure function of what was
found. Records that it writes are written on condition that they are still at the version that was
seen; searches that it relied on, on condition that they still find exactly what they found. Where
somebody got in between, all of it begins anew, so of many that want the same thing one gets it.
"""

from __future__ import annotations

from dataclasses import replace

from careplane.access.caller import Caller
from careplane.access.scopes import Permission, parse_scopes
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import TooLarge
from careplane.records import commands as c
from careplane.records import rights
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.commit import Draft, commit, persist
from careplane.records.drafts import Drafter
from careplane.records.parts import Parts
from careplane.records.results import Acted, Version
from careplane.search.parse import criteria
from careplane.search.plan import Query
from careplane.storage.ports.records import Guard, Key, Method


async def act(parts: Parts, account: Account, command: c.Act) -> Acted:
    """Raises what the decision raises, Forbidden where the caller may not write what it writes,
    TooLarge where a search finds more than it may."""
    account.query = command.about
    for letter, type in command.needs:
        parts.decider.require(account.caller, Permission(letter), rights.known(type))
    # Whoever decides here is who would be asked.
    parts = replace(parts.plain, admissions={}, keeps={})

    async def attempt() -> Acted:
        return await _attempt(parts, account, command)

    return await persist(attempt)


async def _attempt(parts: Parts, account: Account, command: c.Act) -> Acted:
    caller = account.caller
    house = Drafter(parts, _house(caller), chooses=True)
    drafters = {True: Drafter(parts, caller), False: house}
    currents: dict[Key, Version | None] = {}
    seen, guards = c.Seen({}, {}), list[Guard]()
    for ask in command.asks:
        asking = ask(seen)
        keys = [key for key in (*asking.changes, *asking.reads) if key not in currents]
        if keys:
            found = await parts.store.read_many(caller.tenant, keys)
            currents.update(zip(keys, found, strict=True))
        for key in asking.changes:
            currents[key] = await drafters[True].changeable(key[0], currents[key])
        looked = {look.name: await _look(parts, caller, look) for look in asking.looks}
        guards += [guard for _, guard in looked.values()]
        seen = c.Seen(
            {key: _tree(one) for key, one in currents.items() if one and not one.deleted},
            {**seen.found, **{name: trees for name, (trees, _) in looked.items()}},
        )
    decided = command.decide(seen)
    account.query = decided.about or command.about
    drafts = [await _draft(parts, drafters[w.own], w, currents, caller) for w in decided.writes]
    if not drafts:
        return Acted((), decided.answer)
    first = Draft(drafts[0].effect, drafts[0].put, drafts[0].current, tuple(guards))
    return Acted(await commit(parts, account, (first, *drafts[1:])), decided.answer)


async def _look(parts: Parts, caller: Caller, look: c.Look) -> tuple[tuple[Tree, ...], Guard]:
    where = criteria(parts.setting(), look.type, look.criteria)
    query = Query(frozenset({look.type}), where, count=look.most + 1)
    versions = (await parts.store.search(caller.tenant, query)).versions
    if len(versions) > look.most:
        raise TooLarge(f"More than {look.most} {look.type} resources bear on this; ask for less.")
    return tuple(map(_tree, versions)), Guard(query, frozenset((v.type, v.id) for v in versions))


async def _draft(
    parts: Parts,
    drafter: Drafter,
    write: c.Write,
    currents: dict[Key, Version | None],
    caller: Caller,
) -> Draft:
    key = (write.type, write.id)
    if key not in currents:
        (currents[key],) = await parts.store.read_many(caller.tenant, (key,))
    current = currents[key]
    content = parts.accept(json.dump({**write.tree, "id": write.id}), write.type)
    if current is None and write.own:
        return await drafter.create(content, write.id)
    # Of a record that is there the decision changes parts, so it is a patch: one who does not see
    # all of a record may make it.
    method: Method = "PUT" if current is None else "PATCH"
    return await drafter.update(content, write.id, current, method=method)


def _tree(version: Version) -> Tree:
    return json.parse(whole(version))


def _house(caller: Caller) -> Caller:
    """This server itself, for what the operation vouches for."""
    return Caller(caller.tenant, "service/operation", "Operation", _ALL)


_ALL = parse_scopes("system/*.cru")
