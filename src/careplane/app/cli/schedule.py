"""careplane schedule check|times|day: schedules and their visits, from the command line."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from careplane.app.cli.options import Data, Database, Json, TenantName, say, settings

if TYPE_CHECKING:
    from careplane.access.caller import Caller
    from careplane.app.build import Careplane

app = typer.Typer(help="Look at schedules, and the visits on them.", no_args_is_help=True)

Day = Annotated[str, typer.Option("--day", help="Day, such as 2027-03-01; default: today.")]
_MOST_DAYS = 92


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A Schedule, as FHIR JSON.")], json: Json = False
) -> None:
    """Read the rules of a Schedule as a server does, and say what is wrong with them."""
    from careplane.fhir.codec import json as codec
    from careplane.kernel.errors import Incorrect
    from careplane.telehealth.scheduling.availability import reading

    try:
        tree = codec.parse(file.read_bytes())
    except OSError as error:
        raise Incorrect(f"{file} cannot be read: {error.strerror}.") from None
    if tree.get("resourceType") != "Schedule":
        raise Incorrect(f"{file} holds no Schedule.")
    reading.check(tree)
    rules = reading.count(tree)
    say({"rules": rules}, f"{rules} rules are good", json)


@app.command()
def times(
    schedule: Annotated[str, typer.Argument(help="Id of the Schedule.")],
    day: Day = "",
    days: Annotated[int, typer.Option(min=1, max=_MOST_DAYS, help="How many days.")] = 7,
    free: Annotated[bool, typer.Option("--free", help="Only those that can be had.")] = False,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """The times that a Schedule offers, worked out from its rules, and which of them are taken."""
    from careplane.telehealth.scheduling.finding import Search
    from careplane.telehealth.scheduling.slots import slots

    begin = _day(day)
    start = round(datetime(begin.year, begin.month, begin.day, tzinfo=UTC).timestamp()) * 10**6
    search = Search(start, start + days * 86_400_000_000)

    async def work(here: Careplane, operator: Caller) -> list[dict[str, str]]:
        state = "free" if free else None
        found = await slots(here.desk, operator, schedule, search, state)
        return [{name: str(one[name]) for name in ("start", "end", "status")} for one in found]

    found = _asked(work, data, database, tenant)
    lines = [f"{one['start']}  {one['end'][11:16]}  {one['status']}" for one in found]
    say(found, "\n".join(lines or ["no times"]), json)


@app.command()
def day(
    day: Day = "",
    by: Annotated[str, typer.Option(help="practitioner or room.")] = "practitioner",
    zone: Annotated[str, typer.Option(help="Time zone of the table.")] = "UTC",
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """The visits of a day, a column for each practitioner or room; ids and times alone."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from careplane.fhir.codec import json as codec
    from careplane.kernel.errors import Incorrect
    from careplane.records.bodies import whole
    from careplane.records.commands import Search
    from careplane.telehealth.scheduling.calendars.model import is_shown
    from careplane.telehealth.scheduling.occupancy import actors_of, moment_of

    if by not in ("practitioner", "room"):
        raise Incorrect("--by is practitioner or room.")
    try:
        there = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Incorrect(f"{zone[:64]!r} is no time zone, such as Europe/Berlin.") from None
    chosen = _day(day)
    around = [f"{chosen + timedelta(days=shift)}" for shift in (-1, 1)]
    pairs = (("date", f"ge{around[0]}"), ("date", f"le{around[1]}"), ("_count", "500"))

    async def work(here: Careplane, operator: Caller) -> list[dict[str, Any]]:
        visits: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await here.door.search(operator, Search("Appointment", pairs, cursor=cursor))
            visits += [codec.parse(whole(one)) for one in page.matches]
            cursor = page.next
            if cursor is None:
                return visits

    visits = _asked(work, data, database, tenant)
    kinds = ("Location",) if by == "room" else ("Practitioner", "PractitionerRole")

    def local(instant: str) -> datetime:
        return datetime.fromtimestamp(moment_of(instant) // 10**6, there)

    now = round(datetime.now(UTC).timestamp()) * 10**6
    found = sorted(
        (
            {"actor": actor, "id": one["id"], "status": one["status"],
             "start": local(one["start"]).isoformat(), "end": local(one["end"]).isoformat()}
            for one in visits if is_shown(one, now) and local(one["start"]).date() == chosen
            for actor in actors_of(one) if actor.split("/")[0] in kinds
        ),
        key=lambda one: (one["actor"], one["start"], one["id"]),
    )  # fmt: skip
    lines = [
        f"{one['start'][11:16]}-{one['end'][11:16]}  {one['actor']}  {one['status']}  {one['id']}"
        for one in found
    ]
    say(found, "\n".join(lines or ["no visits"]), json)


def _asked(work: Any, data: Path | None, database: str | None, tenant: str) -> Any:
    from careplane.app.build import build

    async def asked() -> Any:
        here = build(settings(data, database=database))
        try:
            return await work(here, await here.operator_of(tenant))
        finally:
            await here.close()

    return asyncio.run(asked())


def _day(text: str) -> date:
    from careplane.kernel.errors import Incorrect

    try:
        return date.fromisoformat(text) if text else datetime.now(UTC).date()
    except ValueError:
        raise Incorrect(f"{text[:32]!r} is no day, such as 2027-03-01.") from None
