"""A fresh proof of who somebody is, for what cannot be taken back: an export, emergency access, a
record that goes for good, administration (OAuth 2.0 Step Up Authentication, RFC 9470)."""

from __future__ import annotations

from collections.abc import Callable

from careplane.access.caller import Caller
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Unproven

FRESH_SECONDS = 300
"""How old the proof may be."""
_PEOPLE = frozenset({"Practitioner", "Patient", "RelatedPerson"})

Fresh = Callable[[Caller], None]
"""Raises Unproven where a caller must prove anew who he is, before this is done for him."""


def unasked(caller: Caller) -> None:
    """A Fresh where a credential that is good is proof enough."""


def is_person(caller: Caller) -> bool:
    """Whether somebody of the records asks, in whatever way; programs and devices are none."""
    return caller.id.partition("/")[0] in _PEOPLE


def require_fresh(caller: Caller, clock: Clock) -> None:
    """Raises Unproven for a person who last proved who he is more than five minutes ago, or of whom
    that is not known."""
    if is_person(caller) and clock() // 1_000_000 - caller.proved > FRESH_SECONDS:
        raise Unproven(
            f"This asks for a proof of who you are that is at most {FRESH_SECONDS // 60} minutes "
            f"old. Sign in again; an app asks for a new authorization with max_age={FRESH_SECONDS}."
        )
