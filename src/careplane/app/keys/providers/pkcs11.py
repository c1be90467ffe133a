"""A security module by PKCS#11: `pkcs11:token=…;object=…?module-path=…` (RFC 7512). The root is
sealed by an AES-256 key that never leaves the token, in the token (CKM_AES_GCM); the first `wrap`
makes it. The PIN comes from CAREPLANE_PKCS11_PIN, or from a file, `pin-source=file:…`.

wrapped = nonce (12) · sealed root
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from careplane.app.keys.providers.port import unavailable
from careplane.kernel.errors import Incorrect

VARIABLE = "CAREPLANE_PKCS11_PIN"
_NONCE = 12
_WHAT = "the security module"


class Pkcs11:
    """Path and query of the address as RFC 7512 has them."""

    def __init__(self, rest: str) -> None:
        path, _, query = rest.partition("?")
        found = dict(part.partition("=")[::2] for part in (*path.split(";"), *query.split("&")))
        given = {name: unquote(value) for name, value in found.items() if name}
        try:
            self._token, self._object = given["token"], given["object"]
            self._module = given["module-path"]
        except KeyError as error:
            raise Incorrect(
                f"The address of a security module lacks {error}: it looks like "
                "'pkcs11:token=careplane;object=root?module-path=/usr/lib/softhsm/libsofthsm2.so'."
            ) from None
        self._pin_source = given.get("pin-source", "")

    def wrap(self, root: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._with_key(lambda key, of: key.encrypt(root, **of(nonce)), make=True)

    def unwrap(self, wrapped: bytes) -> bytes:
        nonce, sealed = wrapped[:_NONCE], wrapped[_NONCE:]
        return self._with_key(lambda key, of: key.decrypt(sealed, **of(nonce)), make=False)

    def _with_key(self, work: Callable[[Any, Any], bytes], *, make: bool) -> bytes:
        try:
            import pkcs11
        except ImportError:
            raise unavailable(_WHAT, "install careplane[pkcs11]") from None

        def gcm(nonce: bytes) -> dict[str, Any]:
            return {
                "mechanism": pkcs11.Mechanism.AES_GCM,
                "mechanism_param": pkcs11.GCMParams(nonce, b"careplane root", 128),
            }

        try:
            token = pkcs11.lib(self._module).get_token(token_label=self._token)
            with token.open(rw=make, user_pin=self._pin()) as session:
                return bytes(work(self._key(pkcs11, session, make=make), gcm))
        except (pkcs11.PKCS11Error, RuntimeError, ValueError) as error:
            raise unavailable(_WHAT, f"{type(error).__name__} at token {self._token!r}") from error

    def _key(self, pkcs11: Any, session: Any, *, make: bool) -> Any:
        kind = {"key_type": pkcs11.KeyType.AES, "label": self._object}
        try:
            return session.get_key(object_class=pkcs11.ObjectClass.SECRET_KEY, **kind)
        except pkcs11.NoSuchKey:
            if not make:
                raise
        template = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}
        return session.generate_key(key_length=256, store=True, template=template, **kind)

    def _pin(self) -> str:
        if self._pin_source:
            path = Path(self._pin_source.removeprefix("file:"))
            try:
                return path.read_text().strip()
            except OSError as error:
                raise unavailable(_WHAT, f"{path} cannot be read: {error.strerror}") from error
        if VARIABLE not in os.environ:
            raise unavailable(_WHAT, f"set {VARIABLE}, or name a pin-source in the address")
        return os.environ[VARIABLE]
