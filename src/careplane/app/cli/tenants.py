"""careplane tenant: the institutions of this installation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from msgspec.structs import replace

from careplane.access.tenants.institution import Institution
from careplane.app.cli.options import Data, Database, Json, say, settings
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Conflict
from careplane.records.commands import Empty, Note

if TYPE_CHECKING:
    from careplane.app.build import Careplane

app = typer.Typer(
    help="Institutions: each with its own records, addresses and callers.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="Its short name, which is part of its address.")]
Title = Annotated[str | None, typer.Option(help="What people call it.")]
Host = Annotated[
    str | None, typer.Option(help="A host name of its own, such as records.clinic.example.")
]
Retention = Annotated[
    str | None, typer.Option(help="Its own history_retention, such as 'Observation=5v,*=365d'.")
]
Policies = Annotated[str | None, typer.Option(help="Folder of its own policies.")]
Profiles = Annotated[
    str | None, typer.Option(help="Its own profiles, such as '*=warn,Patient=enforce'.")
]
MostResources = Annotated[int | None, typer.Option(help="Resources it may store; 0: no limit.")]
MostRequests = Annotated[
    float | None, typer.Option(help="Requests a second to each process; 0: no limit.")
]
Result = TypeVar("Result")


@app.command()
def add(
    name: Name,
    title: Title = None,
    host: Host = None,
    retention: Retention = None,
    policies: Policies = None,
    profiles: Profiles = None,
    most_resources: MostResources = None,
    most_requests: MostRequests = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Add an institution. Servers that run know it within seconds."""
    chosen = _chosen(title, host, retention, policies, profiles, most_resources, most_requests)

    async def work(here: Careplane) -> Institution:
        return await here.tenancy.register.add(replace(Institution(0, name, name), **chosen))

    _tell(_work(data, database, "tenant-add", name, work), json)


@app.command("list")
def list_(data: Data = None, database: Database = None, json: Json = False) -> None:
    """All institutions."""

    async def work(here: Careplane) -> list[Institution]:
        return list(await here.tenancy.register.all())

    found = _work(data, database, "tenant-list", "", work)
    lines = [
        f"{one.number:>6}  {_state(one):8}  {one.name:32}  {_address(one)}  ({one.title})"
        for one in found
    ]
    say([_shown(one) for one in found], "\n".join(lines), json)


@app.command()
def show(name: Name, data: Data = None, database: Database = None, json: Json = False) -> None:
    """One institution."""

    async def work(here: Careplane) -> Institution:
        return await here.tenancy.register.get(name)

    _tell(_work(data, database, "tenant-show", name, work), json)


