"""What a person can give an app: of what it asks, what it is registered for and the person may.

Policies, consent and labels restrict the token besides, at every request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from msgspec import Struct

from careplane.access.scopes import Scope, parse_scope
from careplane.access.smart.client import Client
from careplane.access.smart.contexts import (
    CONTEXTS,
    FHIR_USER,
    LAUNCH,
    LAUNCH_ENCOUNTER,
    LAUNCH_PATIENT,
    OFFLINE,
    ONLINE,
    OPENID,
    PROFILE,
    contexts_of,
)
from careplane.access.smart.granting import narrowed
from careplane.access.smart.people import SignedIn
from careplane.access.smart.refusal import Refused
from careplane.kernel.errors import Incorrect


class Offer(Struct, frozen=True):
    """Scopes about resources, each as it is written in an answer, and the others."""

    resources: Mapping[Scope, str]
    contexts: frozenset[str]

    @property
    def wants_patient(self) -> bool:
        """Whether the app is to be told a patient."""
        asked = self.contexts & {LAUNCH_PATIENT, LAUNCH}
        return bool(asked) or any(one.context == "patient" for one in self.resources)

    @property
    def words(self) -> tuple[str, ...]:
        """All of it, sorted."""
        return (*sorted(self.contexts), *sorted(set(self.resources.values())))

    @property
    def empty(self) -> bool:
        """Whether an app could do nothing with it."""
        return not self.resources and OPENID not in self.contexts


def offer(words: Iterable[str], client: Client, person: SignedIn, *, launched: bool) -> Offer:
    """What can be given. A scope that nobody knows counts for nothing (RFC 6749, 3.3)."""
    words = tuple(words)
    resources: dict[Scope, str] = {}
    for word in words:
        wanted = _readable(word)
        if wanted is None:
            continue
        for scope in within(wanted, client.allowed, person.scopes):
            resources[scope] = word if scope == wanted else str(scope)
    contexts = set(contexts_of(words) & client.contexts)
    if not launched:
        contexts -= {LAUNCH, LAUNCH_ENCOUNTER}
    if OPENID not in contexts:
        contexts -= {FHIR_USER, PROFILE}
    if OFFLINE in contexts and not person.lasting:
        contexts.discard(OFFLINE)
    if OFFLINE in contexts:
        contexts.discard(ONLINE)
    return Offer(resources, frozenset(contexts))


def within(wanted: Scope, allowed: Iterable[Scope], limits: Iterable[Scope]) -> list[Scope]:
    """What a registration and a person's own scopes leave of one that is asked for. A person who
    may see one record only gives away that record, whatever is asked."""
    if wanted.context == "system":
        return []
    registered = (narrowed(wanted, one) for one in allowed)
    found = [
        _bounded(scope, limit) for scope in registered if scope is not None for limit in limits
    ]
    return [scope for scope in dict.fromkeys(found) if scope is not None]


def shared(offer: Offer, words: Iterable[str]) -> Offer:
    """What of an offer was allowed before, by these scopes."""
    words = tuple(words)
    both: dict[Scope, str] = {}
    for scope, word in offer.resources.items():
        for before in filter(None, map(_readable, words)):
            found = narrowed(before, scope)
            if found is not None:
                both[found] = word if found == scope else str(found)
    return Offer(both, offer.contexts & contexts_of(words))


def narrower(offer: Offer, words: Iterable[str]) -> Offer:
    """A part of what was given, as a client asks for it at a refresh (RFC 6749, 6). Raises Refused
    (invalid_scope) for whatever was not given."""
    words = tuple(words)
    resources: dict[Scope, str] = {}
    for word in words:
        wanted = _readable(word)
        if wanted is None and word in offer.contexts:
            continue
        if wanted is None or all(narrowed(wanted, one) != wanted for one in offer.resources):
            raise Refused("invalid_scope", "The scope has more in it than the person has given.")
        resources[wanted] = word
    return Offer(resources, offer.contexts & contexts_of(words))


def ordered(contexts: Iterable[str]) -> tuple[str, ...]:
    """In the order in which they are explained."""
    found = frozenset(contexts)
    return tuple(one for one in CONTEXTS if one in found)


def _bounded(scope: Scope, limit: Scope) -> Scope | None:
    context = "patient" if limit.context == "patient" else scope.context
    return narrowed(replace(scope, context=context), replace(limit, context=context))


def _readable(word: str) -> Scope | None:
    try:
        return parse_scope(word)
    except Incorrect:
        return None
