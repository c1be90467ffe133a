"""`$validate`: whether a resource would be accepted (FHIR R4, Resource-validate). Nothing is
stored."""

from __future__ import annotations

import re
from functools import partial

from careplane.access.scopes import Permission
from careplane.fhir.codec import json
from careplane.fhir.definitions import is_resource
from careplane.fhir.tree import Tree
from careplane.fhir.validation import Resolve, problems
from careplane.kernel.errors import Forbidden, Incorrect, Invalid, Issue, Malformed
from careplane.records import analytes, rights
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.bodies import accept, whole
from careplane.records.fetch import by_keys
from careplane.records.forms import questionnaires
from careplane.records.parts import Parts
from careplane.records.read import read
from careplane.records.results import Report
from careplane.search.plan import Nothing
from careplane.storage.ports.records import DEFINING, Version

_LOCAL = re.compile(r"([A-Za-z]{1,64})/([A-Za-z0-9\-.]{1,64})")
_ANY = (Permission.READ, Permission.CREATE, Permission.UPDATE, Permission.SEARCH)


async def validate(parts: Parts, account: Account, command: c.Validate) -> Report:
    """Every error and warning, or one issue that says that there is none."""
    type = rights.known(command.type)
    if command.mode == "delete":
        return await _deletable(parts, account, command)
    if command.raw:
        _some_right(parts, account, type)
        tree = _tree(command.raw)
    elif command.id is not None:
        tree = json.parse(whole(await read(parts, account, c.Read(type, command.id))))
    else:
        raise Incorrect("There is nothing to validate; send a resource.")
    if isinstance(tree, Report):
        return tree
    forms = await questionnaires(parts, account, tree)
    found = [*await _about_r4(parts, account, tree, forms), *_about_request(tree, command)]
    is_r4 = not any(issue.severity == "error" for issue in found)
    found += await _about_profiles(parts, account, tree, command)
    if is_r4 and type == DEFINING:
        found += _about_definition(parts, account, tree, command)
    if is_r4 and type == analytes.MAP:
        found += analytes.problems(tree)
    return Report(tuple(found) or _fine("No problem was found."))


async def _about_r4(parts: Parts, account: Account, tree: Tree, forms: Resolve) -> list[Issue]:
    if parts.profiles is None:
        return problems(tree, forms)
    return await parts.profiles.judged(
        account.caller.tenant, lambda in_set: problems(tree, forms, in_set)
    )


async def _about_profiles(
    parts: Parts, account: Account, tree: Tree, command: c.Validate
) -> list[Issue]:
    """What the profiles say that it claims, that are named, and that the institution asks for."""
    if parts.profiles is None or tree.get("resourceType") != command.type:
        return []
    resolve = partial(_resolved, parts, account)
    return await parts.profiles.asked(
        account.caller.tenant, command.type, tree, command.profiles, resolve
    )


async def _resolved(parts: Parts, account: Account, reference: str) -> Tree | None:
    """What a reference points to here, as far as the caller may find it."""
    local = reference.removeprefix(f"{parts.base}/") if parts.base else reference
    named = _LOCAL.fullmatch(local)
    if named is None or not is_resource(named[1]):
        return None
    found = await by_keys(parts, account.caller, [(named[1], named[2])])
    account.saw(found)
    return json.parse(whole(found[0])) if found else None


def _about_definition(
    parts: Parts, account: Account, tree: Tree, command: c.Validate
) -> tuple[Issue, ...]:
    """Whether searches could be made by it here."""
    if parts.definitions is None:
        return ()
    content = accept(parts.extract, json.dump(tree), DEFINING)
    id = command.id or content.id or ""
    version = Version(DEFINING, id, 0, 0, "PUT", content.rest, 0)
    try:
        parts.definitions.check(account.caller.tenant, id, version)
    except Invalid as error:
        return error.issues
    return ()


def _tree(raw: bytes) -> Tree | Report:
    try:
        return json.parse(raw)
    except Malformed as error:
        return Report(error.issues)


def _about_request(tree: Tree, command: c.Validate) -> list[Issue]:
    type, id = tree.get("resourceType"), tree.get("id")
    issues: list[Issue] = []
    if type != command.type:
        text = f"Expected a resource of type {command.type}"
        issues.append(Issue("error", "invalid", text, "Resource"))
    if command.mode == "update" and command.id is not None and id != command.id:
        text = "An update carries the id of its address"
        issues.append(Issue("error", "value", text, f"{command.type}.id"))
    return issues


async def _deletable(parts: Parts, account: Account, command: c.Validate) -> Report:
    """References to it do not stand in the way: this server does not enforce them."""
    if command.id is None:
        raise Incorrect("Mode 'delete' is about one resource; name it in the address.")
    parts.decider.require(account.caller, Permission.DELETE, command.type)
    await read(parts, account, c.Read(command.type, command.id))
    return Report(_fine("The resource can be deleted."))


def _some_right(parts: Parts, account: Account, type: str) -> None:
    rights_on = (parts.decider.restriction(account.caller, p, type) for p in _ANY)
    if all(isinstance(node, Nothing) for node in rights_on):
        raise Forbidden(f"This caller may do nothing with {type}.")


def _fine(text: str) -> tuple[Issue, ...]:
    return (Issue("information", "informational", text),)
