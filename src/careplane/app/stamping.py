"""The time-stamp authority of the settings, asked over HTTP (RFC 3161 3.4)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from careplane.app.settings import Settings
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, Incorrect
from careplane.storage.ports.ledger import LedgerStore

if TYPE_CHECKING:
    import httpx
    from cryptography.x509 import Certificate

    from careplane.ledger.stamping import Stamping

_SECONDS = 20.0
_MOST_BYTES = 100_000
_ASKED = {"content-type": "application/timestamp-query"}
_ANSWERED = "application/timestamp-reply"


def roots_of(settings: Settings) -> list[Certificate]:
    """The certificates that the authority must be certified by; none where none is asked. Raises
    Incorrect."""
    if not settings.ledger_tsa:
        return []
    from cryptography import x509

    try:
        import rfc3161_client  # noqa: F401
    except ImportError:
        raise Incorrect("CAREPLANE_LEDGER_TSA needs careplane[timestamps]: install it.") from None
    try:
        return x509.load_pem_x509_certificates(Path(settings.ledger_tsa_roots).read_bytes())
    except (OSError, ValueError):
        raise Incorrect(
            "CAREPLANE_LEDGER_TSA_ROOTS must name a PEM file with the root certificates of the "
            "time-stamp authority."
        ) from None


def stamping_of(
    settings: Settings, store: LedgerStore, source: str, http: httpx.AsyncClient, clock: Clock
) -> Stamping:
    """Who has the checkpoints of a note stamped."""
    import httpx

    from careplane.ledger.stamping import Stamping

    async def ask(data: bytes) -> bytes:
        got = bytearray()
        try:
            async with http.stream(
                "POST", settings.ledger_tsa, content=data, headers=_ASKED, timeout=_SECONDS
            ) as answer:
                async for part in answer.aiter_bytes():
                    got += part
                    if len(got) > _MOST_BYTES:
                        raise Busy("The time-stamp authority answers with too much.")
        except httpx.HTTPError as error:
            text = f"The time-stamp authority does not answer ({type(error).__name__})."
            raise Busy(text) from None
        if answer.status_code != 200 or answer.headers.get("content-type") != _ANSWERED:
            raise Busy(f"The time-stamp authority refuses with {answer.status_code}.")
        return bytes(got)

    return Stamping(store, source, ask, roots_of(settings), clock)
