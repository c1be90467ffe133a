"""careplane backup, restore."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from careplane.app import keys
from careplane.app.backup import Manifest
from careplane.app.cli.options import Data, Database, Json, say, settings
from careplane.app.settings import Settings


def backup(
    dest: Annotated[Path, typer.Argument(help="Folder to make; there must be nothing in it.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Copy the key too: who has both has everything.")
    ] = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Copy the records, the audit trail and the state, while servers may write."""
    from careplane.app import backup, engines
    from careplane.kernel.clock import format_instant, system_clock

    chosen = settings(data, database=database)
    key = keys.load(chosen.data)
    asyncio.run(_note(chosen))
    vault, made = engines.vault(chosen, key), format_instant(system_clock())
    done = backup.backup(vault, key, dest, made, with_key=with_key)
    _tell(done, dest, json, "Saved to")


def restore(
    source: Annotated[Path, typer.Argument(help="Folder that careplane backup made.")],
    key: Annotated[
        Path | None, typer.Option("--key", help="Key file, where the backup has none.")
    ] = None,
    erasures: Annotated[
        Path | None,
        typer.Option("--erasures", help="List of erasures; default: the one beside the key file."),
    ] = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Make a data folder of a backup, fill --database where it is of one, and look whether all of
    it is there."""
    from careplane.app import background, backup, engines
    from careplane.app.ledgering import anchor_path
    from careplane.app.reapplying import reapplied
    from careplane.storage.keys.erasures import NAME as ERASURES

    chosen = settings(data, database=database)
    path = key or source / keys.NAME
    root = keys.read(path)
    listed = erasures or path.parent / ERASURES
    done = backup.restore(engines.vault(chosen, root), root, source, chosen.data, listed)
    asyncio.run(background.release(engines.state(chosen, root)))
    erased = asyncio.run(reapplied(chosen, wholly=True))
    _tell(done, chosen.data, json, "Restored and checked:")
    anchor = anchor_path(chosen)
    if done.contents.ledger and done.contents.ledger.rows and not anchor.exists():
        typer.echo(
            f"The ledger signs nothing before the newest copy of its anchor is at {anchor}.",
            err=True,
        )
    if not json:
        typer.echo(
            f"{erased:,} patients who were erased after the backup were erased again."
            if listed.exists()
            else f"There is no {listed}: whoever was erased after the backup is here again."
        )


async def _note(chosen: Settings) -> None:
    """A backup holds every record, so it stands in the audit trail, and that record in it."""
    from careplane.app.build import OPERATOR, build
    from careplane.kernel.clock import system_clock
    from careplane.records.account import Account

    here = build(chosen)
    try:
        record = Account(OPERATOR, "backup").success(system_clock)
        await here.store.append(OPERATOR.tenant, record)
    finally:
        await here.close()


def _tell(manifest: Manifest, folder: Path, json: bool, what: str) -> None:
    contents = manifest.contents
    value = {
        "folder": str(folder),
        "made": manifest.made,
        "resources": contents.resources,
        "versions": contents.versions.rows,
        "newest": contents.versions.newest,
        "audit": contents.audit.rows + contents.waiting.rows,
        "sha256": contents.versions.sha256,
    }
    text = (
        f"{what} {folder}: {sum(contents.resources.values()):,} resources, "
        f"{contents.versions.rows:,} versions, {contents.audit.rows:,} audit records."
    )
    say(value, text, json)
