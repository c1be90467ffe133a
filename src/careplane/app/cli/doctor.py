"""careplane doctor: find what is wrong, and say how to mend it."""

from __future__ import annotations

import typer

from careplane.app.cli.options import Data, Database, Json, say, settings

_MARKS = {"good": "ok  ", "warning": "warn", "bad": "BAD "}


def doctor(data: Data = None, database: Database = None, json: Json = False) -> None:
    """Check this machine and a data folder. Exits with 1 if something is bad."""
    from careplane.app.checks import run

    found = run(settings(data, database=database))
    lines = [
        f"{_MARKS[one.state]}  {one.name}: {one.text}" + (f"\n      {one.mend}" if one.mend else "")
        for one in found
    ]
    say([one._asdict() for one in found], "\n".join(lines), json)
    if any(one.state == "bad" for one in found):
        raise typer.Exit(1)
