"""All releases from one store to another, as they are. Whoever was interrupted begins again; what
is there already stays."""

from __future__ import annotations

from careplane.storage.ports.terminology import Held, Posting, TerminologyStore

_PAGE = 4_000


async def copied(source: TerminologyStore, target: TerminologyStore) -> int:
    """How many releases there are."""
    there = {(one.url, one.version) for one in await target.held()}
    every = await source.held()
    for one in every:
        if (one.url, one.version) not in there:
            await _copy(source, target, one)
    await target.sweep()
    return len(every)


async def _copy(source: TerminologyStore, target: TerminologyStore, one: Held) -> None:
    number = await target.begin(one.url, one.version)
    start = 0
    while rows := await source.rows(one.number, start, _PAGE):
        await target.put(number, rows, [])
        start = rows[-1].place + 1
    after = ""
    while names := await source.names(one.number, "", after, _PAGE):
        found = await source.postings(one.number, names)
        await target.put(number, [], [Posting(name, 0, found[name]) for name in names])
        after = names[-1]
    await target.finish(number, one.head)
