"""careplane init, serve, version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from careplane import __version__
from careplane.app import keys
from careplane.app.cli.options import Data, Json, say, settings

DEMO_FOLDER = Path("careplane-demo")


def init(data: Data = None, json: Json = False) -> None:
    """Make a data folder: an encrypted store and the key that opens it."""
    folder = settings(data).data
    keys.create(folder)
    path = folder / keys.NAME
    say(
        {"data": str(folder), "key": str(path)},
        f"Made {folder}. Keep a copy of {path} elsewhere: without it nobody can read the data.",
        json,
    )


def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=1, max=65535)] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that answer requests.", min=1, max=256)
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Load synthetic patients and offer a role picker.")
    ] = False,
) -> None:
    """Serve the pages under / and FHIR R4 under /fhir."""
    from careplane.app import serving

    folder = data or (DEMO_FOLDER if demo else None)
    chosen = settings(folder, host=host, port=port, workers=workers)
    if demo:
        serving.prepare_demo(chosen)
    serving.serve(chosen.model_copy(update={"demo": demo or chosen.demo}))


def version(json: Json = False) -> None:
    """Print the version."""
    say({"version": __version__}, f"careplane {__version__}", json)
