"""A batch: each entry by itself, as if sent alone (FHIR R4, 3.1.0.11.1).

In the order of a transaction's kinds, and within a kind side by side, so that their writes share
the engine's group commits. Each write and each failure has its own audit record; what reads let
out stands in the record of the batch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from careplane.kernel.errors import CareplaneError, Fault
from careplane.kernel.observe import describe
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.audited import audited, refused
from careplane.records.bundle import Entry
from careplane.records.parts import Parts
from careplane.records.requests import carry_out, command_of, interaction
from careplane.records.results import Answer, Processed

_log = logging.getLogger(__name__)
_ORDER = (("DELETE",), ("POST",), ("PUT", "PATCH"), ("GET", "HEAD"))
_SIDE_BY_SIDE = 32


async def batch(
    parts: Parts, account: Account, entries: Sequence[Entry], asked: c.Process
) -> Processed:
    """The answers, in the order of the entries."""
    answers: dict[int, Answer] = {}
    gate = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(entry: Entry) -> None:
        async with gate:
            answers[entry.index] = await _answer(parts, account, entry, asked)

    for methods in _ORDER:
        await asyncio.gather(*(one(entry) for entry in entries if entry.method in methods))
    return Processed(False, tuple(answers[entry.index] for entry in entries))


async def _answer(parts: Parts, account: Account, entry: Entry, asked: c.Process) -> Answer:
    inner = Account(account.caller, "batch")
    reads = False
    try:
        command = command_of(entry, asked)
        inner.interaction = interaction(command)
        # The record of a read that goes well is the batch's; one that fails has its own.
        reads = entry.method in ("GET", "HEAD") and not isinstance(command, c.Operate)
        inner.kept = reads
        result = await audited(parts, inner, carry_out, command)
        account.absorb(inner)
        return Answer(entry.method, entry.url, result=result)
    except CareplaneError as error:
        if reads:
            await refused(parts, inner, error)
        return Answer(entry.method, entry.url, error=error)
    except Exception as error:
        if reads:
            await refused(parts, inner, error)
        _log.error("An entry of a batch failed: %s", describe(error))
        return Answer(entry.method, entry.url, error=Fault("The server failed on this entry."))
