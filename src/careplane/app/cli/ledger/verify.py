"""careplane ledger verify: a receipt, an export, or all records against the log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from careplane.app.cli.ledger.options import Policy, content, opened
from careplane.app.cli.options import Data, Database, Json, say, settings
from careplane.app.settings import Settings
from careplane.kernel.errors import Incorrect, Invalid

_LONGEST = 50_000_000


def verify(
    receipt: Annotated[
        Path | None, typer.Argument(help="A receipt, .tlog-proof; without: this installation.")
    ] = None,
    policy: Policy = None,
    record: Annotated[
        Path | None, typer.Option("--record", help="The version, as the server answered it.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="NDJSON to verify against the log.")
    ] = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Verify a receipt, offline; or each line of an export, or every record and audit record of
    this installation, against its log."""
    if receipt is not None:
        if policy is None or export is not None:
            raise typer.BadParameter("a receipt is verified with --policy, and without --export")
        _receipt(receipt, policy, record, json)
        return
    if policy is not None or record is not None:
        raise typer.BadParameter("--policy and --record go with a receipt")
    chosen = settings(data, database=database)
    if export is not None:
        good, problems = asyncio.run(_exported(chosen, export))
        _tell({"verified": good, "problems": problems}, f"{good:,} lines are in the log.", json)
    else:
        value, text = asyncio.run(_whole(chosen))
        _tell(value, text, json)


def _tell(value: dict[str, Any], text: str, json: bool) -> None:
    for problem in value["problems"]:
        typer.echo(problem, err=True)
    say(value, text, json)
    if value["problems"]:
        raise typer.Exit(1)


def _receipt(receipt: Path, policy: Path, record: Path | None, json: bool) -> None:
    from careplane.ledger import verify

    try:
        found = verify.verify_receipt(
            content(receipt),
            verify.read_policy(content(policy)),
            content(record) if record else None,
        )
    except verify.Refused as error:
        raise Invalid(f"Refused: {error}.") from None
    value = {
        "log": found.origin, "leaf": found.index, "size": found.size, "kind": found.kind,
        "statement": found.statement, "witnesses": found.witnesses,
    }  # fmt: skip
    lines = [f"Leaf {found.index} of {found.size} of {found.origin}: {found.kind}"]
    lines += [f"  {name} {said}" for name, said in found.statement.items()]
    lines += [f"Cosigned by {name}" for name in found.witnesses]
    say(value, "\n".join(lines), json)


async def _whole(chosen: Settings) -> tuple[dict[str, Any], str]:
    from careplane.ledger.comparing import compare
    from careplane.ledger.scrub import apart, damages

    async with opened(chosen) as here:
        ledger = here.ledger
        away = await apart(ledger.store, ledger.anchors, ledger.identity)
        verifiers = [one.verifier for one in ledger.identity.signers]
        damaged = await damages(ledger.store, verifiers)
        found = await compare(ledger.store, ledger.sources)
        size = await ledger.store.size()
    problems = [*([away] if away else []), *damaged, *found.problems]
    value = {
        "leaves": size, "versions": found.versions, "erased": found.erased,
        "waiting": found.waiting, "audit": found.audited, "problems": problems,
    }  # fmt: skip
    text = (
        f"{size:,} leaves, {found.versions:,} versions and {found.audited:,} audit records were "
        f"compared; {found.erased:,} leaves were erased, {found.waiting:,} versions have none yet. "
        + (f"{len(problems)} problems." if problems else "All is well.")
    )
    return value, text


async def _exported(chosen: Settings, export: Path) -> tuple[int, list[str]]:
    from careplane.app.build import TENANT
    from careplane.ledger.exported import checked

    async with opened(chosen) as here:
        return await checked(
            here.ledger.store, here.store, TENANT, here.ledger.secret, _lines(export)
        )


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(_LONGEST):
                yield line
    except OSError as error:
        raise Incorrect(f"{path} cannot be read: {error.strerror}.") from None
