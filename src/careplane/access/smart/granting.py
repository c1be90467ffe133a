"""Which scopes a client gets: what it asks for, as far as it may have that (RFC 6749, 3.3)."""

from __future__ import annotations

from collections.abc import Iterable

from careplane.access.scopes import Scope, parse_scope
from careplane.access.smart.refusal import Refused
from careplane.kernel.errors import Incorrect

_MOST, _LONGEST = 64, 4096
_LONGEST_GRANTED = 6000
"""A token is sent in a header, and servers and proxies take some 8,000 bytes of these."""


def grant(asked: str, allowed: Iterable[Scope]) -> dict[Scope, str]:
    """The scopes that are granted, each as it is written in the answer: as the client wrote it
    where it gets all of that, so that a client of SMART 1 reads its own words. Raises Refused
    (invalid_scope) for what cannot be read, or where nothing is left."""
    words = asked.split()
    if not words or len(words) > _MOST or len(asked) > _LONGEST:
        raise _invalid(f"Name 1 to {_MOST} scopes, such as system/Patient.rs.")
    limits = tuple(allowed)
    granted: dict[Scope, str] = {}
    for word in words:
        wanted = _parsed(word)
        for limit in limits:
            scope = narrowed(wanted, limit)
            if scope is not None:
                granted[scope] = word if scope == wanted else str(scope)
    if not granted:
        raise _invalid("None of these scopes is one that this client may have.")
    if sum(map(len, map(str, granted))) > _LONGEST_GRANTED:
        raise _invalid("Too many scopes would be granted; ask for fewer of them.")
    return granted


def narrowed(wanted: Scope, limit: Scope) -> Scope | None:
    """What both allow, or None. Arguments are ANDed, as both restrict."""
    if wanted.context != limit.context:
        return None
    if None not in (wanted.type, limit.type) and wanted.type != limit.type:
        return None
    permissions = wanted.permissions & limit.permissions
    if not permissions:
        return None
    arguments = dict.fromkeys(filter(None, (limit.arguments, wanted.arguments)))
    return Scope(wanted.context, wanted.type or limit.type, permissions, "&".join(arguments))


def _parsed(word: str) -> Scope:
    try:
        scope = parse_scope(word)
    except Incorrect as error:
        raise _invalid(error.text[:500]) from None
    if scope.context != "system":
        raise _invalid("Without a person only system/ scopes are granted.")
    return scope


def _invalid(text: str) -> Refused:
    return Refused("invalid_scope", text)
