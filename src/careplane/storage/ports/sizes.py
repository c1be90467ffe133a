"""The port to what a tenant takes up."""

from __future__ import annotations

from msgspec import Struct


class Sizes(Struct, frozen=True):
    """Of one tenant: its versions, the bytes of their bodies as they are kept (compressed), and the
    bytes of the rows that they are found by, without the trees of indexes over these."""

    versions: int
    bodies: int
    rows: int
