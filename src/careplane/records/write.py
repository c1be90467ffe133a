"""Create, update, patch and delete of one resource (FHIR R4, 3.1.0.4 to 3.1.0.8)."""

from __future__ import annotations

from msgspec.structs import replace

from careplane.access.masks.merge import merged
from careplane.access.scopes import Permission
from careplane.fhir.codec import json
from careplane.kernel.errors import Incorrect, Invalid, Issue, NotFound, Precondition
from careplane.records import commands as c
from careplane.records import rights
from careplane.records.account import Account
from careplane.records.bodies import Content, check_id, check_same_id, whole
from careplane.records.commit import Draft, commit, persist
from careplane.records.conditional import find_one
from careplane.records.drafts import Drafter
from careplane.records.parts import Parts
from careplane.records.read import current
from careplane.records.results import Effect, Version, Written
from careplane.storage.ports.records import Guard

IF_NONE_MATCH = "If-None-Match: * was sent, and there is such a resource."


async def create(parts: Parts, account: Account, command: c.Create) -> Written:
    """POST of a new resource, or of one that there may be already."""
    type = rights.known(command.type)
    with parts.step("decide"):
        parts.decider.require(account.caller, Permission.CREATE, type)
    content = parts.accept(command.raw, type)
    parts = parts.plain
    drafter = Drafter(parts, account.caller)
    if command.if_none_exist is None:
        return await _one(parts, account, await drafter.create(content, parts.new_id()))
    criteria = command.if_none_exist
    account.query = criteria

    async def attempt() -> Written:
        match = await find_one(parts, account.caller, type, criteria)
        if match.version:
            return await _one(parts, account, Draft(Effect.FOUND, current=match.version))
        draft = await drafter.create(content, parts.new_id())
        return await _one(parts, account, _guarded(draft, match.guard))

    return await persist(attempt)


async def update(
    parts: Parts, account: Account, command: c.Update | c.ConditionalUpdate
) -> Written:
    """PUT by id or by criteria."""
    type = rights.known(command.type)
    with parts.step("decide"):
        parts.decider.require(account.caller, Permission.UPDATE, type)
    content = parts.accept(command.raw, type)
    parts = parts.plain
    if isinstance(command, c.ConditionalUpdate):
        return await _update_match(parts, account, command, content)
    account.query = f"{type}/{command.id}"
    id = check_id(command.id)
    check_same_id(content, id)
    drafter = Drafter(parts, account.caller)

    async def attempt() -> Written:
        found = await parts.store.read(account.caller.tenant, type, id)
        new = IF_NONE_MATCH if command.if_none_match else ""
        draft = await drafter.update(content, id, found, command.if_match, new=new)
        return await _one(parts, account, draft)

    return await persist(attempt)


async def _update_match(
    parts: Parts, account: Account, command: c.ConditionalUpdate, content: Content
) -> Written:
    account.query = command.criteria
    drafter = Drafter(parts, account.caller)

    async def attempt() -> Written:
        match = await find_one(parts, account.caller, content.type, command.criteria)
        id = content.id or parts.new_id()
        found = await parts.store.read(account.caller.tenant, content.type, id)
        draft = await draft_match(drafter, content, match.version, command.if_match, id, found)
        return await _one(parts, account, _guarded(draft, match.guard))

    return await persist(attempt)


async def draft_match(
    drafter: Drafter,
    content: Content,
    match: Version | None,
    if_match: int | None,
    id: str,
    current: Version | None,
) -> Draft:
    """R4 3.1.0.5.1: update the match; without one, create under `id`, which is the body's if it
    has one, and whose `current` version there should not be."""
    if match:
        if content.id not in (None, match.id):
            issue = Issue(
                "error", "value", "The resource that matches has another id.", f"{content.type}.id"
            )
            raise Invalid(issue.text, issues=(issue,))
        return await drafter.update(content, match.id, match, if_match)
    if if_match is not None:
        raise Precondition("If-Match names a version, and nothing matches the criteria.")
    if content.id is None:
        return await drafter.create(content, id)
    taken = "Nothing matches the criteria, and the id is taken."
    return await drafter.update(content, check_id(id), current, new=taken)


async def patch(parts: Parts, account: Account, command: c.Patch) -> Written:
    """PATCH by id or by criteria: the current version, changed and validated anew."""
    type = rights.known(command.type)
    with parts.step("decide"):
        parts.decider.require(account.caller, Permission.UPDATE, type)
    parts = parts.plain
    drafter = Drafter(parts, account.caller)

    async def attempt() -> Written:
        guards: tuple[Guard, ...] = ()
        if command.id is not None:
            found = await current(parts, account.caller, Permission.UPDATE, type, command.id)
        else:
            match = await find_one(parts, account.caller, type, _criteria(command))
            found, guards = match.version, (match.guard,)
        if found is None or found.deleted:
            raise NotFound(f"There is no such {type} to patch.")
        content = await patched(parts, command, found)
        draft = await drafter.update(content, found.id, found, command.if_match, "PATCH")
        return await _one(parts, account, _guarded(draft, *guards))

    return await persist(attempt)


async def patched(parts: Parts, command: c.Patch, found: Version) -> Content:
    """The content after the change; its type and id may not change. Where the caller does not see
    everything, it is a change to what is seen, brought to what is stored."""
    shown = found if parts.veil is None else await parts.veil.one(found)
    before = json.parse(whole(shown))
    after = command.change(before)
    for name in ("resourceType", "id"):
        if after.get(name) != before.get(name):
            issue = Issue("error", "value", f"A patch may not change '{name}'.", name)
            raise Invalid(issue.text, issues=(issue,))
    if parts.veil is not None and shown.rest != found.rest:
        stored = json.parse(whole(found))
        after = merged(stored, before, after, await parts.veil.hidden(found))
    return parts.accept(json.dump(after), command.type)


def _criteria(command: c.Patch) -> str:
    if command.criteria is None:
        raise Incorrect("A patch needs an id or criteria.")
    return command.criteria


async def delete(
    parts: Parts, account: Account, command: c.Delete | c.ConditionalDelete
) -> Written:
    """DELETE by id or by criteria."""
    type = rights.known(command.type)
    with parts.step("decide"):
        parts.decider.require(account.caller, Permission.DELETE, type)
    parts = parts.plain
    drafter = Drafter(parts, account.caller)

    account.query = _asked(command)

    async def attempt() -> Written:
        if isinstance(command, c.Delete):
            found = await parts.store.read(account.caller.tenant, type, command.id)
            draft = await drafter.delete(type, command.id, found, command.if_match)
            return await _one(parts, account, draft)
        match = await find_one(parts, account.caller, type, command.criteria)
        if match.version is None:
            return Written(Effect.ABSENT, None)
        draft = await drafter.delete(type, match.version.id, match.version)
        return await _one(parts, account, _guarded(draft, match.guard))

    return await persist(attempt)


async def _one(parts: Parts, account: Account, draft: Draft) -> Written:
    return (await commit(parts, account, (draft,)))[0]


def _guarded(draft: Draft, *guards: Guard) -> Draft:
    return replace(draft, guards=guards)


def _asked(command: c.Delete | c.ConditionalDelete) -> str:
    if isinstance(command, c.Delete):
        return f"{command.type}/{command.id}"
    return f"{command.type}?{command.criteria}"


async def prepare_import(parts: Parts, account: Account, command: c.PrepareImport) -> None:
    """Rights alone: each resource is looked at when it comes."""
    account.query = ",".join(command.types)
    for type in command.types:
        for permission in (Permission.CREATE, Permission.UPDATE):
            parts.decider.require(account.caller, permission, rights.known(type))
