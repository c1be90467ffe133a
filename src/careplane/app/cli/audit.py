"""careplane audit ...: the audit trail for those who answer for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar

import typer

from careplane.app.cli.options import Data, Database, Json, TenantName, say, settings

if TYPE_CHECKING:
    from careplane.app.build import Careplane

T = TypeVar("T")


class _Place(NamedTuple):
    """Whose trail, and where it is."""

    tenant: str
    data: Path | None
    database: str | None


app = typer.Typer(help="Look into the audit trail.", no_args_is_help=True)

Patient = Annotated[str, typer.Option(help="Whose record was concerned: an id.")]
Agent = Annotated[str, typer.Option(help="Who: Practitioner/17, client/lab.")]
Resource = Annotated[str, typer.Option(help="Which resource: Observation/17.")]
Interaction = Annotated[str, typer.Option(help="What: read, search-type, $everything.")]
Token = Annotated[str, typer.Option(help="The id (jti) of a token, or its beginning.")]
Outcome = Annotated[str, typer.Option(help="How it ended: 4 refused, 8 failed.")]
Since = Annotated[str, typer.Option(help="From when on: 2026-11-01, 7d, 6y.")]
Before = Annotated[str, typer.Option(help="Before when: 2026-11-01, 7d.")]
Nobody = Annotated[bool, typer.Option("--nobody", help="Of requests without a good credential.")]
Count = Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")]


@app.command()
def tail(
    count: Count = 20,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """The last records, oldest first."""
    from careplane.app.audits.filters import Filters

    place = _Place(tenant, data, database)
    _show(Filters(), count, True, place, json)


@app.command()
def search(
    patient: Patient = "",
    agent: Agent = "",
    resource: Resource = "",
    interaction: Interaction = "",
    token: Token = "",
    outcome: Outcome = "",
    since: Since = "",
    before: Before = "",
    nobody: Nobody = False,
    count: Count = 100,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Records by patient, agent, resource, interaction, token, outcome and time; newest first."""
    from careplane.app.audits.filters import Filters

    place = _Place(tenant, data, database)
    asked = Filters(patient, agent, resource, interaction, token, outcome, since, before, nobody)
    _show(asked, count, False, place, json)


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="File to write; it must not be there yet.")],
    form: Annotated[
        Literal["raw", "AuditEvent"], typer.Option("--as", help="Records, or AuditEvents of them.")
    ] = "raw",
    patient: Patient = "",
    agent: Agent = "",
    resource: Resource = "",
    interaction: Interaction = "",
    token: Token = "",
    outcome: Outcome = "",
    since: Since = "",
    before: Before = "",
    nobody: Nobody = False,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Write records to a file of NDJSON, oldest first."""
    from careplane.app.audits.export import export_to
    from careplane.app.audits.filters import Filters

    place = _Place(tenant, data, database)
    asked = Filters(patient, agent, resource, interaction, token, outcome, since, before, nobody)
    written = _run(lambda here: export_to(here, asked, out, form), place)
    say({"out": str(out), "lines": written}, f"{written:,} lines written to {out}", json)


@app.command()
def exposure(
    token: Annotated[
        str, typer.Option(help="File with the token, - for standard input, or its id (jti).")
    ],
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Which patients a token could have read, and which records it did read."""
    from careplane.app.audits import report

    place = _Place(tenant, data, database)
    found = _run(lambda here: report.exposed(here, token), place)
    say(report.as_json(found), report.as_text(found), json)


@app.command()
def anomalies(
    since: Since = "7d",
    before: Before = "",
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="Only these rules; may be repeated.")
    ] = None,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Accesses that somebody should look at, and what became of each."""
    from careplane.app.audits import anomalies as looked

    place = _Place(tenant, data, database)
    found = _run(
        lambda here: looked.anomalies(here, since, before, rule or ()),
        place,
    )
    text = "\n".join(looked.in_words(*one) for one in found) or "Nothing to look at."
    say([looked.as_json(*one) for one in found], text, json)


@app.command()
def review(
    key: Annotated[str, typer.Argument(help="The key of a finding.")],
    verdict: Annotated[
        Literal["seen", "explained", "escalated"], typer.Argument(help="What becomes of it.")
    ],
    note: Annotated[str, typer.Option(help="Why; an explanation needs one.")] = "",
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Say what became of a finding."""
    from careplane.app.audits import anomalies as looked

    place = _Place(tenant, data, database)
    given = _run(lambda here: looked.reviewed(here, key, verdict, note), place)
    say({"key": key, "verdict": given.verdict}, f"{key}: {given.verdict}", json)


@app.command()
def forget(
    before: Annotated[str, typer.Option(help="Records from before when: 2018-01-01, 7y.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also what is younger than six years.")
    ] = False,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Remove old records for good. What is younger than six years stays, unless forced."""
    from careplane.app.audits.export import forget_before

    place = _Place(tenant, data, database)
    gone = _run(lambda here: forget_before(here, before, force), place)
    say({"removed": gone}, f"{gone:,} records removed.", json)


def _show(asked: Any, count: int, oldest_first: bool, place: _Place, json: bool) -> None:
    from careplane.app.audits.export import found, in_words
    from careplane.records.audits.lines import line_of

    entries = _run(lambda here: found(here, asked, count), place)
    if oldest_first:
        entries.reverse()
    say([line_of(entry) for entry in entries], "\n".join(map(in_words, entries)), json)


def _run(work: Callable[[Careplane], Awaitable[T]], place: _Place) -> T:
    from careplane.app.build import build

    async def run() -> T:
        here = build(settings(place.data, database=place.database))
        try:
            operator = await here.operator_of(place.tenant)
            return await work(replace(here, operator=operator))
        finally:
            await here.close()

    return asyncio.run(run())
