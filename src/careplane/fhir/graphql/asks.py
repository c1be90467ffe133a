"""What a query needs from outside: one resource, or the answer to a search. Values, so that what
is asked for twice is fetched once."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from careplane.fhir.tree import Tree


class ById(Struct, frozen=True):
    """One resource that is referred to; `version` where the reference names one."""

    type: str
    id: str
    version: int | None = None


class BySearch(Struct, frozen=True):
    """A search of one type. `whole` wants all matches or an error (a List), else a page with links
    (a Connection), which the `cursor` of an earlier page may stand for."""

    type: str
    pairs: tuple[tuple[str, str], ...]
    whole: bool
    cursor: str | None = None
    total: bool = False


class Page(Struct, frozen=True):
    """The answer to a search. Links are cursors; None where there is no such page, or none that
    this server knows the way to."""

    resources: tuple[Tree, ...]
    count: int | None = None
    offset: int = 0
    pagesize: int | None = None
    first: str | None = None
    previous: str | None = None
    next: str | None = None
    last: str | None = None


Ask: TypeAlias = ById | BySearch
