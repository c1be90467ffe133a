"""careplane user and careplane role: the people who may sign in, and what they are."""

from __future__ import annotations

import asyncio
import json as js
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from careplane.app.cli.options import Data, Database, Json, TenantName, say, settings
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Incorrect
from careplane.storage.ports.records import Tenant

if TYPE_CHECKING:
    from careplane.access.people.proofs import Proofs
    from careplane.access.people.registrar import Registrar
    from careplane.access.people.user import User
    from careplane.app.build import Careplane

app = typer.Typer(help="People who sign in.", no_args_is_help=True)
roles = typer.Typer(help="Roles of people who sign in.", no_args_is_help=True)
Who = Annotated[str, typer.Argument(metavar="USER", help="The login, or the id of the user.")]
Role = Annotated[str, typer.Argument(help="A role that the policies know, such as nurse.")]
Result = TypeVar("Result")


@app.command()
def add(
    login: Annotated[str, typer.Argument(help="What the person types in to sign in.")],
    name: Annotated[str, typer.Option(help="What the pages call the person.")],
    is_: Annotated[
        list[str] | None,
        typer.Option(
            "--is",
            help="The FHIR resource that the person is, such as Practitioner/17; repeatable for "
            "RelatedPersons. Left out: a new Practitioner.",
        ),
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option(help="A role that the policies know; repeatable.")
    ] = None,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Register a person, and print the link by which the person sets up how to sign in."""

    async def work(here: Careplane, registrar: Registrar) -> tuple[str, tuple[User, str]]:
        given = tuple(is_ or ())
        registrar.require_roles(here.operator.tenant, tuple(role or ()))
        resources = given or (await _practitioner(here, name),)
        made = await registrar.add(here.operator.tenant, login, name, resources, tuple(role or ()))
        return made[0].id, made

    _invited(_inviting(data, database, tenant, "user-add", work), json)


@app.command("list")
def list_(
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """All users, one a line."""

    async def work(here: Careplane, registrar: Registrar) -> tuple[str, list[User]]:
        return "", await registrar.users.all(here.operator.tenant)

    found = _work(data, database, tenant, "user-list", work)
    lines = [
        f"{u.id}  {_state(u):8}  {u.login}  {' '.join(u.resources)}  {' '.join(u.roles) or '-'}"
        f"  ({u.name})"
        for u in found
    ]
    say([_shown(user) for user in found], "\n".join(lines) or "There is no user.", json)


@app.command()
def show(
    user: Who,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """One user, and by what the person signs in; never a secret."""

    async def work(here: Careplane, registrar: Registrar) -> tuple[str, tuple[User, Proofs]]:
        found = await registrar.users.named(here.operator.tenant, user)
        return found.id, (found, await registrar.book.get(here.operator.tenant, found.id))

    found, proofs = _work(data, database, tenant, "user-show", work)
    more: dict[str, object] = {
        "passkeys": [one.name for one in proofs.passkeys],
        "password": bool(proofs.password),
        "recovery_codes": len(proofs.recovery),
    }
    _tell(_shown(found) | more, json)


@app.command()
def invite(
    user: Who,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Another invitation for one who cannot sign in yet; the one before is over."""

    async def work(here: Careplane, registrar: Registrar) -> tuple[str, tuple[User, str]]:
        found = await registrar.users.named(here.operator.tenant, user)
        return found.id, await registrar.invite(here.operator.tenant, found.id)

    _invited(_inviting(data, database, tenant, "user-invite", work), json)


@app.command()
def reset(
    user: Who,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Take away all by which a user signs in, end the sessions, and invite anew."""

    async def work(here: Careplane, registrar: Registrar) -> tuple[str, tuple[User, str]]:
        found = await registrar.users.named(here.operator.tenant, user)
        return found.id, await registrar.reset(here.operator.tenant, found.id)

    _invited(_inviting(data, database, tenant, "user-reset", work), json)


@app.command()
def disable(
    user: Who,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Let a user not sign in any more, and end the sessions, within seconds everywhere."""
    found = _change(data, database, tenant, "user-disable", user, lambda r, t, id: r.disable(t, id))
    _tell(_shown(found), json)


@app.command()
def enable(
    user: Who,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Let a user sign in again."""
    found = _change(data, database, tenant, "user-enable", user, lambda r, t, id: r.enable(t, id))
    _tell(_shown(found), json)


@app.command()
def remove(
    user: Who,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Take a user out. The FHIR resource and the audit trail stay."""
    found = _change(data, database, tenant, "user-remove", user, lambda r, t, id: r.remove(t, id))
    say({"id": found.id, "removed": True}, f"{found.login} is removed.", json)


@roles.command("list")
def list_roles(
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """The roles that the policies know."""

    async def work(here: Careplane, registrar: Registrar) -> tuple[str, list[str]]:
        return "", sorted(registrar.roles(here.operator.tenant))

    found = _work(data, database, tenant, "role-list", work)
    say(found, "\n".join(found), json)


@roles.command()
def grant(
    user: Who,
    role: Role,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Give a user one more role, within seconds everywhere."""
    found = _change(
        data, database, tenant, "role-grant", user, lambda r, t, id: r.grant(t, id, role), role
    )
    _tell(_shown(found), json)


@roles.command()
def withdraw(
    user: Who,
    role: Role,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Take one role from a user, within seconds everywhere."""
    found = _change(
        data,
        database,
        tenant,
        "role-withdraw",
        user,
        lambda r, t, id: r.withdraw(t, id, role),
        role,
    )
    _tell(_shown(found), json)


def _change(
    data: Path | None,
    database: str | None,
    tenant: str,
    operation: str,
    user: str,
    change: Callable[[Registrar, Tenant, str], Awaitable[Result]],
    more: str = "",
) -> Result:
    """One change to one user."""

    async def work(here: Careplane, registrar: Registrar) -> tuple[str, Result]:
        found = await registrar.users.named(here.operator.tenant, user)
        done = await change(registrar, here.operator.tenant, found.id)
        return f"{found.id} {more}".strip(), done

    return _work(data, database, tenant, operation, work)


def _work(
    data: Path | None,
    database: str | None,
    tenant: str,
    operation: str,
    ask: Callable[[Careplane, Registrar], Awaitable[tuple[str, Result]]],
) -> Result:
    """Done on the data folder, as the operator of an institution, and noted in its audit trail,
    with whom it was about, before anything is printed."""
    from careplane.app.build import build
    from careplane.records.commands import Note

    async def work() -> Result:
        here = build(settings(data, database=database))
        try:
            here = replace(here, operator=await here.operator_of(tenant))
            text, result = await ask(here, here.people.registrar)
            await here.door.note(here.operator, Note(operation, text))
            return result
        finally:
            await here.close()

    return asyncio.run(work())


async def _practitioner(here: Careplane, name: str) -> str:
    from careplane.records.commands import Create

    raw = js.dumps({"resourceType": "Practitioner", "active": True, "name": [{"text": name}]})
    written = await here.door.create(here.operator, Create("Practitioner", raw.encode()))
    assert written.version is not None
    return f"Practitioner/{written.version.id}"


def _inviting(
    data: Path | None,
    database: str | None,
    tenant: str,
    operation: str,
    ask: Callable[[Careplane, Registrar], Awaitable[tuple[str, tuple[User, str]]]],
) -> tuple[User, str]:
    """The user, and the link by which the person sets up how to sign in; without one where that is
    the provider's."""

    async def work(here: Careplane, registrar: Registrar) -> tuple[str, tuple[User, str]]:
        pages = _pages(here)
        text, (user, code) = await ask(here, registrar)
        return text, (user, "" if here.people.provider else f"{pages}/set-up?code={code}")

    return _work(data, database, tenant, operation, work)


def _pages(here: Careplane) -> str:
    """The address of the institution's pages. Raises Incorrect where it has none."""
    from careplane.app.tenancy.entrance import usual
    from careplane.rest.addressing import Addressing

    chosen = here.tenancy.settings
    found = here.tenancy.known.by_number(here.operator.tenant)
    assert found is not None
    place = usual(found)
    if place.root:
        raise Incorrect(
            f"People of {found.name} have no pages to sign in at: give it a host name first, "
            f"by careplane tenant set {found.name} --host NAME."
        )
    return Addressing(chosen.base_url or f"http://localhost:{chosen.port}").origin(place)


def _invited(made: tuple[User, str], json: bool) -> None:
    user, link = made
    if not link:
        _tell(_shown(user), json)
        return
    text = _text(_shown(user)) + f"\n\nInvitation, good once and for a day:\n{link}"
    say(_shown(user) | {"invitation": link}, text, json)


def _tell(shown: dict[str, object], json: bool) -> None:
    say(shown, _text(shown), json)


def _text(shown: dict[str, object]) -> str:
    def said(value: object) -> str:
        return " ".join(value) or "-" if isinstance(value, list) else str(value)

    return "\n".join(f"{name:14} {said(value)}" for name, value in shown.items())


def _state(user: User) -> str:
    return "disabled" if user.disabled else "active"


def _shown(user: User) -> dict[str, object]:
    """What people may see of it."""
    return {
        "id": user.id,
        "login": user.login,
        "name": user.name,
        "state": _state(user),
        "is": list(user.resources),
        "roles": list(user.roles),
        "created": format_instant(user.created),
    }
