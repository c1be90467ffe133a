"""careplane mcp: the Model Context Protocol on standard input and output."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from careplane.app.cli.options import Data, Database, TenantName, settings
from careplane.kernel.errors import Incorrect

if TYPE_CHECKING:
    from careplane.access.scopes import Scope
    from careplane.app.settings import Settings


def mcp(
    scope: Annotated[
        list[str] | None,
        typer.Option(help="SMART scope that the program is given; default: system/*.rs."),
    ] = None,
    patient: Annotated[
        str | None, typer.Option(help="Patient id whose compartment patient/ scopes open.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option("--server", "--base", help="Base address of a running server to ask instead."),
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="CAREPLANE_TOKEN", help="Bearer token for that server.")
    ] = None,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
) -> None:
    """Let a program that speaks MCP, and that starts this command, ask the records."""
    from careplane.access.scopes import parse_scopes

    chosen = settings(data, database=database)
    if server:
        if not token:
            raise Incorrect(
                "A server wants a token: --token or CAREPLANE_TOKEN; see careplane token."
            )
        if scope or patient:
            raise Incorrect("What may be asked of a server, its token says; leave --scope out.")
        asyncio.run(_bridge(server, token, chosen.max_body_bytes))
        return
    if chosen.mcp == "off":
        raise Incorrect("CAREPLANE_MCP is off.")
    scopes = parse_scopes(" ".join(scope or ("system/*.rs",)))
    if patient is None and any(one.context == "patient" for one in scopes):
        raise Incorrect("A patient/ scope needs --patient ID: the patient whose record it opens.")
    asyncio.run(_local(chosen, tenant, scopes, patient))


async def _bridge(server: str, token: str, limit: int) -> None:
    import httpx

    from careplane.interop.mcp import stdio
    from careplane.interop.mcp.bridge import remote

    async with httpx.AsyncClient() as http:
        answering = remote(http, server, token)
        await stdio.serve(sys.stdin.buffer, sys.stdout.buffer, answering, limit)


async def _local(
    chosen: Settings, tenant: str, scopes: frozenset[Scope], patient: str | None
) -> None:
    """As whoever can read the key file, with no more than these scopes."""
    from careplane.app import keys
    from careplane.app.build import build
    from careplane.app.mcp import server_of
    from careplane.interop.mcp import stdio

    here = build(chosen)
    try:
        operator = await here.operator_of(tenant)
        caller = replace(operator, scopes=scopes, patient=patient)
        answering = stdio.local(server_of(chosen, keys.load(chosen.data), here.door), caller)
        limit = chosen.max_body_bytes
        await stdio.serve(sys.stdin.buffer, sys.stdout.buffer, answering, limit)
    finally:
        await here.close()
