"""What is read at a start: each library takes its time and memory in every process."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SIGNING_IN = ("webauthn", "OpenSSL", "argon2", "zxcvbn", "segno")
"""By which people sign in: read by the process that somebody signs in to."""
_JUDGING = ("careplane.packages.packages", "careplane.fhir.profiles")
"""Read when a resource is held against profiles for the first time."""
_ASKED = ("careplane.interop.mcp.server", "careplane.interop.mcp.catalogue")
"""Read when somebody speaks MCP for the first time."""
_PAGES = (
    "careplane.web.routes",
    "careplane.web.visit",
    "careplane.web.render",
    "careplane.care.clinic",
    "careplane.care.documents",
    "careplane.care.notes.notes",
    "careplane.care.orders",
    "careplane.care.results",
)
"""Read with the first page."""
_VERBS = (
    "careplane.app.cli.audit",
    "careplane.app.cli.importing",
    "careplane.app.cli.lifecycle",
    "cryptography",
    "asyncio",
)
"""Read when they are asked for."""
_SERVING = ("jinja2", "babel", "httpx", "careplane.app.build", "careplane.records.door")


@pytest.mark.parametrize(
    ("module", "unread"),
    [
        (
            "careplane.app.cli",
            (*_SIGNING_IN, *_SERVING, *_VERBS, "pydantic", "structlog", "granian"),
        ),
        ("careplane.app.serving", (*_SIGNING_IN, *_SERVING, "structlog", "prometheus_client")),
        (
            "careplane.app.build",
            (
                *(*_SIGNING_IN, *_JUDGING, *_ASKED, *_PAGES),
                *("httpx", "jinja2", "babel", "structlog", "granian"),
            ),
        ),
        ("careplane.app.workers", (*_SIGNING_IN, *_SERVING, "cryptography", "sqlcipher3")),
        (
            "careplane.storage.engines.sqlite.writing.child",
            (*_SIGNING_IN, *_SERVING, "cryptography", "asyncio"),
        ),
    ],
)
def test_a_start_does_not_read(module: str, unread: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print(*set({unread!r}).intersection(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == []
