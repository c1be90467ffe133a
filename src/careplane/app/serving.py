"""Serve: the demo hospital where it is asked for, and the HTTP server (Granian) around the
application."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from granian.constants import Interfaces, Loops
from granian.log import LogLevels

from careplane.app import demo, identity, keys, stamping
from careplane.app.operations.drain import DrainingServer
from careplane.app.settings import Settings
from careplane.app.tls import Tls, require_safe, tls_of
from careplane.kernel.errors import Busy

if TYPE_CHECKING:
    from careplane.app.operations.metrics import Metrics

_STAMP = "demo-loaded"


def serve(settings: Settings) -> None:
    """Listen until told to stop. The worker reads the same settings from its environment."""
    require_safe(settings)
    tls = tls_of(settings)
    key = keys.load(settings.data)  # a missing key is said here, not by a worker that dies
    identity.policy_of(settings, identity.identity_of(settings, key))  # as is a wrong policy
    stamping.roots_of(settings)
    _reapply(settings)
    for name, value in settings.model_dump(mode="json").items():
        os.environ[f"CAREPLANE_{name.upper()}"] = str(value)
    metrics = _metrics(settings, tls) if settings.metrics_port else None
    _greet(settings, tls)
    server = DrainingServer(
        "careplane.app.asgi:create",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.workers,
        respawn_failed_workers=True,
        workers_kill_timeout=settings.grace_seconds,
        drain_seconds=settings.drain_seconds,
        started=metrics.start if metrics else lambda: None,
        websockets=True,
        log_level=LogLevels.warning,
        **(tls.options() if tls else {}),
    )
    try:
        server.serve()
    finally:
        if metrics:
            metrics.stop()


def prepare_demo(settings: Settings) -> None:
    """Make the demo's data folder, and move its story to today, once a day."""
    folder = settings.data
    if not (folder / keys.NAME).exists():
        keys.create(folder)
    now = datetime.now(UTC)
    today = now.date()
    stamp = folder / _STAMP
    if stamp.exists() and stamp.read_text() == today.isoformat():
        return
    from careplane.app.story import loaded

    typer.echo("Loading the demo hospital ...", err=True)
    began = time.monotonic()
    count = asyncio.run(loaded(settings, demo.bundles(today, now)))
    stamp.write_text(today.isoformat())
    typer.echo(f"{count:,} resources in {time.monotonic() - began:.1f} s.", err=True)


def _reapply(settings: Settings) -> None:
    """A copy from before an erasure may have been put in the place of the store. A database that
    is not there yet is no reason not to start: keys that were destroyed are not used anyway."""
    from careplane.app.reapplying import reapplied

    try:
        count = asyncio.run(reapplied(settings))
    except Busy as error:
        typer.echo(f"Whether erased patients are here again is not known: {error.text}", err=True)
        return
    if count:
        typer.echo(f"{count:,} patients who were erased were here again: erased.", err=True)


def _metrics(settings: Settings, tls: Tls | None) -> Metrics:
    from careplane.app.operations.metrics import Metrics

    return Metrics(settings.metrics_host, settings.metrics_port, tls)


def _greet(settings: Settings, tls: Tls | None) -> None:
    scheme = "https" if tls else "http"
    base = settings.base_url or f"{scheme}://{settings.host}:{settings.port}"
    typer.echo(f"Careplane: {base}/   FHIR: {base}/fhir   (Ctrl-C stops it)")
    if settings.insecure_plain_http and not tls:
        typer.echo("WARNING: WITHOUT TLS, everybody on the way can read and change it.", err=True)
    token = f"{_program()} token --data {settings.data} --scope 'system/*.rs'"
    if not settings.demo:
        typer.echo(f"A token: {token}")
        return
    typer.echo("All patients are synthetic. Choose a role on the first page; no password.")
    typer.echo(f"A story of two minutes: {base}/story")
    typer.echo(
        f"As an app: curl -H \"Authorization: Bearer $({token})\" '{base}/fhir/Patient?name=a'"
    )


def _program() -> str:
    """How this command was called, so that what is printed can be pasted."""
    called = Path(sys.argv[0])
    return "python -m careplane" if called.name == "__main__.py" else sys.argv[0]
