"""careplane client: the programs that may ask this installation for tokens, for themselves or for
people."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from msgspec.structs import replace

from careplane.access.smart.client import Client, Method
from careplane.access.smart.contexts import contexts_of, resources_of
from careplane.app.cli.options import Data, Database, Json, TenantName, say, settings
from careplane.app.settings import Settings
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Incorrect
from careplane.kernel.ids import new_id
from careplane.records.commands import Note

if TYPE_CHECKING:
    from careplane.access.smart.registrar import Registrar

app = typer.Typer(help="Clients: programs and apps that get tokens.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="The client_id.")]
Jwks = Annotated[
    Path | None, typer.Option("--jwks", help="File with the client's public keys (a JWK Set).")
]
JwksUri = Annotated[
    str, typer.Option("--jwks-uri", help="Address where the client's public keys stand.")
]
Result = TypeVar("Result")
_MOST = 65_536


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="SMART scope that it may have, such as system/Patient.rs; repeatable."),
    ] = None,
    id: Annotated[str, typer.Option("--id", help="Its client_id; made up if left out.")] = "",
    jwks: Jwks = None,
    jwks_uri: JwksUri = "",
    introspect: Annotated[
        bool, typer.Option("--introspect", help="It may ask about tokens of others.")
    ] = False,
    redirect_uri: Annotated[
        list[str] | None,
        typer.Option(
            help="Where answers to an app that acts for people are sent, to the letter; repeatable."
        ),
    ] = None,
    launch_url: Annotated[
        str, typer.Option(help="Where the app is opened from a patient's chart.")
    ] = "",
    public: Annotated[
        bool,
        typer.Option("--public", help="An app on a device or in a browser, which keeps no secret."),
    ] = False,
    logo: Annotated[
        Path | None, typer.Option(help="A PNG or JPEG of at most 18,000 bytes.")
    ] = None,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Register a client. With --jwks or --jwks-uri it signs assertions (private_key_jwt); with
    --public it proves nothing; else it gets a secret, which is shown once. With --redirect-uri it
    is an app that acts for people."""

    keyed: Method = "private_key_jwt" if jwks or jwks_uri else "client_secret"
    made = Client(
        id=id or new_id(),
        tenant=0,
        name=name,
        scopes=_scopes(scope),
        method="none" if public else keyed,
        created=0,
        jwks=_read(jwks),
        jwks_uri=jwks_uri,
        inspects=introspect,
        redirect_uris=tuple(redirect_uri or ()),
        launch_url=launch_url,
        logo=_picture(logo),
    )
    _tell(*asyncio.run(_added(settings(data, database=database), made, tenant)), json)


