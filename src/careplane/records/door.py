"""The door: every read and write of patient data, by whatever way it came, goes through here.

Each call is one sequence: decide, validate, extract, one unit of work, and one audit record that is
durable before the answer is given. Errors are those of `kernel.errors`.

All may raise `Forbidden` (no scope for this type), `Busy` and `Fault`. A record that the caller may
not see is `NotFound`, as if there were none.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Unsupported
from careplane.records import (
    act,
    changes,
    consent_check,
    counts,
    differences,
    documents,
    emptying,
    erase,
    everything,
    export,
    graph,
    history,
    lastn,
    meta,
    purge,
    reach,
    read,
    relabel,
    search,
    stats,
    validate,
    write,
)
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.audited import Command, Result, Work, audited, refused
from careplane.records.batch import batch
from careplane.records.bundle import entries
from careplane.records.erase import Erasing
from careplane.records.parts import Parts
from careplane.records.reindex import Reindexes
from careplane.records.results import (
    Acted,
    Around,
    Checked,
    Exported,
    Found,
    MetaFound,
    Prepared,
    Processed,
    Purged,
    Reached,
    Relabelled,
    Report,
    Shredded,
    Statistics,
    Version,
    Versions,
    Written,
)
from careplane.records.terms.ask import ask
from careplane.records.terms.closure import closure
from careplane.records.transaction import transaction
from careplane.records.walk import Walk
from careplane.search.match import Subject
from careplane.search.plan import Nothing
from careplane.storage.ports.records import Tenant

_PATH = 200
"""Characters of an address that are kept of a request that was refused."""


class Door:
    """The one door to patient data. `app.build` wires it."""

    def __init__(
        self, parts: Parts, reindexes: Reindexes | None = None, erasing: Erasing | None = None
    ) -> None:
        self._parts = parts
        self._reindexes = reindexes
        self._erasing = erasing

    def _call(
        self, caller: Caller, interaction: str, work: Work[Command, Result], command: Command
    ) -> Coroutine[Any, Any, Result]:
        return audited(self._parts, Account(caller, interaction), work, command)

    async def refused(self, caller: Caller, method: str, path: str, error: Exception) -> None:
        """Keep an audit record of a request that no other call has heard of: without a good
        credential, of a size, form or address that is not taken."""
        await refused(self._parts, Account(caller, method, path[:_PATH]), error)

    async def read(self, caller: Caller, command: c.Read) -> Version:
        """The current version. Raises NotFound, or Gone where it was deleted."""
        return await self._call(caller, "read", read.read, command)

    async def read_many(self, caller: Caller, command: c.ReadMany) -> tuple[Version, ...]:
        """The current versions of those that are there and that the caller may read."""
        return await self._call(caller, "read", read.read_many, command)

    async def vread(self, caller: Caller, command: c.Vread) -> Version:
        """One version. Raises NotFound, or Gone where that version is a deletion."""
        return await self._call(caller, "vread", read.vread, command)

    async def create(self, caller: Caller, command: c.Create) -> Written:
        """CREATED, or FOUND for a conditional create that met its match. Raises Malformed or
        Invalid with every problem, Ambiguous where several match."""
        return await self._call(caller, "create", write.create, command)

    async def update(self, caller: Caller, command: c.Update | c.ConditionalUpdate) -> Written:
        """UPDATED, CREATED or UNCHANGED. Raises Malformed, Invalid, Precondition (If-Match does
        not hold), Ambiguous."""
        return await self._call(caller, "update", write.update, command)

    async def patch(self, caller: Caller, command: c.Patch) -> Written:
        """UPDATED or UNCHANGED. Raises NotFound, Invalid, Precondition, Ambiguous."""
        return await self._call(caller, "patch", write.patch, command)

    async def delete(self, caller: Caller, command: c.Delete | c.ConditionalDelete) -> Written:
        """DELETED or ABSENT. Raises Precondition, Ambiguous."""
        return await self._call(caller, "delete", write.delete, command)

    async def history(self, caller: Caller, command: c.History) -> Versions:
        """Versions, newest first. Raises NotFound for one resource that never was."""
        return await self._call(caller, _history_code(command), history.history, command)

    async def search(self, caller: Caller, command: c.Search) -> Found:
        """Resources that match, with what `_include` and `_revinclude` add to this page. Raises
        Incorrect for a value that cannot be understood, or an unknown parameter when strict."""
        return await self._call(caller, _search_code(command), search.search, command)

    async def everything(self, caller: Caller, command: c.Everything) -> Around:
        """The resource itself, what its compartment holds, and what those refer to."""
        return await self._call(caller, "$everything", everything.everything, command)

    async def lastn(self, caller: Caller, command: c.Lastn) -> Found:
        """The latest observations of each code. Raises Incorrect without a subject or a code."""
        return await self._call(caller, "$lastn", lastn.lastn, command)

    async def stats(self, caller: Caller, command: c.Stats) -> Statistics:
        """The measurements that statistics are made of."""
        return await self._call(caller, "$stats", stats.stats, command)

    async def diff(self, caller: Caller, command: c.Diff) -> Tree:
        """A FHIRPath Patch that makes the one of the other. Raises NotFound, Gone, Incorrect."""
        return await self._call(caller, "$diff", differences.diff, command)

    async def graph(self, caller: Caller, command: c.Graph) -> Found:
        """The resource first. Raises NotFound, Invalid for a graph that cannot be followed."""
        return await self._call(caller, "$graph", graph.graph, command)

    async def document(self, caller: Caller, command: c.Document) -> Found:
        """The Composition first. Raises NotFound, Conflict where a part of it cannot be had."""
        return await self._call(caller, "$document", documents.document, command)

    async def purge(self, caller: Caller, command: c.Purge) -> Purged:
        """Remove a patient's record physically. Raises NotFound; Forbidden without the scope."""
        return await self._call(caller, "$purge", purge.purge, command)

    async def erase(self, caller: Caller, command: c.Erase) -> Shredded:
        """As `purge`, and the patient's keys are destroyed, so that what is left of the record in
        old pages and copies is noise. Raises Unsupported where bodies have no keys."""
        work = self._erasing.erase if self._erasing else erase.unsupported
        return await self._call(caller, "$erase", work, command)

    async def empty(self, caller: Caller, command: c.Empty) -> int:
        """Remove all records of the caller's tenant physically; how many there were. Forbidden
        without the scope of `purge`."""
        return await self._call(caller, "$empty", emptying.empty, command)

    async def validate(self, caller: Caller, command: c.Validate) -> Report:
        """Every problem and warning; it raises only where there is nothing to look at."""
        return await self._call(caller, "$validate", validate.validate, command)

    async def meta(self, caller: Caller, command: c.Meta) -> MetaFound:
        """The Meta of a resource, or the profiles, tags and labels in use."""
        return await self._call(caller, "$meta", meta.meta, command)

    async def change_meta(self, caller: Caller, command: c.ChangeMeta) -> MetaFound:
        """The Meta after the change."""
        code = "$meta-delete" if command.remove else "$meta-add"
        return await self._call(caller, code, meta.change_meta, command)

    async def process(self, caller: Caller, command: c.Process) -> Processed:
        """Transaction: all or nothing; raises what the first failing entry raised, with its place.
        Batch: each entry by itself, errors among the answers."""
        return await self._call(caller, "transaction", _process, command)

    async def act(self, caller: Caller, command: c.Act) -> Acted:
        """Look, decide and write in one step, for an operation. Raises what the decision raises,
        Forbidden for a write that the caller may not make."""
        return await self._call(caller, command.operation, act.act, command)

    async def start_reindex(self, caller: Caller, command: c.StartReindex) -> Walk:
        """A job that makes index rows anew, to be carried out by a service. For administrators.
        Raises NotFound or Incorrect for an id of no search parameter of this server."""
        return await self._call(caller, "$reindex", self._jobs().start, command)

    async def reindexing(self, caller: Caller, command: c.Reindexing) -> Walk:
        """How far a job has come. For administrators."""
        return await self._call(caller, "$reindex", self._jobs().show, command)

    def _jobs(self) -> Reindexes:
        if self._reindexes is None:
            raise Unsupported("Index rows cannot be made anew on this server.")
        return self._reindexes

    async def counts(self, caller: Caller, command: c.Counts) -> Mapping[str, int]:
        """How many resources of each type this caller may search; types with none are left out."""
        return await self._call(caller, "search", counts.counts, command)

    async def prepare_export(self, caller: Caller, command: c.PrepareExport) -> Prepared:
        """Whether this may be exported, and the moment that the export will show. Raises
        NotFound for the Group, Incorrect for patients or criteria that cannot be understood."""
        return await self._call(caller, "$export", export.prepare, command)

    async def export(self, caller: Caller, command: c.Export) -> Exported:
        """A page of an export. All pages together have each resource once, as it was at `at`,
        whatever is written in between."""
        return await self._call(caller, "$export", export.export, command)

    async def prepare_import(self, caller: Caller, command: c.PrepareImport) -> None:
        """Whether resources of these types may be written, before their bytes are there."""
        await self._call(caller, "$import", write.prepare_import, command)

    async def consent_check(self, caller: Caller, command: c.ConsentCheck) -> Checked:
        """What the Consents say. Raises NotFound for a record that the caller may not read."""
        return await self._call(caller, "$consent-check", consent_check.consent_check, command)

    async def relabel(self, caller: Caller, command: c.Relabel) -> Relabelled:
        """Security labels for what is stored. For administrators."""
        return await self._call(caller, "$relabel", relabel.relabel, command)

    async def ask(self, caller: Caller, command: c.Ask) -> Tree:
        """The answer of an operation on codes. Raises NotFound for what it needs and is not here,
        Incorrect where it cannot be carried out."""
        return await self._call(caller, f"${command.operation}", ask, command)

    async def closure(self, caller: Caller, command: c.Closure) -> Tree:
        """A ConceptMap of what is new. Raises NotFound for a table, or a code system, that is not
        here."""
        return await self._call(caller, "$closure", closure, command)

    async def note(self, caller: Caller, command: c.Note) -> None:
        """Keep an audit record of something that no other call tells of."""
        await self._call(caller, command.operation, _noted, command)

    async def reach(self, caller: Caller, command: c.Reach) -> Reached:
        """What another caller of the same tenant may read. For administrators."""
        return await self._call(caller, "audit-exposure", reach.reach, command)

    def may(self, caller: Caller, letter: str, type: str) -> bool:
        """Whether scopes and policies leave a caller any way to do this (a letter of SMART) with
        records of a type, so that pages offer no more. Each call decides anew."""
        node = self._parts.decider.by_right(caller, Permission(letter), type)
        return not isinstance(node, Nothing)

    async def changes(self, tenant: Tenant, after: int, count: int = 1000) -> Sequence[Version]:
        """Versions in the order of commit, for a service of this house. Nothing of it may leave
        but through `disclose`, so it leaves no audit record."""
        return await self._parts.store.changes(tenant, after, count)

    async def newest(self, tenant: Tenant) -> int:
        """The sequence number of the last change."""
        return await changes.newest(self._parts, tenant)

    async def before(self, tenant: Tenant, version: Version) -> Version | None:
        """What a version replaced; for a service, as `changes`."""
        return await changes.before(self._parts, tenant, version)

    async def visible(self, caller: Caller, subject: Subject) -> bool:
        """Whether a caller may read a record as its rows show it."""
        return await changes.visible(self._parts, caller, subject)

    async def disclose(self, caller: Caller, command: c.Disclose) -> tuple[Version | None, ...]:
        """The versions, with None for each that the caller may not read; audited."""
        return await self._call(caller, "notify", changes.disclose, command)


def _history_code(command: c.History) -> str:
    if command.type is None:
        return "history-system"
    return "history-type" if command.id is None else "history-instance"


async def _noted(parts: Parts, account: Account, command: c.Note) -> None:
    account.query = command.text


async def _process(parts: Parts, account: Account, command: c.Process) -> Processed:
    is_transaction, asked = entries(command.raw)
    if is_transaction:
        return await transaction(parts, account, asked, command)
    account.interaction = "batch"
    return await batch(parts, account, asked, command)


def _search_code(command: c.Search) -> str:
    return "search-system" if command.type is None else "search-type"
