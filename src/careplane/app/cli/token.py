"""careplane token: a bearer token for a data folder."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from careplane.app.cli.options import Data, Database, Json, TenantName, say, settings
from careplane.app.settings import Settings
from careplane.kernel.errors import Incorrect

if TYPE_CHECKING:
    from careplane.storage.ports.records import Tenant


def token(
    scope: Annotated[
        list[str] | None,
        typer.Option(help="SMART scope, such as system/*.cruds or system/Observation.rs."),
    ] = None,
    patient: Annotated[
        str | None, typer.Option(help="Patient id whose compartment patient/ scopes open.")
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
    from careplane.access.smart.tokens import Tokens
    from careplane.access.tenants.institution import FIRST
    from careplane.app import keys
    from careplane.kernel.clock import system_clock

    if not scope:
        raise typer.BadParameter(
            "name at least one, such as --scope 'system/*.rs'", param_hint="--scope"
        )
    scopes = parse_scopes(" ".join(scope))
    if patient is None and any(one.context == "patient" for one in scopes):
        raise Incorrect("A patient/ scope needs --patient ID: the patient whose record it opens.")
    if purpose not in PURPOSES:
        raise Incorrect(f"{purpose!r} is no purpose of use; use {', '.join(sorted(PURPOSES))}.")
    chosen = settings(data, database=database)
    secret = keys.load(chosen.data).derive("tokens")
    at = asyncio.run(_number(chosen, tenant)) if tenant else FIRST
    caller = Caller(at, client, client, scopes, patient, frozenset(role or ()), purpose)
    issued = Tokens(secret, system_clock).issue(caller, round(hours * 3600))
    say(
        {"access_token": issued, "token_type": "Bearer", "expires_in": round(hours * 3600)},
        issued,
        json,
    )


async def _number(chosen: Settings, name: str) -> Tenant:
    """Which institution that is."""
    from careplane.access.tenants.register import Register
    from careplane.app import engines, keys
    from careplane.kernel.clock import system_clock

    state = engines.state(chosen, keys.load(chosen.data))
    try:
        return (await Register(state, system_clock).get(name)).tenant
    finally:
        await state.close()
