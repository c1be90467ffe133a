"""Numbers that stand for texts: 64 bits of a keyed hash, so that a plan compiles without a look at
the database, and every process on an installation gives the same ones.

The hash is BLAKE2b under the installation's key: nobody can make two texts meet on purpose. Those
of resources are compared with type and id where they are stored (see commit and reader); for the
others decision 0010 says how unlikely it is that two meet, and what happened then.
A reference, a code within a patient's chart, and a key within a group of a composite parameter are
two numbers joined by XOR, which SQL can do too.
"""

from __future__ import annotations

import hashlib

from careplane.storage.ports.records import Tenant

Identity = tuple[Tenant, int]
"""A resource by tenant and ident."""
_KEPT = 200_000
_SMALL = (1 << 52) - 1
"""What a double holds exactly, with a bit to spare."""

WRITTEN, WRITTEN_BESIDE_CANONICAL, CANONICAL = 0, 1, 2


class Names:
    """The names of one installation. Remembers the latest ones."""

    def __init__(self, key: bytes) -> None:
        self._hash = hashlib.blake2b(key=key, digest_size=8)
        self._known: dict[tuple[int | str | None, ...], int] = {}

    def ident(self, tenant: int, type: str, id: str) -> int:
        """A resource."""
        return self._of(tenant, "resource", type, id)

    def link(self, tenant: int, param: str) -> int:
        """A reference parameter; XOR the ident of its target it is the key of a reference."""
        return self._of(tenant, "link", param)

    def code(self, tenant: int, param: str, code: str) -> int:
        """A code in whatever system."""
        return self._of(tenant, "code", param, code)

    def coding(self, tenant: int, param: str, system: str | None, code: str) -> int:
        """A code in its system."""
        return self._of(tenant, "coding", param, system, code)

    def system(self, tenant: int, param: str, system: str | None) -> int:
        """Any code of a system."""
        return self._of(tenant, "system", param, system)

    def string(self, tenant: int, param: str, folded: str, text: str) -> int:
        return self._of(tenant, "string", param, folded, text)

    def uri(self, tenant: int, param: str, value: str) -> int:
        return self._of(tenant, "uri", param, value)

    def present(self, tenant: int, param: str) -> int:
        """That a resource, or a group, has a value of the parameter."""
        return self._of(tenant, "present", param)

    def chart(self, tenant: int) -> int:
        """What marks the keys of charts, see layout."""
        return self._of(tenant, "chart")

    def param(self, kind: str, param: str) -> int:
        """A parameter of a kind of rows, small enough for a double."""
        return self._of("param", kind, param) & _SMALL

    def unit(self, system: str | None, code: str | None, kind: int) -> int:
        """A unit; its last two bits are the kind."""
        return self._of("unit", system, code or "") & (_SMALL >> 2) << 2 | kind

    def _of(self, *parts: int | str | None) -> int:
        known = self._known.get(parts)
        if known is None:
            known = self._known[parts] = self._number(parts)
            if len(self._known) > _KEPT:
                self._known.clear()
        return known

    def _number(self, parts: tuple[int | str | None, ...]) -> int:
        """Each part with its length before it, so that no two lists of parts read the same."""
        texts = ("-" if p is None else f"{len(str(p))}:{p}" for p in parts)
        hash = self._hash.copy()
        hash.update("".join(texts).encode())
        return int.from_bytes(hash.digest(), "big", signed=True)
