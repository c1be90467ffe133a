"""What was asked for, and by whom: kept with each job."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from careplane.access.caller import Caller
from careplane.access.kept import KeptCaller
from careplane.records.jobs.book import Book
from careplane.records.jobs.job import Job

EXPORT, IMPORT = "bulk-export", "bulk-import"
ASKED = "asked"


class ExportAsk(msgspec.Struct, frozen=True, tag="export"):
    """What to export. `at` and `instant` are the moment that it shows; `filters` are pairs of type
    and criteria; `remarks` name parameters that were ignored."""

    at: int
    instant: int
    types: tuple[str, ...]
    filters: tuple[tuple[str, str], ...] = ()
    elements: tuple[str, ...] = ()
    by_patient: bool = False
    patients: tuple[str, ...] | None = None
    since: int | None = None
    before: int | None = None
    organized: bool = False
    remarks: tuple[str, ...] = ()


class ImportAsk(msgspec.Struct, frozen=True, tag="import"):
    """What to import: pairs of type and URL, in order."""

    instant: int
    source: str
    inputs: tuple[tuple[str, str], ...]


Ask: TypeAlias = ExportAsk | ImportAsk


class Asked(msgspec.Struct, frozen=True):
    """A kick-off: `request` is its address, and `address` where it came from. The work is done as
    its caller."""

    owner: KeptCaller
    address: str
    request: str
    ask: Ask

    @property
    def caller(self) -> Caller:
        """Who asked."""
        return self.owner.caller(self.address)


async def asked(book: Book, job: Job) -> Asked:
    """The kick-off of a job."""
    value = await book.noted(job, ASKED)
    assert value is not None, "it is noted before the job is"
    return msgspec.msgpack.decode(value, type=Asked)
