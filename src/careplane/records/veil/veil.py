"""The veil of one caller, put on versions: pure but for one question a page, which permits apply to
its resources where that hangs on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from careplane.access.masks.mask import masked
from careplane.access.masks.paths import Paths
from careplane.access.masks.view import View
from careplane.fhir.codec import envelope, json
from careplane.records.bodies import whole
from careplane.records.veil.study import Study
from careplane.records.veil.veiled import Veiled
from careplane.search.plan import Keys, Node, Query, all_of
from careplane.storage.ports.records import RecordStore, Tenant, Version

_HOLDERS = frozenset({"Bundle", "Parameters"})
_MARKS = (b'"contained"', b"\\u")
_Place = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Veil:
    """`store` is the one beneath; `study` is there where records are de-identified."""

    view: View
    store: RecordStore
    tenant: Tenant
    study: Study | None = None

    async def over(self, versions: Sequence[Version]) -> list[Version]:
        """The versions as the caller sees them, in their order."""
        fresh = [version for version in versions if not isinstance(version, Veiled)]
        hidden = await self._hidden(fresh)
        return [
            v if isinstance(v, Veiled) else self._veiled(v, hidden[_place(v)]) for v in versions
        ]

    async def one(self, version: Version) -> Version:
        """As `over`."""
        return (await self.over((version,)))[0]

    async def hidden(self, version: Version) -> Paths:
        """What is hidden of a version."""
        return (await self._hidden((version,)))[_place(version)]

    async def _hidden(self, versions: Sequence[Version]) -> dict[_Place, Paths]:
        """What is hidden of each. Whether a permit applies that hangs on the resource is asked of
        the record as it is now, and goes for the current version alone: of others the bound is
        hidden."""
        found = {_place(version): self.view.bound(version.type) for version in versions}
        for type in dict.fromkeys(version.type for version in versions):
            mask = self.view.masks.get(type)
            keys = frozenset((v.type, v.id) for v in versions if v.type == type and not v.deleted)
            if mask is None or not mask.asks or not keys:
                continue
            holding: dict[_Place, list[Node]] = {}
            for node in mask.asks:
                query = Query(frozenset({type}), all_of(Keys(keys), node), count=len(keys))
                for version in (await self.store.search(self.tenant, query)).versions:
                    holding.setdefault(_place(version), []).append(node)
            found |= {at: mask.of(nodes) for at, nodes in holding.items() if at in found}
        return found

    def _veiled(self, version: Version, hidden: Paths) -> Version:
        if version.deleted:
            return self._as(version, b"")
        if not hidden and self.study is None and not _may_hold(version):
            return self._as(version, version.rest)
        tree = json.parse(whole(version))
        shown = masked(tree, hidden, self.view.bound)
        if self.study is not None:
            shown = self.study.seen(shown)
        same = shown is tree
        return self._as(version, version.rest if same else envelope.split(json.dump(shown)))

    def _as(self, version: Version, rest: bytes) -> Version:
        id, updated = version.id, version.last_updated
        if self.study is not None:
            id, updated = self.study.identity(version)
        return Veiled(
            version.type, id, version.version, updated, version.method, rest, version.t, version
        )


def _may_hold(version: Version) -> bool:
    """Whether there may be another resource in it, told without parsing."""
    return version.type in _HOLDERS or any(mark in version.rest for mark in _MARKS)


def _place(version: Version) -> _Place:
    return version.type, version.id, version.version
