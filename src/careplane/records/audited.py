"""One call, one audit record: durable before the answer is given, whether it is a result or an
error. Where a unit of work took the record along, nothing is appended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace as replaced
from typing import TypeVar, cast

from msgspec.structs import replace

from careplane.kernel.errors import Busy, Incorrect, Outdated
from careplane.records.account import Account
from careplane.records.parts import Parts
from careplane.records.results import Found
from careplane.records.terms.code_sets import answered
from careplane.records.veil.leaving import leaving
from careplane.records.veil.veil import Veil
from careplane.search.code_sets import Answer, Answers, Question, Unanswered
from careplane.search.registry import NotReady

Command = TypeVar("Command")
Result = TypeVar("Result")
Work = Callable[[Parts, Account, Command], Awaitable[Result]]

_TRIES = 16
_QUESTIONS = 100
"""Value sets and codes that one request may ask about."""
_TOLD = "audited"


def is_audited(error: BaseException) -> bool:
    """Whether a record tells of it already."""
    return _TOLD in error.__dict__


async def refused(parts: Parts, account: Account, error: Exception) -> None:
    """The record of a request that came to no call, such as one without a good credential."""
    record = account.failure(parts.clock, error)
    await parts.audit.append(account.caller.tenant, record)
    error.__dict__[_TOLD] = True


async def audited(
    parts: Parts, account: Account, work: Work[Command, Result], command: Command
) -> Result:
    """Carry a command out under an account."""
    try:
        result = await _up_to_date(parts, account, work, command)
    except (Exception, asyncio.CancelledError) as error:
        error.__dict__[_TOLD] = True
        if not account.kept:
            record = account.failure(parts.clock, error)
            await parts.audit.append(account.caller.tenant, record)
        raise
    if not account.kept:
        await parts.audit.append(account.caller.tenant, account.success(parts.clock))
    return result


async def _up_to_date(
    parts: Parts, account: Account, work: Work[Command, Result], command: Command
) -> Result:
    """With the search parameters as they are defined now; from the start where they are defined
    anew meanwhile, and where one is not ready, which may be by now. No client sees Outdated. The
    same with what a search has to ask of terminology, one question after the other."""
    tenant = account.caller.tenant
    told = len(account.versions)
    known: dict[Question, Answer] = {}
    round = 0
    while round < _TRIES:
        now = parts.at_hand(account.caller) or (await parts.of(tenant)).seen_by(account.caller)
        if known:
            now = replaced(now, code_sets=Answers(known))
        try:
            if now.veil is not None:
                account.veiled = True
                return await _veiled(now, now.veil, account, work, command)
            return await work(now, account, command)
        except (Outdated, NotReady) as error:
            if now.definitions is None or (round and isinstance(error, NotReady)):
                raise
            del account.versions[told:]
            now.definitions.forget(tenant)
            round += 1
        except Unanswered as error:
            if len(known) == _QUESTIONS:
                raise Incorrect(f"A search may name {_QUESTIONS} value sets and codes.") from None
            known[error.question] = await answered(now, account, error.question)
    raise Busy("Search parameters keep being defined anew; send the request again.")


async def _veiled(
    parts: Parts, veil: Veil, account: Account, work: Work[Command, Result], command: Command
) -> Result:
    """For a caller who does not see everything."""
    if veil.study is None:
        return await leaving(veil, await work(parts, account, command))
    result = await leaving(veil, await work(parts, account, veil.study.asked(command)))
    if isinstance(result, Found):
        sent = veil.study.told(command, result.understood)
        result = cast(Result, replace(result, understood=sent))
    return result
