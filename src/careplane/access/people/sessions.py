"""Sessions on the server: in the StateStore, and remembered by each process, so that a page costs
a look into a dictionary.

What has ended is forgotten everywhere within seconds (see `changes`). Once a minute a session that
is in use is read anew, and written that it is; so on another process it may seem idle a minute
early.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from careplane.access.fresh import FRESH_SECONDS
from careplane.access.here import IsHere, anywhere
from careplane.access.people.changes import Changes
from careplane.access.people.registry import Users
from careplane.access.people.session import Kept, Session
from careplane.access.people.user import Charge, User
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Forbidden, NotFound
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_SESSIONS = "people-session"
_REMEMBERED, _EACH, _PAGE = 16_384, 50, 1000
_AGAIN_MICROSECONDS = 60_000_000
_LONGEST_COOKIE = 200
_encode = msgspec.msgpack.encode
_kept = msgspec.msgpack.Decoder(Kept).decode

Charges = Callable[[Tenant, tuple[str, ...]], Awaitable[Sequence[Charge]]]
"""Of these RelatedPersons those who are active, with their patients."""


Ended = Callable[[str], Awaitable[None]]
"""Hears of a session that is over, by its key, which is no credential."""


async def nobody_hears(key: str) -> None:
    """Where nothing hangs on sessions."""


class Limits(NamedTuple):
    """How long a session lasts: without a request, and at all."""

    idle_seconds: int = 900
    absolute_seconds: int = 43_200


class Opened(NamedTuple):
    """A session that has just begun, and what its cookie holds."""

    session: Session
    cookie: str


@dataclass(slots=True)
class _Known:
    kept: Kept
    session: Session
    read: int


class Sessions:
    """Opens, finds and ends them."""

    def __init__(
        self,
        state: StateStore,
        users: Users,
        charges: Charges,
        changes: Changes,
        clock: Clock,
        limits: Limits,
        is_here: IsHere = anywhere,
    ) -> None:
        self._state = state
        self._users = users
        self._charges = charges
        self._changes = changes
        self._clock = clock
        self.limits = limits
        self._is_here = is_here
        self.ended: Ended = nobody_hears
        self._known: dict[str, _Known] = {}
        changes.forget = self._forget

    async def who(self, cookie: str) -> Session | None:
        """Whose session a cookie holds; None where it holds none that lasts, or one of a tenant
        that another address belongs to. Raises Busy where it cannot be told."""
        if len(cookie) > _LONGEST_COOKIE:
            return None
        tenant = _tenant_of(cookie)
        if tenant is None or not self._is_here(tenant):
            return None
        self._changes.require_sight()
        known = self._known.get(cookie)
        now = self._clock()
        if known is None or now - known.read >= _AGAIN_MICROSECONDS or self._over(known.kept, now):
            known = await self._read(cookie, now)
        if known is None:
            self._known.pop(cookie, None)
            return None
        known.kept = replace(known.kept, seen=now)
        return known.session

    def is_fresh(self, session: Session) -> bool:
        """Whether he proved who he is within the last minutes."""
        return self._clock() // 1_000_000 - session.auth_time <= FRESH_SECONDS

    def require_fresh(self, session: Session) -> None:
        """Raises Forbidden where the proof is too old for what asks."""
        if not self.is_fresh(session):
            raise Forbidden("This asks for a fresh proof of who you are: confirm, and try again.")

    async def open(
        self,
        user: User,
        amr: tuple[str, ...],
        agent: str,
        address: str,
        roles: tuple[str, ...] | None = None,
        proved: int | None = None,
    ) -> Opened:
        """A session of a user who has just proven who he is. The oldest of many are ended."""
        tenant, now = Tenant(user.tenant), self._clock()
        for old in (await self.of(tenant, user.id))[_EACH - 1 :]:
            await self.end(old)
        kept = Kept(
            "", user.tenant, user.id, user.generation, now, now, proved or now, amr, agent[:200],
            address[:64], roles,
        )  # fmt: skip
        return await self._begin(kept)

    async def renew(self, session: Session, amr: tuple[str, ...], proved: int = 0) -> Opened:
        """The same session after a fresh proof, under another cookie; the old one is over. Its
        whole length stays what it was."""
        kept = await self._get(session)
        opened = await self._begin(replace(kept, proved=proved or self._clock(), amr=amr))
        await self.end(kept)
        return opened

    async def choose(self, session: Session, related: str) -> None:
        """Act for the patient of this RelatedPerson. Raises NotFound where it is none of his."""
        if related not in {one.related for one in session.patients}:
            raise NotFound("You may not act for this patient.")
        while True:
            kept = await self._get(session)
            entry = await self._state.get(session.tenant, _SESSIONS, _key(kept))
            if entry is None:
                raise NotFound("This session has ended.")
            then = _encode(replace(kept, chosen=related))
            if await self._state.put(
                session.tenant, _SESSIONS, entry.key, then, expect=entry.revision
            ):
                break
        await self._changes.tell(f"session/{kept.key}")

    async def now(self, tenant: Tenant, id: str) -> Session | None:
        """A person as he is now, by the resource (`Practitioner/17`), though not at a browser:
        somebody acts in his name. `key` and `amr` are empty then. None where there is no such
        account, or it may not be used."""
        user = await self._users.by_resource(tenant, id)
        if user is None or user.disabled:
            return None
        kept = Kept("", user.tenant, user.id, user.generation, 0, 0, 0, (), "", "", chosen=id)
        charges = await self._charges_of(user)
        acting = user.kind != "RelatedPerson" or any(one.related == id for one in charges)
        return _session(kept, user, charges, 0) if acting else None

    async def of(self, tenant: Tenant, user: str) -> list[Kept]:
        """The sessions of a user that last, the newest first."""
        page = await self._state.scan(tenant, _SESSIONS, f"{user}/", _PAGE)
        found = [_kept(entry.value) for _, entry in page if entry.key.startswith(f"{user}/")]
        now = self._clock()
        lasting = (one for one in found if not self._over(one, now))
        return sorted(lasting, key=lambda one: one.began, reverse=True)

    async def end(self, kept: Kept) -> None:
        """End one."""
        await self._state.drop(Tenant(kept.tenant), _SESSIONS, _key(kept))
        await self.ended(kept.key)
        await self._changes.tell(f"session/{kept.key}")

    async def leave(self, session: Session) -> None:
        """End the one that somebody sits at."""
        await self._state.drop(session.tenant, _SESSIONS, f"{session.user}/{session.key}")
        await self.ended(session.key)
        await self._changes.tell(f"session/{session.key}")

    async def end_one(self, tenant: Tenant, user: str, key: str) -> None:
        """End the one of this key, if it is the user's. Raises NotFound."""
        for kept in await self.of(tenant, user):
            if kept.key == key:
                return await self.end(kept)
        raise NotFound("There is no such session of yours.")

    async def end_all(self, tenant: Tenant, user: str) -> None:
        """End all of a user, those under way of beginning included."""
        await self._users.change(
            tenant, user, lambda one: replace(one, generation=one.generation + 1)
        )
        for kept in await self.of(tenant, user):
            await self._state.drop(tenant, _SESSIONS, _key(kept))
            await self.ended(kept.key)
        await self.changed(tenant, user)

    async def changed(self, tenant: Tenant, user: str) -> None:
        """The user is not what he was: every process reads him anew."""
        await self._changes.tell(f"user/{int(tenant)}/{user}")

    async def prefer(self, session: Session, language: str, zone: str) -> None:
        """Speak to the user in this language and at this clock from now on, wherever he signs
        in."""
        await self._users.change(
            session.tenant, session.user, lambda one: replace(one, language=language, zone=zone)
        )
        await self.changed(session.tenant, session.user)

    async def sweep(self, tenants: Sequence[Tenant]) -> None:
        """Forget those that are over."""
        for tenant in tenants:
            after = ""
            while True:
                page = await self._state.scan(tenant, _SESSIONS, after, _PAGE)
                for _, entry in page:
                    if self._over(_kept(entry.value), self._clock()):
                        await self._state.drop(tenant, _SESSIONS, entry.key, entry.revision)
                if len(page) < _PAGE:
                    break
                after = page[-1][1].key

    async def _begin(self, kept: Kept) -> Opened:
        cookie = f"{kept.tenant}.{kept.user}.{secrets.token_urlsafe(32)}"
        kept = replace(kept, key=_digest(cookie))
        await self._state.put(Tenant(kept.tenant), _SESSIONS, _key(kept), _encode(kept), expect=0)
        known = await self._read(cookie, self._clock())
        if known is None:
            raise NotFound("The user has been disabled.")
        return Opened(known.session, cookie)

    async def _read(self, cookie: str, now: int) -> _Known | None:
        """From the store, where it is noted, too, that it is in use."""
        here, id = _tenant_of(cookie), cookie.split(".", 2)[1]
        if here is None:
            return None
        entry = await self._state.get(here, _SESSIONS, f"{id}/{_digest(cookie)}")
        if entry is None:
            return None
        kept, known = _kept(entry.value), self._known.get(cookie)
        if known is not None and known.kept.seen > kept.seen:
            kept = replace(kept, seen=known.kept.seen)
        user = await self._users.find(here, kept.user)
        if self._over(kept, now) or user is None or not _lasts(kept, user):
            await self._state.drop(here, _SESSIONS, entry.key, entry.revision)
            return None
        kept = replace(kept, seen=now)
        await self._state.put(here, _SESSIONS, entry.key, _encode(kept), expect=entry.revision)
        until = kept.began // 1_000_000 + self.limits.absolute_seconds
        session = _session(kept, user, await self._charges_of(user), until)
        found = _Known(kept, session, now)
        if len(self._known) >= _REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[cookie] = found
        return found

    async def _charges_of(self, user: User) -> tuple[Charge, ...]:
        if user.kind != "RelatedPerson":
            return ()
        return tuple(await self._charges(Tenant(user.tenant), user.resources))

    async def _get(self, session: Session) -> Kept:
        entry = await self._state.get(session.tenant, _SESSIONS, f"{session.user}/{session.key}")
        if entry is None:
            raise NotFound("This session has ended.")
        return _kept(entry.value)

    def _over(self, kept: Kept, now: int) -> bool:
        idle, absolute = (seconds * 1_000_000 for seconds in self.limits)
        return now - kept.seen >= idle or now - kept.began >= absolute

    def _forget(self, names: Sequence[str] | None) -> None:
        if names is None:
            self._known.clear()
            return
        gone = set(names)
        for cookie, known in list(self._known.items()):
            kept = known.kept
            if not gone.isdisjoint((f"session/{kept.key}", f"user/{kept.tenant}/{kept.user}")):
                del self._known[cookie]


