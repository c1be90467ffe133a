"""What can be asked of the door, as values: the interactions of FHIR's RESTful API (R4 3.1.0).

Bytes are JSON; `criteria` are search query strings as HTTP carries them, percent-encoding included
(`identifier=http%3A%2F%2Fexample.org%7C17`); times are microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.terminology.coded import Coding
from careplane.terminology.library import Library


class Handling(StrEnum):
    """`Prefer: handling`: whether an unknown search parameter is refused or reported."""

    STRICT = "strict"
    LENIENT = "lenient"


class Read(Struct, frozen=True):
    """The current version of one resource."""

    type: str
    id: str


class ReadMany(Struct, frozen=True):
    """The current versions of some resources, by type and id."""

    keys: tuple[tuple[str, str], ...]


class Vread(Struct, frozen=True):
    """One version of one resource."""

    type: str
    id: str
    version: int


class Create(Struct, frozen=True):
    """A new resource; with `if_none_exist` only if nothing matches those criteria."""

    type: str
    raw: bytes
    if_none_exist: str | None = None


class Update(Struct, frozen=True):
    """The resource as it shall be; created where there is none. `if_match` is the version that it
    must be at; `if_none_match` (the header with `*`) demands that there is none."""

    type: str
    id: str
    raw: bytes
    if_match: int | None = None
    if_none_match: bool = False


class ConditionalUpdate(Struct, frozen=True):
    """As Update, for the one resource that matches the criteria; created where none does."""

    type: str
    criteria: str
    raw: bytes
    if_match: int | None = None


Change = Callable[[Tree], Tree]
"""A patch, already parsed: makes a new tree of the old one, or raises Invalid."""


class Patch(Struct, frozen=True):
    """A change to one resource, by `id` or by `criteria`."""

    type: str
    change: Change
    id: str | None = None
    criteria: str | None = None
    if_match: int | None = None


class Delete(Struct, frozen=True):
    """A deletion; no error where there is nothing to delete."""

    type: str
    id: str
    if_match: int | None = None


class ConditionalDelete(Struct, frozen=True):
    """A deletion of the one resource that matches the criteria; several are refused."""

    type: str
    criteria: str


class History(Struct, frozen=True):
    """Versions, newest first: of one resource, of a type, or (`type` None) of the system.

    `since` is inclusive; `at` is a half-open range [low, high): versions that were current at some
    moment of it.
    """

    type: str | None = None
    id: str | None = None
    since: int | None = None
    at: tuple[int, int] | None = None
    count: int = 50
    cursor: str | None = None


class Search(Struct, frozen=True):
    """A search of one type, or (`type` None) of all; `pairs` are the decoded parameters in their
    order. `compartment` is the type and id of a compartment to stay within. `cursor` is from the
    page before, with everything else unchanged."""

    type: str | None
    pairs: tuple[tuple[str, str], ...] = ()
    handling: Handling = Handling.LENIENT
    compartment: tuple[str, str] | None = None
    cursor: str | None = None


class Everything(Struct, frozen=True):
    """`$everything`: the record of a Patient or Encounter, itself first, page by page; without `id`
    the records of all patients that the caller may search. `start` and `end` bound the dates of
    care (a half-open range), `since` the time of the last change. `shown` are marks of what earlier
    pages have shown beside the record (see `around`)."""

    type: Literal["Patient", "Encounter"]
    id: str | None = None
    since: int | None = None
    start: int | None = None
    end: int | None = None
    types: frozenset[str] = frozenset()
    count: int = 50
    cursor: str | None = None
    shown: frozenset[bytes] = frozenset()


class Lastn(Struct, frozen=True):
    """`Observation/$lastn`: the latest `max` observations of each code, of those that match."""

    pairs: tuple[tuple[str, str], ...]
    max: int = 1
    handling: Handling = Handling.LENIENT


class Stats(Struct, frozen=True):
    """`Observation/$stats`: measurements of a subject, by codes with their system (None: any);
    `period` is a half-open range, open where it has None."""

    subject: str
    codes: tuple[tuple[str | None, str], ...]
    period: tuple[int | None, int | None] = (None, None)


Place = tuple[str, str, int | None]
"""Type, id and version; None for the current one."""


class Diff(Struct, frozen=True):
    """`$diff`: from one version to another; without `before`, from the one before `to`."""

    before: Place | None
    to: Place
    with_meta: bool = False


class Graph(Struct, frozen=True):
    """`$graph`: a resource and what belongs to it by a GraphDefinition, named by its url."""

    type: str
    id: str
    graph: str


class Document(Struct, frozen=True):
    """`$document`: a Composition and all that it refers to, and that a graph adds."""

    id: str
    graph: str | None = None


class Empty(Struct, frozen=True):
    """All records of the caller's tenant, taken away for good."""


