"""Options that several verbs share, and how verbs print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from careplane.app.settings import Settings

Data = Annotated[
    Path | None,
    typer.Option("--data", help="Data folder; default: $CAREPLANE_DATA or ./careplane-data."),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        help="PostgreSQL address; default: $CAREPLANE_DATABASE or a file in the data folder.",
    ),
]
Provider = Annotated[
    str | None,
    typer.Option(
        "--key-provider",
        help="Who keeps the root of all keys; default: $CAREPLANE_KEY_PROVIDER or the key file.",
    ),
]
TenantName = Annotated[
    str,
    typer.Option(
        "--tenant",
        help="Institution, by its name; the first one if left out. See careplane tenant.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


class Source(NamedTuple):
    """What a command asks: a running server with its token, or the records themselves."""

    data: Path | None
    database: str | None
    server: str | None
    token: str | None
    tenant: str = ""


def settings(data: Path | None = None, **chosen: Any) -> Settings:
    """The settings of the environment, overruled by what the command line says."""
    given = {name: value for name, value in {"data": data, **chosen}.items() if value is not None}
    return Settings(**given)


def say(value: Any, text: str, as_json: bool) -> None:
    """Print a result: as JSON for programs, or as text for people."""
    typer.echo(json.dumps(value) if as_json else text)
