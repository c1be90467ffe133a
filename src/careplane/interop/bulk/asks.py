"""What was asked for, and by whom: kept with each job."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.records.jobs.book import Book
from careplane.records.jobs.job import Job
from careplane.storage.ports.records import Tenant

EXPORT, IMPORT = "bulk-export", "bulk-import"
ASKED = "asked"


class Owner(msgspec.Struct, frozen=True, array_like=True):
    """Who asked for a job, with the rights of that moment: the work is done as this caller."""

    id: str
    name: str
    scopes: str
    patient: str | None
    roles: tuple[str, ...]
    address: str

    def caller(self, tenant: Tenant) -> Caller:
        """The caller again."""
        scopes = parse_scopes(self.scopes)
        roles = frozenset(self.roles)
        return Caller(tenant, self.id, self.name, scopes, self.patient, roles, self.address)


def owner(caller: Caller) -> Owner:
    """A caller, as it is kept."""
    scopes = " ".join(sorted(map(str, caller.scopes)))
    roles = tuple(sorted(caller.roles))
    return Owner(caller.id, caller.name, scopes, caller.patient, roles, caller.address)


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
    """A kick-off; `request` is its address."""

    owner: Owner
    request: str
    ask: Ask


async def asked(book: Book, job: Job) -> Asked:
    """The kick-off of a job."""
    value = await book.noted(job, ASKED)
    assert value is not None, "it is noted before the job is"
    return msgspec.msgpack.decode(value, type=Asked)
