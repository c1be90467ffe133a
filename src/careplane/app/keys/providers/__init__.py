"""Who keeps the root: providers by the first word of their address, each in a file of its own.

`passphrase:` · `keyring:service/name` · `pkcs11:token=…;object=…?module-path=…` (RFC 7512) ·
`vault:https://host/transit/keys/name` · `awskms:key`. They are asked at the start and by
`careplane keys`; at run time nobody needs them.
"""

from __future__ import annotations

from careplane.app.keys.providers.awskms import AwsKms
from careplane.app.keys.providers.os_keyring import OsKeyring
from careplane.app.keys.providers.passphrase import Passphrase
from careplane.app.keys.providers.pkcs11 import Pkcs11
from careplane.app.keys.providers.port import KeyProvider, Make
from careplane.app.keys.providers.vault import Vault
from careplane.kernel.errors import Incorrect

_PROVIDERS: dict[str, Make] = {
    "passphrase": Passphrase,
    "keyring": OsKeyring,
    "pkcs11": Pkcs11,
    "vault": Vault,
    "awskms": AwsKms,
}


def provider_of(address: str) -> KeyProvider:
    """The provider at an address. Raises Incorrect for one that cannot be understood."""
    kind, colon, rest = address.partition(":")
    if not colon or kind not in _PROVIDERS:
        known = ", ".join(f"{name}:" for name in ("file", *_PROVIDERS))
        raise Incorrect(f"A key provider's address begins with one of {known}.")
    return _PROVIDERS[kind](rest)
