"""Feeds of calendars, each at a secret address, for programs that cannot sign in.

The address is shown once; what is kept is its hash, with the caller as they were when they asked. A
feed is read in their name, so decision and audit are as for everything else; it ends when they say
so, when they may not read any more what it tells, and after a year.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from careplane.access.caller import Caller
from careplane.access.kept import KeptCaller, kept
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import CareplaneError, Forbidden, NotFound, TooMany
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.rest.addressing import Addressing, place_of
from careplane.rest.request import Receive, Scope, Send
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from careplane.telehealth.scheduling.calendars import invitation

PREFIX = "/calendar/"
_SPACE = "calendar-feeds"
_YEAR = 365 * 86_400_000_000
_BACK = 30 * 86_400_000_000
_MOST, _MOST_A_CALLER = 2000, 20
_PATH = re.compile(r"/calendar/([0-9a-f]{64})\.ics", re.ASCII)
_STATUSES = "pending,booked,arrived,checked-in,fulfilled,cancelled,noshow"
_HEADERS = (
    (b"cache-control", b"private, no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Feed(msgspec.Struct, frozen=True, array_like=True):
    """Whose calendar, in whose name, until when."""

    subject: str
    owner: KeptCaller
    until: int


class Feeds:
    """Over the state of an installation. `stands` says whether its owner may still come in."""

    path = PREFIX

    def __init__(
        self,
        door: Door,
        state: StateStore,
        clock: Clock,
        new_id: NewId,
        stands: Callable[[Caller], Awaitable[bool]],
    ) -> None:
        self._door = door
        self._state = state
        self._clock = clock
        self._new_id = new_id
        self._stands = stands

    async def open(self, caller: Caller, subject: str) -> tuple[str, int]:
        """The secret of a new feed, and until when it is good. Raises TooMany."""
        mine = await self._of(caller, None)
        if len(mine) >= _MOST_A_CALLER:
            raise TooMany(
                f"There are {len(mine)} feeds of yours; end some with $calendar-feed-end."
            )
        secret = (self._new_id() + self._new_id()).replace("-", "")
        until = self._clock() + _YEAR
        value = msgspec.msgpack.encode(Feed(subject, kept(caller), until))
        await self._state.put(caller.tenant, _SPACE, _hash(secret), value)
        return secret, until

    async def end(self, caller: Caller, subject: str) -> int:
        """End those of a caller about a subject; how many there were."""
        mine = await self._of(caller, subject)
        for key in mine:
            await self._state.drop(caller.tenant, _SPACE, key)
        return len(mine)

    async def mine(self, caller: Caller) -> list[tuple[str, str, int]]:
        """The feeds of a caller: the key that names each, whose calendar it is, until when."""
        return [(key, feed.subject, feed.until) async for key, feed in self._all(caller)]

    async def end_one(self, caller: Caller, key: str) -> None:
        """End one of them; nothing where it is not theirs."""
        if key in await self._of(caller, None):
            await self._state.drop(caller.tenant, _SPACE, key)

    async def read(self, tenant: Tenant, secret: str, address: str, base: str) -> bytes:
        """The calendar. Raises NotFound for a secret that opens nothing."""
        entry = await self._state.get(tenant, _SPACE, _hash(secret))
        feed = msgspec.msgpack.decode(entry.value, type=Feed) if entry else None
        gone = NotFound("There is no such calendar, or it has been ended.")
        if feed is None or feed.until < self._clock():
            raise gone
        owner = feed.owner.caller(address)
        if not await self._stands(owner):
            raise gone
        since = format_instant(self._clock() - _BACK)
        pairs = (
            ("actor", feed.subject),
            ("status", _STATUSES),
            ("date", f"ge{since}"),
            ("_sort", "date"),
            ("_count", "500"),
        )
        visits: list[tuple[Tree, int]] = []
        cursor: str | None = None
        while len(visits) < _MOST:
            page = await self._door.search(owner, c.Search("Appointment", pairs, cursor=cursor))
            visits += [(json.parse(whole(one)), one.version) for one in page.matches]
            cursor = page.next
            if cursor is None:
                break
        return invitation.publish(visits, base, "Appointments")

    async def _of(self, caller: Caller, subject: str | None) -> list[str]:
        return [k async for k, feed in self._all(caller) if subject in (None, feed.subject)]

    async def _all(self, caller: Caller) -> AsyncIterator[tuple[str, Feed]]:
        after = ""
        while page := await self._state.scan(caller.tenant, _SPACE, after, 500):
            for _, entry in page:
                feed = msgspec.msgpack.decode(entry.value, type=Feed)
                if feed.owner.id == caller.id:
                    yield entry.key, feed
            after = page[-1][1].key


def application(
    feeds: Feeds, addressing: Addressing
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """What stands below `PREFIX`; anything that is no feed looks the same."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        status, body, media = 404, b"There is no such calendar.\n", "text/plain; charset=utf-8"
        read = _PATH.fullmatch(str(scope.get("path", "")))
        if scope.get("method") not in ("GET", "HEAD"):
            status, body = 405, b"GET only.\n"
        elif read is not None:
            tenant, base = place_of(scope).tenant, addressing.base(scope, headers)
            try:
                body = await feeds.read(tenant, read[1], addressing.client(scope, headers), base)
                status, media = 200, invitation.MEDIA
            except (NotFound, Forbidden):
                pass
            except CareplaneError:
                status, body = 503, b"The calendar cannot be read now.\n"
        told = [*_HEADERS, (b"content-type", media.encode())]
        told.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": told})
        shown = b"" if scope.get("method") == "HEAD" else body
        await send({"type": "http.response.body", "body": shown})

    return answer


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
