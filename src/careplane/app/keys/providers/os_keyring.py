"""The keyring of the operating system (Secret Service, Keychain, Credential Locker): `keyring:
service/name`. It holds a key of 32 bytes under the name and a number; the root is wrapped by it.

wrapped = number (4) · nonce (12) · sealed root
"""

from __future__ import annotations

import base64
import os
from types import ModuleType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from careplane.app.keys.providers.port import unavailable
from careplane.kernel.errors import Incorrect

_NUMBER, _NONCE = 4, 12
_WHAT = "the keyring"


class OsKeyring:
    """`service/name`."""

    def __init__(self, rest: str) -> None:
        self._service, slash, self._name = rest.partition("/")
        if not (self._service and slash and self._name):
            raise Incorrect("The address of a keyring is 'keyring:service/name'.")

    def wrap(self, root: bytes) -> bytes:
        number, key = os.urandom(_NUMBER), os.urandom(32)
        module = _module()
        try:
            module.set_password(self._service, self._entry(number), base64.b64encode(key).decode())
        except module.errors.KeyringError as error:
            raise unavailable(_WHAT, f"it refuses ({type(error).__name__})") from error
        nonce = os.urandom(_NONCE)
        return number + nonce + AESGCM(key).encrypt(nonce, root, number)

    def unwrap(self, wrapped: bytes) -> bytes:
        number, nonce = wrapped[:_NUMBER], wrapped[_NUMBER : _NUMBER + _NONCE]
        module = _module()
        try:
            found = module.get_password(self._service, self._entry(number))
        except module.errors.KeyringError as error:
            raise unavailable(_WHAT, f"it refuses ({type(error).__name__})") from error
        if found is None:
            raise unavailable(_WHAT, f"it has no {self._service}/{self._entry(number)}")
        try:
            key = AESGCM(base64.b64decode(found))
            return key.decrypt(nonce, wrapped[_NUMBER + _NONCE :], number)
        except (InvalidTag, ValueError):
            raise unavailable(_WHAT, "what it has is not the key of this file") from None

    def _entry(self, number: bytes) -> str:
        return f"{self._name}-{number.hex()}"


def _module() -> ModuleType:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise unavailable(_WHAT, "install careplane[keyring]") from None
    return keyring
