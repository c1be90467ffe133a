"""careplane keys status, rotate."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import typer

from careplane.app import keys
from careplane.app.cli.options import (
    Data,
    Database,
    Json,
    Provider,
    TenantName,
    say,
    settings,
)
from careplane.app.settings import Settings

app = typer.Typer(help="The keys that records are encrypted under.", no_args_is_help=True)


@app.command()
def status(
    tenant: TenantName = "", data: Data = None, database: Database = None, json: Json = False
) -> None:
    """How many keys there are, and who keeps the root."""
    chosen = settings(data, database=database)
    provider = keys.provider_in(keys.load(chosen.data))
    value = {"provider": provider, **asyncio.run(_status(chosen, tenant))}
    plain = " Bodies from before they were encrypted are still read." if value["plain"] else ""
    underway = f" Under way: {value['under_way']:.0%}." if value["under_way"] is not None else ""
    text = (
        f"{value['current']:,} keys in use, {value['superseded']:,} superseded, "
        f"{value['destroyed']:,} destroyed; "
        f"the root is kept by {value['provider']}{plain}{underway}"
    )
    say(value, text, json)


@app.command()
def rotate(
    root: Annotated[
        bool, typer.Option("--root", help="Only wrap the root anew, by its provider or another.")
    ] = False,
    over: Annotated[
        bool,
        typer.Option("--over", help="Only a new key of the institution, over its patients'."),
    ] = False,
    tenant: TenantName = "",
    key_provider: Provider = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Put new keys in the place of old ones while servers run: the patients', under which all is
    then encrypted anew, or those above them. What was interrupted goes on at the next call."""
    chosen = settings(data, database=database, key_provider=key_provider)
    if root:
        _rotate_root(chosen, json)
    elif over:
        count = asyncio.run(_rotate_tenant(chosen, tenant))
        say({"rewrapped": count}, f"{count:,} keys are under a new key of the institution.", json)
    else:
        done = asyncio.run(_rotate_patients(chosen, tenant, quiet=json))
        text = (
            f"{done['resealed']:,} of {done['seen']:,} versions were encrypted anew, "
            f"{done['retired']:,} old keys destroyed."
        )
        say(done, text, json)


def _rotate_root(chosen: Settings, json: bool) -> None:
    held = keys.load(chosen.data)
    provider = chosen.key_provider or keys.provider_in(held)
    if provider == keys.provider_in(held) == "file:":
        raise typer.BadParameter("The root stands in the key file: name a --key-provider for it.")
    keys.replace(chosen.data, keys.wrapped(held.root, provider))
    say({"provider": provider}, f"The root is wrapped anew, by {provider}", json)


async def _status(chosen: Settings, name: str) -> dict[str, Any]:
    from careplane.app.build import build

    here = build(chosen)
    try:
        tenant = (await here.operator_of(name)).tenant
        census = await here.store.keeper.census(tenant)
        part = await here.resealing_of(tenant).part()
        return {**msgspec.to_builtins(census), "under_way": part}
    finally:
        await here.close()


async def _rotate_tenant(chosen: Settings, name: str) -> int:
    from careplane.app.build import build
    from careplane.records.commands import Note

    here = build(chosen)
    try:
        operator = await here.operator_of(name)
        await here.door.note(operator, Note("keys-rotate", "tenant"))
        return await here.store.keeper.rewrap(operator.tenant)
    finally:
        await here.close()


async def _rotate_patients(chosen: Settings, name: str, *, quiet: bool) -> dict[str, int]:
    from careplane.app.build import build
    from careplane.records.commands import Note

    def told(part: float) -> None:
        if not quiet:
            typer.echo(f"\r{part:4.0%}", nl=False, err=True)

    here = build(chosen)
    try:
        operator = await here.operator_of(name)
        await here.door.note(operator, Note("keys-rotate", "patients"))
        resealing = here.resealing_of(operator.tenant)
        await resealing.begin()
        done = await resealing.run(told)
        if not quiet:
            typer.echo("\r", nl=False, err=True)
        found: dict[str, int] = msgspec.to_builtins(done)
        return found
    finally:
        await here.close()