@app.command()
def invite(
    scope: Annotated[
        list[str] | None,
        typer.Option(help="SMART scope that whoever registers may have at most; repeatable."),
    ] = None,
    uses: Annotated[int, typer.Option(help="How many clients may register.", min=1, max=1000)] = 1,
    days: Annotated[float, typer.Option(help="How long it is good.", min=0.01, max=365)] = 7,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Print an initial access token, by which a developer's app registers itself at
    /oauth/register (RFC 7591)."""
    from careplane.app.build import build

    scopes, seconds = _scopes(scope), round(days * 86_400)

    async def work() -> tuple[str, str]:
        here = build(settings(data, database=database))
        try:
            invitations = here.authorizing.invitations
            operator = await here.operator_of(tenant)
            made, token = await invitations.make(int(operator.tenant), scopes, uses, seconds)
            await here.door.note(operator, Note("client-invite", made.id))
            return made.id, token
        finally:
            await here.close()

    id, token = asyncio.run(work())
    shown = {"invitation": id, "initial_access_token": token, "expires_in": seconds, "uses": uses}
    say(shown, token, json)


@app.command("list")
def list_(data: Data = None, database: Database = None, json: Json = False) -> None:
    """All clients."""

    found = _work(data, database, "client-list", "", lambda registrar: registrar.clients.all())
    lines = [f"{c.id}  {_state(c):8}  {c.method}  {' '.join(c.scopes)}  ({c.name})" for c in found]
    say([_shown(client) for client in found], "\n".join(lines) or "There is no client.", json)


@app.command()
def show(id: Id, data: Data = None, database: Database = None, json: Json = False) -> None:
    """One client."""
    found = _work(data, database, "client-show", id, lambda registrar: registrar.clients.get(id))
    _tell(found, "", json)


@app.command()
def disable(id: Id, data: Data = None, database: Database = None, json: Json = False) -> None:
    """Give a client no more tokens, and end those that it has, within seconds everywhere."""
    found = _work(data, database, "client-disable", id, lambda registrar: registrar.disable(id))
    _tell(found, "", json)


@app.command()
def enable(id: Id, data: Data = None, database: Database = None, json: Json = False) -> None:
    """Let a client have tokens again; those that it had stay revoked."""
    found = _work(data, database, "client-enable", id, lambda registrar: registrar.enable(id))
    _tell(found, "", json)


@app.command()
def remove(id: Id, data: Data = None, database: Database = None, json: Json = False) -> None:
    """Take a client out, and end the tokens that it has."""
    _work(data, database, "client-remove", id, lambda registrar: registrar.remove(id))
    say({"client_id": id, "removed": True}, f"{id} is removed.", json)


@app.command()
def rotate(
    id: Id,
    jwks: Jwks = None,
    jwks_uri: JwksUri = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Give a client a new secret, or other keys. The old ones are not taken any more; tokens stay
    good until they end."""
    keys = _read(jwks)
    work = _work(
        data, database, "client-rotate", id, lambda registrar: registrar.rotate(id, keys, jwks_uri)
    )
    _tell(*work, json)


async def _added(chosen: Settings, client: Client, tenant: str) -> tuple[Client, str]:
    """The client at its institution."""
    from careplane.app.build import build

    here = build(chosen)
    try:
        operator = await here.operator_of(tenant)
        made = await here.authorizing.registrar.add(replace(client, tenant=int(operator.tenant)))
        await here.door.note(operator, Note("client-add", client.id[:64]))
        return made
    finally:
        await here.close()


def _work(
    data: Path | None,
    database: str | None,
    operation: str,
    id: str,
    ask: Callable[[Registrar], Awaitable[Result]],
) -> Result:
    """Done on the data folder, and noted in the audit trail before anything is printed."""
    from careplane.app.build import build

    async def work() -> Result:
        here = build(settings(data, database=database))
        try:
            result = await ask(here.authorizing.registrar)
            await here.door.note(here.operator, Note(operation, id[:64]))
            return result
        finally:
            await here.close()

    return asyncio.run(work())


def _scopes(asked: list[str] | None) -> tuple[str, ...]:
    """Scopes of the options, each as it is kept."""
    words = " ".join(asked or ()).split()
    if not words:
        raise typer.BadParameter(
            "name at least one, such as --scope 'system/*.rs'", param_hint="--scope"
        )
    found = {*map(str, resources_of(words)), *contexts_of(words)}
    return tuple(sorted(found))


def _picture(path: Path | None) -> str:
    """A logo as a data URI."""
    raw = _read(path)
    if not raw:
        return ""
    kind = "png" if raw.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{b64encode(raw).decode()}"


def _read(path: Path | None) -> bytes:
    if path is None:
        return b""
    try:
        with path.open("rb") as file:
            return file.read(_MOST + 1)
    except OSError as error:
        raise Incorrect(f"{path} cannot be read: {error.strerror}.") from None


def _tell(client: Client, secret: str, json: bool) -> None:
    shown = _shown(client) | ({"client_secret": secret} if secret else {})
    say(shown, "\n".join(f"{name:14} {_text(value)}" for name, value in shown.items()), json)


def _text(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)


def _state(client: Client) -> str:
    return "disabled" if client.disabled else "active"


def _shown(client: Client) -> dict[str, object]:
    """What people may see of it."""
    return {
        "client_id": client.id,
        "client_name": client.name,
        "tenant": client.tenant,
        "state": _state(client),
        "authentication": client.method,
        "scope": list(client.scopes),
        **({"jwks_uri": client.jwks_uri} if client.jwks_uri else {}),
        "introspects": client.inspects,
        **({"redirect_uris": list(client.redirect_uris)} if client.redirect_uris else {}),
        **({"launch_url": client.launch_url} if client.launch_url else {}),
        **({"invitation": client.invitation} if client.invitation else {}),
        "created": format_instant(client.created),
    }
