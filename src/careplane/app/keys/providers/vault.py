"""HashiCorp Vault's transit engine: `vault:https://host:8200/transit/keys/name`. The token comes
from VAULT_TOKEN or the file VAULT_TOKEN_FILE; VAULT_NAMESPACE and VAULT_CACERT as Vault's own
client has them. `wrapped` is Vault's ciphertext (`vault:v1:…`).
"""

from __future__ import annotations

import base64
import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from careplane.app.keys.providers.port import unavailable
from careplane.kernel.errors import Incorrect

_SECONDS = 10.0
_WHAT = "Vault"


class Vault:
    """A key of the transit engine."""

    def __init__(self, rest: str) -> None:
        parts = urlsplit(rest)
        mount, keys, name = ["", "", *parts.path.strip("/").rsplit("/", 2)][-3:]
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if not (mount and keys == "keys" and name and parts.hostname) or (
            parts.scheme != "https" and not (parts.scheme == "http" and local)
        ):
            raise Incorrect(
                "The address of a Vault key looks like 'vault:https://host:8200/transit/keys/name'."
            )
        self._base = f"{parts.scheme}://{parts.netloc}/v1/{mount}"
        self._name = name

    def wrap(self, root: bytes) -> bytes:
        plain = base64.b64encode(root).decode()
        return self._asked("encrypt", {"plaintext": plain}, "ciphertext").encode()

    def unwrap(self, wrapped: bytes) -> bytes:
        asked = {"ciphertext": wrapped.decode("ascii", "replace")}
        try:
            return base64.b64decode(self._asked("decrypt", asked, "plaintext"), validate=True)
        except ValueError:
            raise unavailable(_WHAT, "its answer cannot be understood") from None

    def _asked(self, verb: str, body: dict[str, str], wanted: str) -> str:
        import httpx  # on first use only

        headers = {"X-Vault-Token": _token(), "X-Vault-Request": "true"}
        if namespace := os.environ.get("VAULT_NAMESPACE"):
            headers["X-Vault-Namespace"] = namespace
        try:
            answer = httpx.post(
                f"{self._base}/{verb}/{self._name}",
                json=body,
                headers=headers,
                timeout=_SECONDS,
                verify=_trusted(),
            )
        except (httpx.HTTPError, OSError) as error:
            raise unavailable(_WHAT, f"it cannot be reached ({type(error).__name__})") from error
        if answer.status_code != 200:
            raise unavailable(_WHAT, _REASONS.get(answer.status_code, str(answer.status_code)))
        try:
            found = answer.json()["data"][wanted]
        except (ValueError, KeyError, TypeError):
            raise unavailable(_WHAT, "its answer cannot be understood") from None
        return str(found)


_REASONS = {
    400: "it does not take this key file: it is of another key, or spoilt",
    403: "the token may not use this key",
    404: "there is no such key",
    503: "it is sealed",
}


def _token() -> str:
    if "VAULT_TOKEN" in os.environ:
        return os.environ["VAULT_TOKEN"]
    path = os.environ.get("VAULT_TOKEN_FILE")
    if path is None:
        raise unavailable(_WHAT, "set VAULT_TOKEN or VAULT_TOKEN_FILE")
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise unavailable(_WHAT, f"VAULT_TOKEN_FILE cannot be read: {error.strerror}") from error


def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=os.environ.get("VAULT_CACERT"))