def _lasts(kept: Kept, user: User) -> bool:
    return not user.disabled and user.generation == kept.generation


def _session(kept: Kept, user: User, charges: tuple[Charge, ...], until: int) -> Session:
    charge = next((one for one in charges if one.related == kept.chosen), None)
    if charge is None and len(charges) == 1:
        (charge,) = charges
    roles = frozenset(user.roles if kept.roles is None else kept.roles)
    proved = kept.proved // 1_000_000
    caller = replaced(user.caller(roles, charge), proved=proved)
    own = (Charge(user.resources[0], user.patient, user.name),) if user.patient else ()
    return Session(
        kept.key,
        user.id,
        caller.id,
        user.name,
        user.login,
        caller.tenant,
        caller.roles,
        caller.patient,
        charges or own,
        proved,
        kept.amr,
        until,
        caller,
        user.language,
        user.zone,
    )


def _tenant_of(cookie: str) -> Tenant | None:
    """Whose cookie it claims to be; whoever changes that has no session any more."""
    tenant, dot, _ = cookie.partition(".")
    good = dot and tenant.isascii() and tenant.isdecimal() and len(tenant) <= 9
    return Tenant(int(tenant)) if good else None


def _key(kept: Kept) -> str:
    return f"{kept.user}/{kept.key}"


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
