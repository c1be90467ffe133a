"""careplane init, serve, version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from careplane import __version__
from careplane.app import keys
from careplane.app.cli.options import Data, Database, Json, Provider, say, settings

DEMO_FOLDER = Path("careplane-demo")


def init(data: Data = None, key_provider: Provider = None, json: Json = False) -> None:
    """Make a data folder: an encrypted store and the key that opens it."""
    chosen = settings(data, key_provider=key_provider)
    folder = chosen.data
    keys.create(folder, chosen.key_provider)
    path = folder / keys.NAME
    say(
        {"data": str(folder), "key": str(path)},
        f"Made {folder}. Keep a copy of {path} elsewhere: without it nobody can read the data.",
        json,
    )


def serve(
    data: Data = None,
    database: Database = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=1, max=65535)] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that answer requests.", min=1, max=256)
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Certificate with its chain, PEM; needs --tls-key.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option(help="Every client must show a certificate of these, PEM.")
    ] = None,
    insecure_plain_http: Annotated[
        bool,
        typer.Option(
            "--insecure-plain-http",
            help="Listen without TLS where others can read and change all that is sent.",
        ),
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Load synthetic patients and offer a role picker.")
    ] = False,
) -> None:
    """Serve the pages under / and FHIR R4 under /fhir."""
    from careplane.app import engines, serving

    folder = data or (DEMO_FOLDER if demo else None)
    chosen = settings(
        folder,
        host=host,
        port=port,
        workers=workers,
        database=database,
        tls_cert=tls_cert and str(tls_cert),
        tls_key=tls_key and str(tls_key),
        tls_client_ca=tls_client_ca and str(tls_client_ca),
        insecure_plain_http=insecure_plain_http or None,
    )
    engines.is_shared(chosen)  # what is wrong with the address is said here, not by a worker
    if demo:
        serving.prepare_demo(chosen)
    serving.serve(chosen.model_copy(update={"demo": demo or chosen.demo}))


def version(json: Json = False) -> None:
    """Print the version."""
    say({"version": __version__}, f"careplane {__version__}", json)
