"""Passwords: kept as argon2id (RFC 9106), checked in the same time whether there is one or not."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING
from unicodedata import normalize

from careplane.access.people.user import folded
from careplane.kernel.errors import Incorrect

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_SHORTEST, _LONGEST = 12, 256
_LOOKED_AT = 72
"""Characters by which a password is judged: more take long, and make it no worse."""
_STRONG = 3
"""Of zxcvbn's scores, from which on some 10^8 tries are needed; its lists have the commonest
passwords, names and words, and it knows keyboards, runs and repetitions."""
_ROUNDS, _KIB, _LANES = 2, 19_456, 1
_NOBODY = f"$argon2id$v=19$m={_KIB},t={_ROUNDS},p={_LANES}${'A' * 22}${'A' * 43}"
"""Salt and hash are zeros: no password is known to have it, and to see so takes as long as with
any other."""


def check(password: str, login: str, name: str) -> None:
    """Whether a person may choose it (NIST SP 800-63B, 3.1.1.2). Raises Incorrect."""
    from zxcvbn import zxcvbn  # its lists are long, and few processes ever need them

    said = folded(password)
    guessed = [folded(login), "careplane", *(p for p in folded(name).split() if len(p) > 2)]
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise Incorrect(f"A password has {_SHORTEST} to {_LONGEST} characters.")
    if zxcvbn(password[:_LOOKED_AT], user_inputs=guessed)["score"] < _STRONG:
        raise Incorrect("This password is guessed at once; take several words.")
    rest = said
    for one in guessed:
        rest = rest.replace(one, "")
    if len(rest) < _SHORTEST // 2:
        raise Incorrect("A password is not made of the name; take several words.")


class Passwords:
    """Hashes and checks, two at a time: each takes tens of milliseconds and 19 MB."""

    def __init__(self) -> None:
        self._slow = asyncio.Semaphore(2)

    async def kept(self, password: str) -> str:
        """What is kept of it."""
        async with self._slow:
            return await asyncio.to_thread(_kept, normalize("NFKC", password))

    async def matches(self, password: str, kept: str) -> bool:
        """Whether it is the one of which that is kept; where nothing is, the time is the same and
        the answer is no."""
        async with self._slow:
            found = await asyncio.to_thread(
                _matches, kept or _NOBODY, normalize("NFKC", password[:_LONGEST])
            )
        return found and bool(kept)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # where somebody signs in by a password

    return PasswordHasher(time_cost=_ROUNDS, memory_cost=_KIB, parallelism=_LANES)


def _kept(password: str) -> str:
    return _hasher().hash(password)


def _matches(kept: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(kept, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
