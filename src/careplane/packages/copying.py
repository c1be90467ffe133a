"""All packages from one store to another. Whoever was interrupted begins again; what is there
already stays."""

from __future__ import annotations

from careplane.fhir.definitions.describe import uses
from careplane.packages.filing import tree
from careplane.storage.ports.packages import Artifact, Filed, PackageStore

_PAGE = 500


async def copied(source: PackageStore, target: PackageStore) -> int:
    """How many packages there are."""
    every = await source.packages()
    there = {(one.name, one.version) for one in await target.packages()}
    if all((one.name, one.version) in there for one in every):
        return len(every)
    filed: dict[tuple[str, str], list[Filed]] = {}
    after = 0
    while page := await source.headers(after, _PAGE):
        for one in page:
            filed.setdefault((one.name, one.version), []).append(one)
        after = page[-1].number
    for package in every:
        key = (package.name, package.version)
        if key not in there:
            batch = [await _artifact(source, one) for one in filed.get(key, ())]
            await target.add(package, [[one for one in batch if one]])
    return len(every)


async def _artifact(source: PackageStore, filed: Filed) -> Artifact | None:
    body = await source.body(filed.number)
    return None if body is None else Artifact(filed.header, body, uses(tree(body)))