@app.command()
def rename(
    name: Name,
    to: Annotated[str, typer.Argument(help="Its new short name.")],
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Give an institution another short name, and so another address. The old one ends."""
    _change(name, {"name": to}, "tenant-rename", data, database, json)


@app.command("set")
def set_(
    name: Name,
    title: Title = None,
    host: Host = None,
    retention: Retention = None,
    policies: Policies = None,
    profiles: Profiles = None,
    most_resources: MostResources = None,
    most_requests: MostRequests = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Change what was chosen for an institution; what is left out stays, and '' or 0 takes it
    away."""
    chosen = _chosen(title, host, retention, policies, profiles, most_resources, most_requests)
    _change(name, chosen, "tenant-set", data, database, json)


@app.command()
def disable(name: Name, data: Data = None, database: Database = None, json: Json = False) -> None:
    """Serve an institution no more, within seconds everywhere. Its data stays as it is."""
    _change(name, {"disabled": True}, "tenant-disable", data, database, json)


@app.command()
def enable(name: Name, data: Data = None, database: Database = None, json: Json = False) -> None:
    """Serve an institution again."""
    _change(name, {"disabled": False}, "tenant-enable", data, database, json)


@app.command()
def exchange(
    name: Name,
    other: Annotated[
        str, typer.Argument(help="The institution that referrals go to and come from.")
    ],
    end: Annotated[bool, typer.Option("--end", help="Exchange nothing any more.")] = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Agree, for one institution, to exchange referrals with another of this installation. It takes
    effect when both have; then each stands in the other's directory as an Organization."""
    from careplane.app.tenancy.partners import as_partner
    from careplane.fhir.codec.json import dump
    from careplane.records.commands import Update
    from careplane.sharing.exchange.partner import organization

    async def work(here: Careplane) -> Institution:
        theirs = await here.tenancy.register.get(other)
        mine = await here.tenancy.register.get(name)
        if mine.number == theirs.number:
            raise Conflict(f"{name} is one institution; name two.")

        def agreed(one: Institution) -> Institution:
            kept = tuple(number for number in one.exchanges if number != theirs.number)
            return replace(one, exchanges=kept if end else (*kept, theirs.number))

        found = await here.tenancy.register.change(name, agreed)
        tree = organization(as_partner(theirs)) | {"active": not end}
        command = Update("Organization", str(tree["id"]), dump(tree))
        await here.door.update(await here.operator_of(name), command)
        return found

    _tell(_work(data, database, "tenant-exchange", name, work), json)


@app.command()
def remove(
    name: Name,
    erase: Annotated[
        bool,
        typer.Option("--erase", help="Take away all of its records, with every version, for good."),
    ] = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Take a disabled institution out of the register. One that has records is only removed with
    --erase; its audit trail stays, and its number is never given again."""

    async def work(here: Careplane) -> int:
        found = await here.tenancy.register.get(name)
        gone = 0
        if not found.disabled:
            raise Conflict(f"{name} is not disabled; careplane tenant disable {name} first.")
        if await here.store.changes(found.tenant, 0, 1):
            if not erase:
                raise Conflict(f"{name} has records; --erase takes them away for good.")
            gone = await here.door.empty(replaced(here.operator, tenant=found.tenant), Empty())
        await here.tenancy.register.remove(name)
        return gone

    gone = _work(data, database, "tenant-remove", name, work)
    text = f"{name} is removed; {gone:,} records were erased."
    say({"tenant": name, "removed": True, "erased": gone}, text, json)


@app.command()
def costs(data: Data = None, database: Database = None, json: Json = False) -> None:
    """What each institution takes up, and has used since it was first counted."""
    from careplane.app.tenancy.usage import used

    async def work(here: Careplane) -> list[dict[str, Any]]:
        found = []
        for one in await here.tenancy.register.all():
            sizes = await here.store.sizes(one.tenant)
            use = await used(here.state, one.tenant)
            found.append(
                {
                    "tenant": one.name,
                    "resources": sum((await here.store.counts(one.tenant)).values()),
                    "versions": sizes.versions,
                    "body_bytes": sizes.bodies,
                    "row_bytes": sizes.rows,
                    "requests": use.requests if use else 0,
                    "cpu_seconds": round(use.seconds, 3) if use else 0.0,
                    "since": format_instant(use.since) if use else "",
                }
            )
        return found

    found = _work(data, database, "tenant-costs", "", work)
    head = (
        f"{'tenant':20} {'resources':>12} {'versions':>12} {'body bytes':>15} {'row bytes':>15} "
        f"{'requests':>12} {'CPU s':>10}  since"
    )
    lines = [
        f"{c['tenant']:20} {c['resources']:>12,} {c['versions']:>12,} {c['body_bytes']:>15,} "
        f"{c['row_bytes']:>15,} {c['requests']:>12,} {c['cpu_seconds']:>10,.1f}  {c['since']}"
        for c in found
    ]
    say(found, "\n".join([head, *lines]), json)


@app.command()
def wall(
    admin: Annotated[
        str,
        typer.Option(
            envvar="CAREPLANE_DATABASE_ADMIN",
            help="Address of the same database for a superuser, needed once.",
        ),
    ] = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Raise the wall between tenants in PostgreSQL (row-level security), and say whether it stands.
    Exits with 1 if it does not."""
    from careplane.app import engines

    missing = asyncio.run(engines.raised_wall(settings(data, database=database), admin))
    text = f"Row-level security is not in force: {missing}" if missing else "The wall stands."
    say({"stands": not missing, "missing": missing}, text, json)
    if missing:
        raise typer.Exit(1)


def _change(
    name: str,
    chosen: dict[str, Any],
    operation: str,
    data: Path | None,
    database: str | None,
    json: bool,
) -> None:
    async def work(here: Careplane) -> Institution:
        return await here.tenancy.register.change(name, lambda one: replace(one, **chosen))

    _tell(_work(data, database, operation, name, work), json)


def _chosen(
    title: str | None,
    host: str | None,
    retention: str | None,
    policies: str | None,
    profiles: str | None,
    most_resources: int | None,
    most_requests: float | None,
) -> dict[str, Any]:
    """What was named. Raises Incorrect for a choice that cannot be used."""
    from careplane.app.policing import policies_of
    from careplane.records.profiles.policy import parse as profile_policy
    from careplane.records.retention import parse_policy

    if retention:
        parse_policy(retention)
    if profiles:
        profile_policy(profiles)
    if policies:
        policies = str(Path(policies).absolute())
        policies_of(settings(policies=policies))
    named = {
        "title": title,
        "host": host.lower() if host else host,
        "retention": retention,
        "policies": policies,
        "profiles": profiles,
        "most_resources": most_resources,
        "most_requests": most_requests,
    }
    return {name: value for name, value in named.items() if value is not None}


def _work(
    data: Path | None,
    database: str | None,
    operation: str,
    name: str,
    ask: Callable[[Careplane], Awaitable[Result]],
) -> Result:
    """Done on the data folder, and noted in the installation's audit trail."""
    from careplane.app.build import build

    async def work() -> Result:
        here = build(settings(data, database=database))
        try:
            result = await ask(here)
            await here.door.note(here.operator, Note(operation, name[:64]))
            return result
        finally:
            await here.close()

    return asyncio.run(work())


def _tell(institution: Institution, json: bool) -> None:
    shown = _shown(institution)
    say(shown, "\n".join(f"{name:14} {value}" for name, value in shown.items()), json)


def _shown(one: Institution) -> dict[str, object]:
    return {
        "number": one.number,
        "name": one.name,
        "title": one.title,
        "state": _state(one),
        "address": _address(one),
        "retention": one.retention,
        "policies": one.policies,
        "profiles": one.profiles,
        "most_resources": one.most_resources,
        "most_requests": one.most_requests,
        "exchanges": list(one.exchanges),
        "created": format_instant(one.created) if one.created else "",
    }


def _state(one: Institution) -> str:
    return "disabled" if one.disabled else "active"


def _address(one: Institution) -> str:
    """Where it is asked, as far as the register knows."""
    return f"{one.host}/fhir" if one.host else f"{one.root}/fhir"
