"""Who an installation is as a log, and who must witness it: of its key and its settings."""

from __future__ import annotations

from pathlib import Path

from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.kernel.errors import Incorrect
from careplane.ledger.formats import keys, policy
from careplane.ledger.log import Identity


def identity_of(settings: Settings, key: Keys) -> Identity:
    """The log's name and signing key, of the installation's key."""
    seed = key.derive("ledger-signing")
    name = settings.ledger_name or f"careplane.invalid/{key.derive('ledger-name').hex()[:12]}"
    return Identity((keys.Signer(name, keys.Kind.ED25519, seed),))


def policy_of(settings: Settings, identity: Identity) -> tuple[bytes, policy.Policy]:
    """Which witnesses must cosign this log. Raises Incorrect for a file that cannot be used."""
    ours = [str(one.verifier) for one in identity.signers]
    name = settings.ledger_policy
    if not name:
        text = f"log {ours[0]}\nquorum none\n".encode()
        return text, policy.parse(text)
    try:
        text = Path(name).read_bytes()
    except OSError as error:
        raise Incorrect(f"The ledger's policy {name} cannot be read: {error.strerror}.") from None
    found = policy.parse(text)
    if not any(str(party.key) in ours for party in found.logs):
        raise Incorrect(f"{name} does not name this log: add the line `log {ours[0]}`.")
    return text, found