class Purge(Struct, frozen=True):
    """`Patient/[id]/$purge`: the record of a patient, gone for good."""

    id: str


class Erase(Struct, frozen=True):
    """`Patient/[id]/$erase`: as Purge, and no copy of the store that is left can be read."""

    id: str


ValidationMode = Literal["create", "update", "delete"]


class Validate(Struct, frozen=True):
    """`$validate`: whether a resource would be accepted, and conforms to `profiles` besides those
    that it claims. Nothing is stored. `raw` may be empty where mode is delete, and where `id` names
    a stored resource to look at."""

    type: str
    raw: bytes = b""
    id: str | None = None
    mode: ValidationMode | None = None
    profiles: tuple[str, ...] = ()


class Meta(Struct, frozen=True):
    """`$meta`: profiles, tags and labels of one resource, or those in use in a type or system."""

    type: str | None = None
    id: str | None = None
    version: int | None = None


class ChangeMeta(Struct, frozen=True):
    """`$meta-add` and `$meta-delete`: put in, or take out, the profiles, tags and labels of `meta`.
    It makes a new version."""

    type: str
    id: str
    meta: Tree
    remove: bool = False


class Operated(Struct, frozen=True):
    """What an operation answered: the HTTP status, the JSON of a resource, and where one is."""

    status: int
    body: bytes
    location: str | None = None


class Operate(Struct, frozen=True):
    """A call of an operation that stands in a Bundle; `run` is whoever knows operations. With
    `only_reading` those that change something are refused."""

    method: str
    path: tuple[str, ...]
    query: str
    raw: bytes
    run: Callable[[Operate], Awaitable[Operated]]
    only_reading: bool = False


class Process(Struct, frozen=True):
    """A Bundle of type transaction (all or nothing) or batch (each entry by itself), as bytes.
    `operate` carries out the operations in it; without, they are refused."""

    raw: bytes
    handling: Handling = Handling.LENIENT
    operate: Callable[[Operate], Awaitable[Operated]] | None = None


class StartReindex(Struct, frozen=True):
    """`$reindex`: rows for the search parameters that were defined here, for one of them where `id`
    names it. `everything`: those of R4, too, for all types."""

    id: str | None = None
    everything: bool = False


class Reindexing(Struct, frozen=True):
    """How far a reindex has come."""

    id: str


class Counts(Struct, frozen=True):
    """How many resources of each type this caller may search."""


class PrepareExport(Struct, frozen=True):
    """What an export will be about, to be checked before it begins: resources of these types (all
    that the caller may search, if none), `filters` as pairs of type and criteria. `by_patient`:
    only what is in patients' records; of `group`, or of `patients`, or of all."""

    types: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    by_patient: bool = False
    group: str | None = None
    patients: tuple[str, ...] | None = None


