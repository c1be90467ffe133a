"""careplane forms list|add: the questionnaires that come with Careplane."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from careplane.app.cli.options import Data, Database, Json, TenantName, say, settings

if TYPE_CHECKING:
    from careplane.access.caller import Caller
    from careplane.app.build import Careplane

app = typer.Typer(help="Forms that come with Careplane.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """Say which there are."""
    from careplane.care.forms import ready

    found = [{"name": n, "title": str(ready.questionnaire(n)["title"])} for n in ready.known()]
    say(found, "\n".join(f"{one['name']}  {one['title']}" for one in found), json)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name of the form, such as phq-9.")],
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Add one, or bring it up to date: it can be filled at once."""
    from careplane.app.build import build

    async def work() -> dict[str, object]:
        here = build(settings(data, database=database))
        try:
            operator = await here.operator_of(tenant)
            return await _added(here, operator, name)
        finally:
            await here.close()

    found = asyncio.run(work())
    say(found, f"{found['title']}: Questionnaire/{found['id']}", json)


async def _added(here: Careplane, operator: Caller, name: str) -> dict[str, object]:
    from careplane.care.forms import ready
    from careplane.fhir.codec import json as codec
    from careplane.records.commands import Update

    tree = ready.questionnaire(name)
    await here.door.update(operator, Update("Questionnaire", name, codec.dump(tree)))
    return {"id": name, "title": tree["title"]}
