"""`$meta`, `$meta-add`, `$meta-delete`: profiles, tags and security labels (FHIR R4, Resource
operations)."""

from __future__ import annotations

from typing import Any

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, Issue, TooLarge
from careplane.records import commands as c
from careplane.records import rights
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.parts import Parts
from careplane.records.read import read, vread
from careplane.records.results import MetaFound
from careplane.records.write import patch
from careplane.search.plan import Present, Query, any_of
from careplane.search.rows import Param

_LISTS = ("profile", "security", "tag")
_MOST = 10_000
_PAGE = 500


async def meta(parts: Parts, account: Account, command: c.Meta) -> MetaFound:
    """Of one version, of one resource, or what is in use."""
    if command.type is None or command.id is None:
        return await _in_use(parts, account, command.type)
    if command.version is None:
        found = await read(parts, account, c.Read(command.type, command.id))
    else:
        found = await vread(parts, account, c.Vread(command.type, command.id, command.version))
    return MetaFound(json.parse(whole(found)).get("meta", {}))


async def change_meta(parts: Parts, account: Account, command: c.ChangeMeta) -> MetaFound:
    """A new version whose meta has more, or less."""
    _only_lists(command.meta)

    def change(tree: Tree) -> Tree:
        before = tree.get("meta", {})
        combine = _without if command.remove else _with
        lists = {name: combine(before.get(name, []), command.meta.get(name, [])) for name in _LISTS}
        kept = {name: value for name, value in before.items() if name not in _LISTS}
        after = kept | {name: value for name, value in lists.items() if value}
        rest = {name: value for name, value in tree.items() if name != "meta"}
        return rest | ({"meta": after} if after else {})

    written = await patch(parts, account, c.Patch(command.type, change, id=command.id))
    assert written.version is not None
    return MetaFound(json.parse(whole(written.version)).get("meta", {}))


def _only_lists(meta: Tree) -> None:
    issues = tuple(
        Issue("error", "value", f"'{name}' must be a list.", f"Meta.{name}")
        for name in _LISTS
        if not isinstance(meta.get(name, []), list)
    )
    if issues:
        raise Invalid("The meta is not well formed.", issues=issues)


def _identity(item: Any) -> tuple[object, object]:
    """Codings are the same by system and code, profiles by their url."""
    if isinstance(item, dict):
        return item.get("system"), item.get("code")
    return None, item


def _with(old: list[Any], new: list[Any]) -> list[Any]:
    return list({_identity(item): item for item in [*new, *old]}.values())


def _without(old: list[Any], gone: list[Any]) -> list[Any]:
    leave = {_identity(item) for item in gone}
    return [item for item in old if _identity(item) not in leave]


async def _in_use(parts: Parts, account: Account, type: str | None) -> MetaFound:
    """Over all that the caller may search, looked at one page after another, within bounds."""
    types = frozenset({rights.known(type)} if type else ())
    where = any_of(*(Present(Param(f"Resource._{name}")) for name in _LISTS))
    query = rights.restrict(parts.decider, account.caller, Query(types, where, count=_PAGE))
    found: dict[str, list[Any]] = {name: [] for name in _LISTS}
    for _ in range(_MOST // _PAGE):
        page = await parts.store.search(account.caller.tenant, query)
        for version in page.versions:
            before = json.parse(whole(version)).get("meta", {})
            for name in _LISTS:
                found[name] = _with(found[name], before.get(name, []))
        if page.next is None:
            return MetaFound({name: value for name, value in found.items() if value})
        query = Query(query.types, query.where, count=_PAGE, cursor=page.next)
    raise TooLarge("Too many resources carry a meta here; ask for one type or one resource.")
