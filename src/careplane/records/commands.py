"""What can be asked of the door, as values: the interactions of FHIR's RESTful API (R4 3.1.0).

Bytes are JSON; `criteria` are search query strings as HTTP carries them, percent-encoding included
(`identifier=http%3A%2F%2Fexample.org%7C17`); times are microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from careplane.fhir.tree import Tree


class Handling(StrEnum):
    """`Prefer: handling`: whether an unknown search parameter is refused or reported."""

    STRICT = "strict"
    LENIENT = "lenient"


@dataclass(frozen=True, slots=True)
class Read:
    """The current version of one resource."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Vread:
    """One version of one resource."""

    type: str
    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Create:
    """A new resource; with `if_none_exist` only if nothing matches those criteria."""

    type: str
    raw: bytes
    if_none_exist: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """The resource as it shall be; created where there is none. `if_match` is the version that it
    must be at; `if_none_match` (the header with `*`) demands that there is none."""

    type: str
    id: str
    raw: bytes
    if_match: int | None = None
    if_none_match: bool = False


@dataclass(frozen=True, slots=True)
class ConditionalUpdate:
    """As Update, for the one resource that matches the criteria; created where none does."""

    type: str
    criteria: str
    raw: bytes
    if_match: int | None = None


Change = Callable[[Tree], Tree]
"""A patch, already parsed: makes a new tree of the old one, or raises Invalid."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A change to one resource, by `id` or by `criteria`."""

    type: str
    change: Change
    id: str | None = None
    criteria: str | None = None
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """A deletion; no error where there is nothing to delete."""

    type: str
    id: str
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class ConditionalDelete:
    """A deletion of the one resource that matches the criteria; several are refused."""

    type: str
    criteria: str


@dataclass(frozen=True, slots=True)
class History:
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


@dataclass(frozen=True, slots=True)
class Search:
    """A search of one type, or (`type` None) of all; `pairs` are the decoded parameters in their
    order. `compartment` is the type and id of a compartment to stay within. `cursor` is from the
    page before, with everything else unchanged."""

    type: str | None
    pairs: tuple[tuple[str, str], ...] = ()
    handling: Handling = Handling.LENIENT
    compartment: tuple[str, str] | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Everything:
    """`$everything`: the record of a Patient or Encounter, itself first, page by page. `start` and
    `end` bound the dates of care (a half-open range), `since` the time of the last change."""

    type: Literal["Patient", "Encounter"]
    id: str
    since: int | None = None
    start: int | None = None
    end: int | None = None
    types: frozenset[str] = frozenset()
    count: int = 50
    cursor: str | None = None


ValidationMode = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Validate:
    """`$validate`: whether a resource would be accepted. Nothing is stored. `raw` may be empty
    where mode is delete, and where `id` names a stored resource to look at."""

    type: str
    raw: bytes = b""
    id: str | None = None
    mode: ValidationMode | None = None


@dataclass(frozen=True, slots=True)
class Meta:
    """`$meta`: profiles, tags and labels of one resource, or those in use in a type or system."""

    type: str | None = None
    id: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeMeta:
    """`$meta-add` and `$meta-delete`: put in, or take out, the profiles, tags and labels of `meta`.
    It makes a new version."""

    type: str
    id: str
    meta: Tree
    remove: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """A Bundle of type transaction (all or nothing) or batch (each entry by itself), as bytes."""

    raw: bytes
    handling: Handling = Handling.LENIENT


@dataclass(frozen=True, slots=True)
class Counts:
    """How many resources of each type this caller may search."""
