"""What a reindex is to do and how far it has come: the checkpoint of its job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from careplane.records.jobs.book import Book
from careplane.records.jobs.job import Job, State
from careplane.records.jobs.lane import Lane
from careplane.storage.ports.records import Tenant

NAME = "reindex"
LANE = Lane(NAME, at_once=1, each=1, most_open=20)
OWNER = ""
"""Every administrator of the tenant may see it."""


class Walk(Struct, frozen=True, kw_only=True):
    """One reindex of all current resources of `types`; of R4's rows, too, if `everything`.

    `defined` is the epoch of the definitions when the walk began. The walk is in `types[at]` behind
    the id `after`. `since` is the newest `t` when it began; the last look is at `looked`.
    The walk has `visited` resources: `changed` had other rows, `same` had theirs, `skipped` were
    deleted in between, `failed` cannot be indexed. The last look has `rechecked` what was written
    meanwhile and put `late` right in this round. `words`: with those of full-text search.
    `problem` says why it was not carried to its end. Moments are in microseconds since 1970.
    """

    id: str = ""
    types: tuple[str, ...]
    everything: bool
    asked: int = 0
    state: Literal["waiting", "walking", "looking", "done", "failed"] = "waiting"
    started: int = 0
    ended: int = 0
    defined: int = 0
    since: int = 0
    at: int = 0
    after: str | None = None
    looked: int = 0
    rounds: int = 0
    rechecked: int = 0
    late: int = 0
    visited: int = 0
    changed: int = 0
    same: int = 0
    skipped: int = 0
    failed: int = 0
    failing: tuple[str, ...] = ()
    words: bool = False
    problem: str = ""

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed")


pack = msgspec.msgpack.encode
unpack = msgspec.msgpack.Decoder(Walk).decode


def shown(job: Job) -> Walk:
    """A job of this kind, as it stands."""
    walk = replace(unpack(job.place), id=job.id, asked=job.begun)
    if job.state is State.FAILED:
        return replace(walk, state="failed", ended=job.ended, problem=job.problem)
    return walk


async def add(book: Book, tenant: Tenant, types: Sequence[str], everything: bool) -> Walk:
    """A new job, to be carried out after those that wait. Raises Busy where they are many."""
    walk = Walk(types=tuple(types), everything=everything)
    return shown(await book.add(NAME, LANE, tenant, OWNER, place=pack(walk)))


async def progress(book: Book, tenant: Tenant) -> dict[str, tuple[int, str]]:
    """By type, the epoch of the oldest job over it (0: not begun), and how far it has come."""
    found: dict[str, tuple[int, str]] = {}
    for one in await book.queue(tenant):
        job = await book.get(tenant, one.id) if one.lane == NAME else None
        walk = shown(job) if job else None
        if walk is not None and not walk.is_over:
            said = f"the reindex job {walk.id} is {walk.state}, {walk.visited} resources visited"
            for type in walk.types:
                found.setdefault(type, (walk.defined, said))
    return found
