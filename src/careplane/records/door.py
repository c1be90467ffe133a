"""The door: every read and write of patient data, by whatever way it came, goes through here.

Each call is one sequence: decide, validate, extract, one unit of work, and one audit record that is
durable before the answer is given. Errors are those of `kernel.errors`.

All may raise `Forbidden` (no scope for this type), `Busy` and `Fault`. A record that the caller may
not see is `NotFound`, as if there were none.
"""

from __future__ import annotations

from collections.abc import Mapping

from careplane.access.caller import Caller
from careplane.records import commands as c
from careplane.records.results import (
    Found,
    MetaFound,
    Processed,
    Report,
    Version,
    Versions,
    Written,
)


class Door:
    """The one door to patient data. `app.build` wires it."""

    async def read(self, caller: Caller, command: c.Read) -> Version:
        """The current version. Raises NotFound, or Gone where it was deleted."""
        raise NotImplementedError

    async def vread(self, caller: Caller, command: c.Vread) -> Version:
        """One version. Raises NotFound, or Gone where that version is a deletion."""
        raise NotImplementedError

    async def create(self, caller: Caller, command: c.Create) -> Written:
        """CREATED, or FOUND for a conditional create that met its match. Raises Malformed or
        Invalid with every problem, Ambiguous where several match."""
        raise NotImplementedError

    async def update(self, caller: Caller, command: c.Update | c.ConditionalUpdate) -> Written:
        """UPDATED, CREATED or UNCHANGED. Raises Malformed, Invalid, Precondition (If-Match does
        not hold), Ambiguous."""
        raise NotImplementedError

    async def patch(self, caller: Caller, command: c.Patch) -> Written:
        """UPDATED or UNCHANGED. Raises NotFound, Invalid, Precondition, Ambiguous."""
        raise NotImplementedError

    async def delete(self, caller: Caller, command: c.Delete | c.ConditionalDelete) -> Written:
        """DELETED or ABSENT. Raises Precondition, Ambiguous."""
        raise NotImplementedError

    async def history(self, caller: Caller, command: c.History) -> Versions:
        """Versions, newest first. Raises NotFound for one resource that never was."""
        raise NotImplementedError

    async def search(self, caller: Caller, command: c.Search) -> Found:
        """Resources that match, with what `_include` and `_revinclude` add to this page. Raises
        Incorrect for a value that cannot be understood, or an unknown parameter when strict."""
        raise NotImplementedError

    async def everything(self, caller: Caller, command: c.Everything) -> Found:
        """The resource itself, what its compartment holds, and what those refer to."""
        raise NotImplementedError

    async def validate(self, caller: Caller, command: c.Validate) -> Report:
        """Every problem and warning; it raises only where there is nothing to look at."""
        raise NotImplementedError

    async def meta(self, caller: Caller, command: c.Meta) -> MetaFound:
        """The Meta of a resource, or the profiles, tags and labels in use."""
        raise NotImplementedError

    async def change_meta(self, caller: Caller, command: c.ChangeMeta) -> MetaFound:
        """The Meta after the change."""
        raise NotImplementedError

    async def process(self, caller: Caller, command: c.Process) -> Processed:
        """Transaction: all or nothing; raises what the first failing entry raised, with its place.
        Batch: each entry by itself, errors among the answers."""
        raise NotImplementedError

    async def counts(self, caller: Caller, command: c.Counts) -> Mapping[str, int]:
        """How many resources of each type this caller may search; types with none are left out."""
        raise NotImplementedError
