"""A version as a caller sees it who does not see all of it."""

from __future__ import annotations

from careplane.storage.ports.records import Version


class Veiled(Version, frozen=True):
    """`true` is what is stored: for the audit trail, and for rights."""

    true: Version


def truth(version: Version) -> Version:
    """What is stored."""
    return version.true if isinstance(version, Veiled) else version
