"""What an entry of a Bundle asks for, as the command that the door has for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from careplane.kernel.errors import Incorrect, NotFound, Unsupported
from careplane.records import commands as c
from careplane.records import history, read, search, write
from careplane.records.account import Account
from careplane.records.audited import is_audited
from careplane.records.bundle import Entry
from careplane.records.parts import Parts
from careplane.records.patches import change_of
from careplane.records.results import Result
from careplane.search.parse import parse_query

Command = (
    c.Read | c.Vread | c.History | c.Search | c.Create | c.Update | c.ConditionalUpdate
    | c.Patch | c.Delete | c.ConditionalDelete | c.Operate
)  # fmt: skip


async def _operate(parts: Parts, account: Account, command: c.Operate) -> c.Operated:
    """The operation goes through the door by itself, and leaves its own record there."""
    try:
        answer = await command.run(command)
    except Exception as error:
        account.kept = is_audited(error)
        raise
    account.kept = True
    return answer


_CARRY_OUT: dict[type[Command], tuple[str, Callable[[Parts, Account, Any], Awaitable[Result]]]] = {
    c.Read: ("read", read.read),
    c.Vread: ("vread", read.vread),
    c.History: ("history", history.history),
    c.Search: ("search", search.search),
    c.Create: ("create", write.create),
    c.Update: ("update", write.update),
    c.ConditionalUpdate: ("update", write.update),
    c.Patch: ("patch", write.patch),
    c.Delete: ("delete", write.delete),
    c.ConditionalDelete: ("delete", write.delete),
    c.Operate: ("operation", _operate),
}


def interaction(command: Command) -> str:
    """Its code in restful-interaction."""
    return _CARRY_OUT[type(command)][0]


async def carry_out(parts: Parts, account: Account, command: Command) -> Result:
    """Do it, under an account."""
    return await _CARRY_OUT[type(command)][1](parts, account, command)


def command_of(entry: Entry, asked: c.Process, *, only_reading: bool = False) -> Command:
    """The command, or NotFound, Incorrect, Unsupported where the entry asks for no such thing."""
    if not any(part.startswith("$") for part in entry.path):
        return _COMMAND[entry.method](entry, asked.handling)
    if asked.operate is None:
        raise Unsupported("Operations are not offered in this Bundle; call them by themselves.")
    return c.Operate(
        entry.method,
        entry.path,
        entry.criteria or "",
        entry.raw or b"",
        asked.operate,
        only_reading,
    )


def _get(entry: Entry, handling: c.Handling) -> Command:
    pairs = tuple(parse_query(entry.criteria or ""))
    match entry.path:
        case ():
            return c.Search(None, pairs, handling)
        case (type,):
            return c.Search(type, pairs, handling)
        case (type, id):
            return c.Read(type, id)
        case (type, id, "_history"):
            return c.History(type, id)
        case (type, id, "_history", version) if version.isascii() and version.isdigit():
            return c.Vread(type, id, int(version[:9]))
        case (type, id, "*"):
            return c.Search(None, pairs, handling, (type, id))
        case (type, id, inner):
            return c.Search(inner, pairs, handling, (type, id))
    raise NotFound("There is nothing at this address.")


def _post(entry: Entry, handling: c.Handling) -> Command:
    if len(entry.path) != 1 or entry.raw is None:
        raise Incorrect("A POST in a Bundle creates a resource: its url is a type.")
    return c.Create(entry.type, entry.raw, entry.if_none_exist)


def _put(entry: Entry, handling: c.Handling) -> Command:
    assert entry.raw is not None
    if len(entry.path) == 2 and entry.id is not None:
        if_none_match = entry.if_none_match == "*"
        return c.Update(entry.type, entry.id, entry.raw, entry.if_match, if_none_match)
    return c.ConditionalUpdate(entry.type, _criteria(entry), entry.raw, entry.if_match)


def _patch(entry: Entry, handling: c.Handling) -> Command:
    assert entry.raw is not None
    change = change_of(entry.raw)
    if len(entry.path) == 2:
        return c.Patch(entry.type, change, id=entry.id, if_match=entry.if_match)
    return c.Patch(entry.type, change, criteria=_criteria(entry), if_match=entry.if_match)


def _delete(entry: Entry, handling: c.Handling) -> Command:
    if len(entry.path) == 2 and entry.id is not None:
        return c.Delete(entry.type, entry.id, entry.if_match)
    return c.ConditionalDelete(entry.type, _criteria(entry))


def _criteria(entry: Entry) -> str:
    if len(entry.path) == 1 and entry.criteria:
        return entry.criteria
    raise Incorrect(f"The url of a {entry.method} is Type/id or Type?criteria.")


_COMMAND: dict[str, Callable[[Entry, c.Handling], Command]] = {
    "GET": _get,
    "HEAD": _get,
    "POST": _post,
    "PUT": _put,
    "PATCH": _patch,
    "DELETE": _delete,
}
