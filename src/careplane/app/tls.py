"""TLS of the server itself, and the rule that nothing listens in clear text where others can reach
it, unless a proxy that is trusted, or a setting that says so loudly, makes that right."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from granian.constants import SSLProtocols

from careplane.app.dispatch import App, Receive, Scope, Send
from careplane.app.settings import Settings
from careplane.kernel.errors import Incorrect

_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


@dataclass(frozen=True, slots=True)
class Tls:
    """Files, in PEM. With a `client_ca` every client must show a certificate of it."""

    cert: Path
    key: Path
    client_ca: Path | None

    def options(self) -> dict[str, Any]:
        """What Granian takes."""
        return {
            "ssl_cert": self.cert,
            "ssl_key": self.key,
            "ssl_protocol_min": SSLProtocols.tls12,
            "ssl_ca": self.client_ca,
            "ssl_client_verify": self.client_ca is not None,
        }

    def for_metrics(self) -> dict[str, Any]:
        """What the server of metrics takes."""
        return {
            "certfile": str(self.cert),
            "keyfile": str(self.key),
            "client_cafile": str(self.client_ca) if self.client_ca else None,
            "client_auth_required": self.client_ca is not None,
            "tls_min_version": ssl.TLSVersion.TLSv1_2,
        }


def tls_of(settings: Settings) -> Tls | None:
    """None without a certificate. Raises Incorrect for files that do not fit together."""
    if not settings.tls_cert and not settings.tls_key:
        if settings.tls_client_ca:
            raise Incorrect("A client CA needs --tls-cert and --tls-key: there is no TLS without.")
        return None
    if not settings.tls_cert or not settings.tls_key:
        raise Incorrect("--tls-cert and --tls-key belong together: name both.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=_no_password)
    except (OSError, ValueError) as error:
        raise Incorrect(
            f"{settings.tls_cert} and {settings.tls_key} are no certificate with its private key "
            f"in PEM, without a password: {_reason(error)}."
        ) from error
    ca = Path(settings.tls_client_ca) if settings.tls_client_ca else None
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except OSError as error:
            raise Incorrect(f"{ca} has no certificate in PEM: {_reason(error)}.") from error
    return Tls(Path(settings.tls_cert), Path(settings.tls_key), ca)


def require_safe(settings: Settings) -> None:
    """Raises Incorrect where something would listen in clear text for others than this machine."""
    if settings.tls_cert or settings.insecure_plain_http:
        return
    if not settings.trust_proxy and not is_loopback(settings.host):
        raise Incorrect(
            f"Nobody should send records in clear text to {settings.host}: name --tls-cert and "
            "--tls-key, or set CAREPLANE_TRUST_PROXY=true behind a proxy that speaks TLS, or say "
            "--insecure-plain-http if everybody on the way may read and change them."
        )
    if (
        settings.metrics_port
        and not settings.trust_proxy
        and not is_loopback(settings.metrics_host)
    ):
        raise Incorrect(
            f"Metrics in clear text at {settings.metrics_host}: name --tls-cert and --tls-key, "
            "or keep CAREPLANE_METRICS_HOST to 127.0.0.1, or say --insecure-plain-http."
        )


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def strict(app: App) -> App:
    """Every answer says that this server is to be spoken to by TLS alone from now on (RFC 6797)."""

    async def with_header(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [h for h in message.get("headers", ()) if h[0].lower() != _HSTS[0]]
                message = {**message, "headers": [*headers, _HSTS]}
            await send(message)

        await app(scope, receive, sending)

    return with_header


def _no_password(*_: object) -> str:
    raise ValueError("the private key has a password")


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
