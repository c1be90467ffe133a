"""careplane fhir get|search|put|delete|validate: the FHIR interface from a terminal.

Without `--server` the commands open the data folder themselves and go through the same HTTP
application in this process, so that both ways behave alike.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import typer

from careplane.app.cli.options import Data, Database, Source, TenantName
from careplane.kernel.errors import Incorrect

if TYPE_CHECKING:
    import httpx

app = typer.Typer(help="Read and write single records.", no_args_is_help=True)

Server = Annotated[
    str | None,
    typer.Option(help="Base address of a running server, such as http://127.0.0.1:8080/fhir."),
]
Token = Annotated[
    str | None, typer.Option(envvar="CAREPLANE_TOKEN", help="Bearer token for that server.")
]
_JSON = "application/fhir+json"


@app.command()
def get(
    reference: Annotated[str, typer.Argument(help="Patient/1, Patient/1/_history/2 or metadata.")],
    data: Data = None,
    database: Database = None,
    server: Server = None,
    token: Token = None,
    tenant: TenantName = "",
) -> None:
    """Print one resource."""
    _print(_ask("GET", reference, Source(data, database, server, token, tenant)))


@app.command()
def search(
    type: Annotated[str, typer.Argument(help="Resource type, such as Observation.")],
    criteria: Annotated[
        list[str] | None, typer.Argument(help="Search parameters: code=4548-4 date=ge2024")
    ] = None,
    data: Data = None,
    database: Database = None,
    server: Server = None,
    token: Token = None,
    tenant: TenantName = "",
) -> None:
    """Print a Bundle of what matches; an unknown parameter is an error."""
    pairs = [_pair(one) for one in criteria or ()]
    path = f"{type}?{urlencode(pairs)}"
    _print(
        _ask(
            "GET",
            path,
            Source(data, database, server, token, tenant),
            {"Prefer": "handling=strict"},
        )
    )


@app.command()
def put(
    path: Annotated[Path, typer.Argument(help="A resource as JSON or XML; - for standard input.")],
    data: Data = None,
    database: Database = None,
    server: Server = None,
    token: Token = None,
    tenant: TenantName = "",
) -> None:
    """Create or update a resource under the type and id that it names."""
    body = _read(path)
    kind = _kind(body)
    headers = {"Content-Type": kind, "Prefer": "return=representation"}
    _print(
        _ask("PUT", _key(body, kind), Source(data, database, server, token, tenant), headers, body)
    )


@app.command()
def delete(
    reference: Annotated[str, typer.Argument(help="Type and id, such as Patient/1.")],
    data: Data = None,
    database: Database = None,
    server: Server = None,
    token: Token = None,
    tenant: TenantName = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Delete a resource; its history stays."""
    if dry_run:
        version = _ask("GET", reference, Source(data, database, server, token, tenant)).headers.get(
            "etag", ""
        )
        typer.echo(f"would delete {reference} ({version})")
        return
    _ask("DELETE", reference, Source(data, database, server, token, tenant))
    typer.echo(f"deleted {reference}")


@app.command()
def validate(
    path: Annotated[Path, typer.Argument(help="A resource as JSON or XML; - for standard input.")],
    data: Data = None,
    database: Database = None,
    server: Server = None,
    token: Token = None,
    tenant: TenantName = "",
) -> None:
    """Print an OperationOutcome with every problem; exits with 1 if one is an error."""
    body = _read(path)
    kind = _kind(body)
    type = _key(body, kind, id_needed=False)
    answer = _ask(
        "POST",
        f"{type}/$validate",
        Source(data, database, server, token, tenant),
        {"Content-Type": kind},
        body,
    )
    _print(answer)
    if any(i["severity"] in ("error", "fatal") for i in answer.json().get("issue", ())):
        raise typer.Exit(1)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Incorrect(f"{text!r} is no search parameter; write name=value.")
    return name, value


def _read(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise Incorrect(f"{path}: {error.strerror}.") from error


def _kind(body: bytes) -> str:
    return "application/fhir+xml" if body.lstrip()[:1] == b"<" else _JSON


def _key(body: bytes, kind: str, *, id_needed: bool = True) -> str:
    from careplane.fhir.codec import json as fhir_json
    from careplane.fhir.codec import xml as fhir_xml

    tree = (fhir_json if kind == _JSON else fhir_xml).parse(body)
    type, id = tree.get("resourceType"), tree.get("id")
    if not isinstance(type, str) or (id_needed and not isinstance(id, str)):
        raise Incorrect("The resource names no resourceType or no id; put needs both.")
    return f"{type}/{id}" if id_needed else type


def _ask(
    method: str,
    path: str,
    source: Source,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> httpx.Response:
    from careplane.app.cli.client import client

    with client(source) as ask:
        return ask(method, path.lstrip("/"), {"Accept": _JSON, **(headers or {})}, body)


def _print(answer: httpx.Response) -> None:
    from careplane.fhir.codec import json as fhir_json

    if answer.content:
        typer.echo(fhir_json.pretty(answer.content).decode())
