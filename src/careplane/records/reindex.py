"""`$reindex`: ask for a job, and look how far it has come. Carrying it out is `reindexing`."""

from __future__ import annotations

from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.kernel.errors import Incorrect, NotFound
from careplane.records import commands as c
from careplane.records import rights, walk
from careplane.records.account import Account
from careplane.records.definitions import Definitions, Edition
from careplane.records.jobs.book import Book
from careplane.records.parts import Parts
from careplane.records.walk import Walk
from careplane.storage.ports.records import DEFINING


class Reindexes:
    """What the door needs for it."""

    def __init__(self, definitions: Definitions, book: Book) -> None:
        self._definitions = definitions
        self._book = book

    async def start(self, parts: Parts, account: Account, command: c.StartReindex) -> Walk:
        """A new job. NotFound for an id that names no search parameter of this server, Incorrect
        for one that has no effect."""
        rights.administrator(account.caller)
        parts.fresh(account.caller)
        tenant = account.caller.tenant
        account.query = f"{DEFINING}/{command.id}" if command.id else ""
        edition = await self._definitions.edition(tenant)
        if command.everything:
            types: tuple[str, ...] = RESOURCE_TYPES
        else:
            types = _bases(edition)
        if command.id is not None:
            types = await self._of_one(parts, account, command.id, edition)
        return await walk.add(self._book, tenant, types, command.everything)

    async def show(self, parts: Parts, account: Account, command: c.Reindexing) -> Walk:
        """A job as it stands."""
        rights.administrator(account.caller)
        account.query = command.id[:64]
        tenant = account.caller.tenant
        return walk.shown(await self._book.find((walk.NAME,), tenant, walk.OWNER, command.id))

    async def _of_one(
        self, parts: Parts, account: Account, id: str, edition: Edition
    ) -> tuple[str, ...]:
        tenant = account.caller.tenant
        found = await parts.store.read(tenant, DEFINING, id)
        if found is None:
            raise NotFound(f"There is no such {DEFINING}.")
        defined = self._definitions.defined_by(tenant, id)
        if not defined and not found.deleted and not edition.leaving:
            raise Incorrect(
                "Nothing is searched by it here: it is not active, or R4 has it itself."
            )
        bases = {custom.base for custom in defined}
        return tuple(sorted(bases or _bases(edition)))


def _bases(edition: Edition) -> tuple[str, ...]:
    """The types that parameters are, or were, defined on."""
    both = (*edition.active.values(), *edition.leaving.values())
    return tuple(sorted({custom.base for custom, _ in both}))