class Export(Struct, frozen=True):
    """A page of an export: resources of a type as they were at `at`, last changed since `since`
    (inclusive) and before `before`. `filters` are criteria, of which one must hold. `after` is from
    the page before, with everything else unchanged. `deletions`: the deletions instead. `passed`
    tells of patients whose pages came before: what is in their records too is left out."""

    type: str
    at: int
    filters: tuple[str, ...] = ()
    by_patient: bool = False
    patients: tuple[str, ...] | None = None
    since: int | None = None
    before: int | None = None
    after: int = 0
    count: int = 1000
    deletions: bool = False
    passed: Callable[[str], bool] | None = None


class PrepareImport(Struct, frozen=True):
    """What an import will hold, to be checked before it begins: resources of these types."""

    types: tuple[str, ...]


class ConsentCheck(Struct, frozen=True):
    """Whether Consents let an actor (`Practitioner/17`, with these roles) do something with one
    record, for a purpose of use (v3-ActReason); the action is one of consentaction. `consent` asks
    of one Consent alone."""

    type: str
    id: str
    actor: str
    purpose: str = "TREAT"
    action: str = "access"
    roles: frozenset[str] = frozenset()
    consent: str = ""


class Relabel(Struct, frozen=True):
    """Label what is stored."""


class Ask(Struct, frozen=True):
    """An operation on codes, such as `expand`, on a type or on one resource of it. `work` answers
    it from a library, and from that resource."""

    operation: str
    type: str
    work: Callable[[Library, Tree | None], Awaitable[Tree]]
    id: str | None = None


class Closure(Struct, frozen=True):
    """Codes for a table of the caller's; `since` asks for all that came after that call."""

    name: str
    codings: tuple[Coding, ...] = ()
    since: int | None = None


class Note(Struct, frozen=True):
    """Something for the audit trail that no other command tells of, such as a file that is handed
    out: an operation, and a short text without patient data."""

    operation: str
    text: str


class Reach(Struct, frozen=True):
    """What another caller may read, for whoever looks into what a credential could do."""

    of: Caller


class Disclose(Struct, frozen=True):
    """Versions, by type, id and number, that are about to be shown to the caller; `reason` is kept
    in the audit record, such as `Subscription/17`."""

    reason: str
    versions: tuple[tuple[str, str, int], ...]


class Look(Struct, frozen=True):
    """A search that a decision rests on, by a name: when the decision is written, it must still
    find exactly what it found. More than `most` are refused."""

    name: str
    type: str
    criteria: str
    most: int = 1000


class Asking(Struct, frozen=True):
    """What a decision needs to know. `changes` are records, by type and id, that the caller must
    have the right to change; others are as if they were not there. `reads` are looked at besides,
    and `looks` find, whatever the caller may see: what comes of that is for the decision alone."""

    changes: tuple[tuple[str, str], ...] = ()
    reads: tuple[tuple[str, str], ...] = ()
    looks: tuple[Look, ...] = ()


class Seen(Struct, frozen=True):
    """What is known so far: the records that are there, and what each search found."""

    records: Mapping[tuple[str, str], Tree]
    found: Mapping[str, tuple[Tree, ...]]


class Write(Struct, frozen=True):
    """A resource as it shall be. `own`: under the rights of the caller; otherwise the operation
    vouches for it, as for a Slot, which whoever books a visit need not have the right to write."""

    type: str
    id: str
    tree: Tree
    own: bool = True


class Decided(Struct, frozen=True):
    """What a decision came to: what is written, all or nothing, and what the operation answers
    besides, which holds nothing of a record. `about` is for the audit trail."""

    writes: tuple[Write, ...] = ()
    answer: object = None
    about: str = ""


class Act(Struct, frozen=True):
    """An operation that decides over several records in one step, and writes them. Each of `asks`
    says what to find out next, from what is known; then `decide` does. They are pure, may be called
    again, and may raise. `needs` are rights (letters of SMART, type) without which nothing is
    done."""

    operation: str
    asks: tuple[Callable[[Seen], Asking], ...]
    decide: Callable[[Seen], Decided]
    needs: tuple[tuple[str, str], ...] = ()
    about: str = ""
