"""One call, one audit record: durable before the answer is given, whether it is a result or an
error. Where a unit of work took the record along, nothing is appended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from careplane.records.account import Account
from careplane.records.parts import Parts

Command = TypeVar("Command")
Result = TypeVar("Result")
Work = Callable[[Parts, Account, Command], Awaitable[Result]]

_TOLD = "audited"


def is_audited(error: BaseException) -> bool:
    """Whether a record tells of it already."""
    return _TOLD in error.__dict__


async def refused(parts: Parts, account: Account, error: Exception) -> None:
    """The record of a request that came to no call, such as one without a good credential."""
    record = account.failure(parts.clock, error)
    await parts.audit.append(account.caller.tenant, record)


async def audited(
    parts: Parts, account: Account, work: Work[Command, Result], command: Command
) -> Result:
    """Carry a command out under an account."""
    try:
        result = await work(parts, account, command)
    except (Exception, asyncio.CancelledError) as error:
        error.__dict__[_TOLD] = True
        if not account.kept:
            record = account.failure(parts.clock, error)
            await parts.audit.append(account.caller.tenant, record)
        raise
    if not account.kept:
        await parts.audit.append(account.caller.tenant, account.success(parts.clock))
    return result
