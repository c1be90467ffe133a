"""The audit trail, asked: who opened this record, what did this person do, what did this token
reach.

A record is filed under terms: its tenant's trail as a whole, each patient, the agent, the program,
each resource by type and id, the interaction, the token, and how it ended where it did not end
well. A term is kept as a number of 64 bits, so that the index is small; two texts with one number
are told apart by the record itself, which is read anyway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from enum import StrEnum
from hashlib import blake2b
from struct import Struct as Packed
from typing import NamedTuple, NewType

from msgspec import Struct

from careplane.ledger.audit import AuditRecord, Outcome, decode
from careplane.storage.ports.audit import AuditQuery, AuditStore, Filed, Found
from careplane.storage.ports.records import Tenant

_PAGE = 500
_signed = Packed(">q").unpack


class Kind(StrEnum):
    """What a term is about."""

    ALL = "*"
    PATIENT = "p"
    AGENT = "a"
    RESOURCE = "r"
    INTERACTION = "i"
    TOKEN = "t"  # noqa: S105  (a kind of term)
    OUTCOME = "o"
    EMERGENCY = "e"


Term = NewType("Term", str)
"""One thing that a record is found by: the letter of its kind, and a text."""


def term(kind: Kind, text: str = "") -> Term:
    """A term of a question."""
    return Term(kind.value + text)


EVERY = frozenset({Term(Kind.ALL)})


class Question(Struct, frozen=True):
    """As an AuditQuery, in words: records that have a term of each set of `having`, and none of
    `without`. Times are in microseconds since 1970, `since` inclusive, `before` exclusive."""

    having: tuple[frozenset[Term], ...] = ()
    without: frozenset[Term] = frozenset()
    since: int | None = None
    before: int | None = None
    after: tuple[int, int] | None = None
    newest_first: bool = True
    count: int = 100


class Entry(NamedTuple):
    """A record of the trail, under its number."""

    seq: int
    record: AuditRecord

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands in the order of time."""
        return self.record.recorded, self.seq


def terms_of(record: AuditRecord) -> frozenset[Term]:
    """What a record is found by. The letters are those of Kind."""
    found = ["*", "a" + record.agent, "i" + record.interaction]
    found += ["p" + id for id in record.patients]
    found += [f"r{type}/{id}" for type, id, _ in record.versions]
    if record.client:
        found.append("aclient/" + record.client)
    if record.token:
        found.append("t" + record.token)
    if record.outcome is not Outcome.SUCCESS:
        found.append("o" + record.outcome)
    if record.emergency:
        found.append("e")
    return frozenset(map(Term, found))


def filing(tenant: Tenant, record: bytes) -> Filed:
    """The Filing of these records (storage.ports.audit)."""
    read = decode(record)
    return Filed(read.recorded, _numbers(tenant, terms_of(read)))


def _numbers(tenant: Tenant, terms: Iterable[Term]) -> frozenset[int]:
    salt = b"%d" % tenant
    return frozenset(
        _signed(blake2b(one.encode("utf-8", "replace"), digest_size=8, salt=salt).digest())[0]
        for one in terms
    )


class Trail:
    """One installation's trail, over a store."""

    def __init__(self, store: AuditStore) -> None:
        self._store = store

    async def find(self, tenant: Tenant, question: Question) -> list[Entry]:
        """What was asked for; all that was recorded before is looked at."""
        found = await self._store.find(tenant, _query(tenant, question), filing)
        return [entry for entry in map(_entry, found) if _answers(question, entry.record)]

    async def walk(self, tenant: Tenant, question: Question) -> AsyncIterator[Entry]:
        """As `find`, all of it, page by page; `question.count` is then of no account."""
        after = question.after
        while True:
            asked = _query(tenant, question, after, _PAGE)
            found = await self._store.find(tenant, asked, filing)
            for entry in map(_entry, found):
                if _answers(question, entry.record):
                    yield entry
            if len(found) < _PAGE:
                return
            after = found[-1].recorded, found[-1].seq

    async def get(self, tenant: Tenant, seq: int) -> Entry | None:
        """A record by its number."""
        found = await self._store.tail(tenant, seq - 1, 1)
        if not found or found[0][0] != seq:
            return None
        return Entry(seq, decode(found[0][1]))

    async def tail(self, tenant: Tenant, after: int, count: int) -> list[Entry]:
        """In the order of numbers, those after one."""
        found = await self._store.tail(tenant, after, count)
        return [Entry(seq, decode(record)) for seq, record in found]

    async def file(self, count: int) -> int:
        """Bring the index on by some records; 0 where it has caught up."""
        return await self._store.file(filing, count)

    async def forget(self, tenant: Tenant, before: int, count: int) -> int:
        """Remove the oldest records from before a time for good; how many."""
        asked = Question(before=before, newest_first=False, count=count)
        return await self._store.forget(tenant, _query(tenant, asked), filing)


def _query(
    tenant: Tenant,
    question: Question,
    after: tuple[int, int] | None = None,
    count: int | None = None,
) -> AuditQuery:
    having = question.having or (EVERY,)
    return AuditQuery(
        tuple(_numbers(tenant, terms) for terms in having),
        _numbers(tenant, question.without),
        question.since,
        question.before,
        after or question.after,
        question.newest_first,
        question.count if count is None else count,
    )


def _entry(found: Found) -> Entry:
    return Entry(found.seq, decode(found.record))


def _answers(question: Question, record: AuditRecord) -> bool:
    """Whether it has the terms themselves, and not only their numbers."""
    terms = terms_of(record)
    return all(terms & one for one in question.having) and not terms & question.without
