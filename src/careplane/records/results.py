"""What the door answers, as values."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError, Issue
from careplane.records.commands import Operated
from careplane.search.contained import Inner
from careplane.storage.ports.records import Version

__all__ = [
    "Acted",
    "Answer",
    "Around",
    "Effect",
    "Exported",
    "Found",
    "MetaFound",
    "Prepared",
    "Processed",
    "Purged",
    "Reached",
    "Report",
    "Shredded",
    "Statistics",
    "Version",
    "Versions",
    "Written",
]


class Effect(StrEnum):
    """What a write did. UNCHANGED: the content was the same, no version was made. FOUND: a
    conditional create met a resource that matches. ABSENT: there was nothing to delete."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FOUND = "found"
    DELETED = "deleted"
    ABSENT = "absent"


class Written(Struct, frozen=True):
    """The version that is current after a write; None where there never was one. `issues` are
    what its profiles have to say of it."""

    effect: Effect
    version: Version | None
    issues: tuple[Issue, ...] = ()


class Acted(Struct, frozen=True):
    """What an operation over several records wrote, in the order of its writes, and its answer."""

    written: tuple[Written, ...]
    answer: object = None


class Versions(Struct, frozen=True):
    """A page of history, newest first, deletions included. `next` is a cursor."""

    versions: tuple[Version, ...]
    next: str | None = None
    total: int | None = None
    issues: tuple[Issue, ...] = ()


class Inside(Struct, frozen=True):
    """A contained resource that matches, and where it is."""

    container: Version
    inner: Inner


class Found(Struct, frozen=True):
    """A page of a search. `issues` name what was not understood; `understood` are the parameters
    that were carried out, for the self link; `total` is there where it was asked for or is free.
    `inside` are matches that are contained in others, where they are to be shown by themselves."""

    matches: tuple[Version, ...]
    included: tuple[Version, ...] = ()
    next: str | None = None
    total: int | None = None
    issues: tuple[Issue, ...] = ()
    understood: tuple[tuple[str, str], ...] = ()
    inside: tuple[Inside, ...] = ()


class Around(Struct, frozen=True):
    """A page of `$everything`, and the marks of what was shown beside the record so far."""

    found: Found
    shown: frozenset[bytes]


class Statistics(Struct, frozen=True):
    """Measurements: of each series its code, its UCUM unit, its points in the order of time, and
    how many there were that could not all be measured; and the observations that they are from."""

    series: tuple[tuple[Tree, str, tuple[tuple[int, Decimal], ...], int], ...]
    sources: tuple[Version, ...]


class Purged(Struct, frozen=True):
    """How many records and versions are gone; `left` still refer to them, or were attached to
    them."""

    records: int
    versions: int
    left: tuple[tuple[str, str], ...]


class Shredded(Struct, frozen=True):
    """What an erasure did. `keys` were destroyed, `outputs` of jobs were removed since they may
    have held something of the record; `ledger`: whether the ledger was told, False where there is
    none."""

    purged: Purged
    keys: int
    outputs: int
    ledger: bool


class Reached(Struct, frozen=True):
    """Ids of the patients that a caller may read or find, and how many resources of each type."""

    patients: tuple[str, ...]
    types: tuple[tuple[str, int], ...]


class Prepared(Struct, frozen=True):
    """What an export will show: everything up to the commit `at`, which is how things were at
    `instant`; of which types; `patients` are those of the Group or the list, None for all."""

    at: int
    instant: int
    types: tuple[str, ...]
    patients: tuple[str, ...] | None


class Exported(Struct, frozen=True):
    """A page of an export, deletions if these were asked for. `next` is the `after` of the next
    page, None at the end; a page may be empty and not be the last."""

    versions: tuple[Version, ...]
    next: int | None


class Relabelled(Struct, frozen=True):
    """Resources that were looked at, and that have other labels now."""

    looked: int
    changed: int


class MetaFound(Struct, frozen=True):
    """A Meta, as a tree."""

    meta: Tree


class Report(Struct, frozen=True):
    """What validation found; acceptable if no issue is an error."""

    issues: tuple[Issue, ...]


Result: TypeAlias = Written | Version | Found | Versions | MetaFound | Report | Operated


class Answer(Struct, frozen=True):
    """The answer to one entry of a transaction or batch: its result, or the error it ended in."""

    method: str
    url: str
    result: Result | None = None
    error: CareplaneError | None = None


class Processed(Struct, frozen=True):
    """The answers to a transaction or batch, in the order of its entries. A transaction that
    fails raises instead."""

    transaction: bool
    answers: tuple[Answer, ...]


class Checked(Struct, frozen=True):
    """`$consent-check`: the decision; `consent` and `provision` are those that decided, empty where
    none did."""

    permit: bool
    reason: str
    consent: str = ""
    provision: str = ""
