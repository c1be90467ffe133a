"""careplane token: a bearer token for a data folder."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from careplane.app.cli.options import Data, Database, Json, TenantName, say, settings
from careplane.app.settings import Settings
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Incorrect
from careplane.records.commands import Note, Read

if TYPE_CHECKING:
    from careplane.access.caller import Caller

_PEOPLE = {"Patient": "patient", "RelatedPerson": "proxy", "Practitioner": ""}
"""Types of those whom a token may speak for → the role that they have by themselves."""


def token(
    scope: Annotated[
        list[str] | None,
        typer.Option(help="SMART scope, such as system/*.cruds or system/Observation.rs."),
    ] = None,
    patient: Annotated[
        str | None, typer.Option(help="Patient id whose compartment patient/ scopes open.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Person that it speaks for, such as Practitioner/17 or Patient/3."),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(help="Role whose policies apply as well, such as nurse; none: scopes alone."),
    ] = None,
    purpose: Annotated[str, typer.Option(help="Purpose of use that policies see.")] = "TREAT",
    client: Annotated[str, typer.Option(help="Whom the audit trail names.")] = "client/operator",
    tenant: TenantName = "",
    hours: Annotated[float, typer.Option(help="How long it is good.", min=0.01, max=8760)] = 12,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Issue a bearer token. Whoever has it may do what its scopes say, until it ends."""
    from careplane.access.caller import Caller
    from careplane.access.policy.terms import PURPOSES
    from careplane.access.scopes import parse_scopes
    from careplane.access.tenants.institution import FIRST

    if not scope:
        raise typer.BadParameter(
            "name at least one, such as --scope 'system/*.rs'", param_hint="--scope"
        )
    scopes = parse_scopes(" ".join(scope))
    id, roles, patient = _person(user, client, role, patient)
    if patient is None and any(one.context == "patient" for one in scopes):
        raise Incorrect("A patient/ scope needs --patient ID: the patient whose record it opens.")
    if purpose not in PURPOSES:
        raise Incorrect(f"{purpose!r} is no purpose of use; use {', '.join(sorted(PURPOSES))}.")
    chosen = settings(data, database=database)
    caller = Caller(FIRST, id, id, scopes, patient, roles, purpose)
    issuing = _issue(chosen, caller, tenant, round(hours * 3600), is_person=user is not None)
    issued = asyncio.run(issuing)
    say(
        {"access_token": issued, "token_type": "Bearer", "expires_in": round(hours * 3600)},
        issued,
        json,
    )


def _person(
    user: str | None, client: str, role: list[str] | None, patient: str | None
) -> tuple[str, frozenset[str], str | None]:
    """Id, roles and patient of whoever the token speaks for. A person has a role always: without
    one, scopes alone would decide."""
    if user is None:
        return client, frozenset(role or ()), patient
    type, _, logical = user.partition("/")
    if type not in _PEOPLE or not logical:
        raise Incorrect(
            f"{user!r} is no person; name a Practitioner, Patient or RelatedPerson, such as "
            "Practitioner/17."
        )
    roles = frozenset(role or filter(None, (_PEOPLE[type],)))
    if not roles:
        raise Incorrect(f"Name the role of {user}, such as --role nurse.")
    if type == "Patient":
        if patient not in (None, logical):
            raise Incorrect("A patient's token is for the patient's own record; leave --patient.")
        patient = logical
    return user, roles, patient


async def _issue(
    chosen: Settings, caller: Caller, tenant: str, seconds: int, *, is_person: bool
) -> str:
    """Issued, and noted in the audit trail before it is printed."""
    from careplane.app.build import build

    here = build(chosen)
    try:
        operator = await here.operator_of(tenant)
        if is_person:
            type, _, id = caller.id.partition("/")
            await here.door.read(operator, Read(type, id))
        words = " ".join(sorted(map(str, caller.scopes)))
        await here.door.note(operator, Note("token-issue", f"{caller.id} {words}"[:500]))
        proved = system_clock() // 1_000_000 if is_person else 0  # whoever has the key file says so
        whom = replace(caller, tenant=operator.tenant, proved=proved)
        return here.tokens.issue(whom, seconds)
    finally:
        await here.close()
