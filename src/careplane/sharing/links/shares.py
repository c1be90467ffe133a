"""Health links of an installation: made and ended by patients, opened by whom they gave them to.

Whoever opens a link reads in the name of who made it, now, and no more than that one may read: the
decision, Consents and labels hold, and what patients keep back from everybody is kept back here
too. The audit trail names the link and the number of the opening; who that was, by what they call
themselves and from where, stands with the link.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from msgspec import Struct

from careplane.access.caller import Caller
from careplane.access.kept import kept
from careplane.access.scopes import Permission
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Forbidden, Incorrect, NotFound, TooMany
from careplane.records import commands as c
from careplane.records.door import Door
from careplane.sharing.links import link as links
from careplane.sharing.links.files import encrypted
from careplane.sharing.links.keeping import Keeping, Kept, Seals
from careplane.sharing.links.link import Link, unfit
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from careplane.words.languages import known

SECOND = 1_000_000
DAY = 86_400 * SECOND
_LONGEST = 366 * DAY
_FILE_SECONDS = 600
_KEPT = 90 * DAY
_MOST = 20
_READING = frozenset({Permission.READ, Permission.SEARCH})
_SWEPT_SECONDS = 3600.0
_GONE = "There is no such health link, or it has ended."

Make = Callable[[Caller, Link, str], Awaitable[bytes]]
"""Makes a file, for a caller, of what a link shares; the last is the address of the interface."""


@dataclass(frozen=True, slots=True)
class Content:
    """Something that can be shared: the media type of its file, and what makes it."""

    kind: str
    make: Make


@dataclass(frozen=True, slots=True)
class Wish:
    """What a patient wants to share; `seconds` is for how long. `shown`: the passcode was made
    for this link, so the patient may be shown it again; one of their own is kept as a hash.
    `language` is that of the summary, empty for the patient's."""

    contents: tuple[str, ...]
    seconds: int
    label: str = ""
    passcode: str = ""
    shown: bool = False
    sections: tuple[str, ...] | None = None
    direct: bool = False
    language: str = ""


class Ticket(Struct, frozen=True, array_like=True):
    """The address of one file, for a while."""

    tenant: int
    patient: str
    link: str
    number: int
    content: str
    until: int


@dataclass(frozen=True, slots=True)
class File:
    """A file that may be fetched: what it is, sealed, and its ticket."""

    kind: str
    sealed: str
    ticket: str


class WrongPasscode(Forbidden):
    """`left` more may be tried; at 0 the link is off for good."""

    def __init__(self, left: int) -> None:
        super().__init__("The passcode is not right.")
        self.left = left


class Shares:
    """Over one door and one state. `stands` says, at each opening, whether who made a link may
    still come in, for this patient."""

    def __init__(
        self,
        door: Door,
        state: StateStore,
        seals: Seals,
        key: bytes,
        clock: Clock,
        contents: Mapping[str, Content],
        stands: Callable[[Caller], Awaitable[bool]],
    ) -> None:
        self._door = door
        self._keeping = Keeping(state, seals)
        self._seals = seals
        self._key = key
        self._clock = clock
        self.contents = contents
        self._stands = stands

    def may(self, caller: Caller, patient: str) -> bool:
        """Whether a caller shares this record by links: the patient, and who acts for them."""
        return caller.patient == patient and not caller.emergency

    async def make(self, caller: Caller, patient: str, wish: Wish) -> Link:
        """A new link. Raises Forbidden for others than the patient, Incorrect, TooMany."""
        self._require(caller, patient)
        self._check(wish)
        passcode = links.checked_passcode(wish.passcode)
        now = self._clock()
        mine = [one for one in await self._keeping.of(caller.tenant, patient) if one.is_alive(now)]
        if len(mine) >= _MOST:
            raise TooMany(f"There are {len(mine)} links that work; end one of them first.")
        await self._door.read(caller, c.Read("Patient", patient))
        secret = secrets.token_urlsafe(32)
        id = links.number_of(secret)
        made = Link(
            id,
            patient,
            kept(caller),
            wish.label.strip(),
            wish.contents,
            wish.sections,
            secret,
            secrets.token_urlsafe(32),
            links.hashed(passcode, id, self._key) if passcode else b"",
            passcode if wish.shown else "",
            wish.direct,
            now,
            now + wish.seconds * SECOND,
            language=wish.language,
        )
        await self._door.note(caller, c.Note("$health-link", f"Patient/{patient}/link/{id}"))
        await self._keeping.add(caller.tenant, made)
        return made

    async def of(self, caller: Caller, patient: str) -> list[Link]:
        """Those of a patient, the newest first. Raises Forbidden for others than the patient."""
        self._require(caller, patient)
        return await self._keeping.of(caller.tenant, patient)

    async def revoke(self, caller: Caller, patient: str, id: str) -> Link:
        """Off for good, from this moment on. Raises NotFound, Forbidden."""
        self._require(caller, patient)
        found = await self._keeping.named(caller.tenant, patient, id)
        if found is None:
            raise NotFound("There is no such health link.")
        await self._door.note(caller, c.Note("$health-link-end", f"Patient/{patient}/link/{id}"))
        now = self._clock()
        done = await self._keeping.change(
            caller.tenant, found, lambda link: links.ended(link, "revoked", now)
        )
        return done or found.link

    async def open(
        self,
        tenant: Tenant,
        secret: str,
        recipient: str,
        passcode: str | None,
        address: str,
        base: str,
    ) -> list[File]:
        """Let somebody in: all files. Raises NotFound for what does not open, WrongPasscode."""
        found = await self._alive(tenant, await self._keeping.by_secret(tenant, secret))
        if found.link.passcode and passcode is None:
            raise WrongPasscode(found.link.attempts)
        link = await self._admitted(tenant, found, recipient, passcode or "", address)
        caller = _reader(link, link.opened, recipient, address)
        files = []
        until = self._clock() + _FILE_SECONDS * SECOND
        for content in link.contents:
            ticket = Ticket(int(tenant), link.patient, link.id, link.opened, content, until)
            sealed = await self._sealed(tenant, link, caller, content, base)
            files.append(File(self.contents[content].kind, sealed, self._seals.seal(ticket)))
        return files

    async def direct(
        self, tenant: Tenant, secret: str, recipient: str, address: str, base: str
    ) -> str:
        """The one file of a link with the flag U. Raises NotFound."""
        found = await self._keeping.by_secret(tenant, secret)
        if found is None or not found.link.direct:
            raise NotFound(_GONE)
        (file, *_) = await self.open(tenant, secret, recipient, None, address, base)
        return file.sealed

    async def file(self, tenant: Tenant, ticket: str, address: str, base: str) -> str:
        """A file of a manifest, as long as the link lasts. Raises NotFound."""
        try:
            read = self._seals.open(ticket, Ticket)
        except Incorrect:
            raise NotFound(_GONE) from None
        if read.tenant != int(tenant) or read.until < self._clock():
            raise NotFound(_GONE)
        kept = await self._keeping.named(tenant, read.patient, read.link)
        link = (await self._alive(tenant, kept)).link
        caller = _reader(link, read.number, "", address)
        return await self._sealed(tenant, link, caller, read.content, base)

    async def visitors(self, tenant: Tenant, patient: str) -> dict[str, tuple[str, str]]:
        """Who opened what, by the names that the audit trail has for openings: what they call
        themselves, and the label of the link. For who may see that trail."""
        return {
            f"link/{link.id}.{opening.number}": (opening.recipient, link.label)
            for link in await self._keeping.of(tenant, patient)
            for opening in link.openings
        }

    async def forget(self, tenant: Tenant, patient: str) -> int:
        """Drop all of a patient; how many there were."""
        mine = await self._keeping.of(tenant, patient)
        for link in mine:
            await self._keeping.drop(tenant, link)
        return len(mine)

    async def sweep(self) -> None:
        """A service of the process that leads: forget links that ended long ago."""
        while True:
            now = self._clock()
            for tenant, link in await self._keeping.everything():
                if (link.at if link.ended else link.until) + _KEPT < now:
                    await self._keeping.drop(tenant, link)
            await asyncio.sleep(_SWEPT_SECONDS)

    def _require(self, caller: Caller, patient: str) -> None:
        if not self.may(caller, patient):
            raise Forbidden("The patient shares this record, or who acts for the patient.")

    def _check(self, wish: Wish) -> None:
        if not wish.contents or any(one not in self.contents for one in wish.contents):
            raise unfit("contents", f"Share at least one of {', '.join(self.contents)}.")
        if len(wish.label.strip()) > links.LONGEST_LABEL:
            raise unfit("label", f"A label has {links.LONGEST_LABEL} characters at most.")
        if not 60 <= wish.seconds <= _LONGEST // SECOND:
            raise unfit("seconds", "A link lasts a minute at least, and a year at most.")
        if wish.language and known(wish.language) != wish.language:
            raise unfit("language", "Choose a language that is spoken here.")
        if wish.direct and (wish.passcode.strip() or len(wish.contents) > 1):
            text = "A file that is fetched directly is one alone, without a passcode."
            raise unfit("direct", text)

    async def _alive(self, tenant: Tenant, found: Kept | None) -> Kept:
        if found is None or not found.link.is_alive(self._clock()):
            raise NotFound(_GONE)
        if not await self._stands(found.link.owner.caller()):
            raise NotFound(_GONE)
        return found

    async def _admitted(
        self, tenant: Tenant, found: Kept, recipient: str, passcode: str, address: str
    ) -> Link:
        """Counted before anything is answered, so of many guesses at once only so many are."""
        given = links.hashed(passcode, found.link.id, self._key)
        right = not found.link.passcode or hmac.compare_digest(given, found.link.passcode)
        now = self._clock()
        step = links.opened if right else links.refused
        link = await self._keeping.change(
            tenant,
            found,
            lambda one: step(one, now, recipient, address) if one.is_alive(now) else None,
        )
        if link is None:
            raise NotFound(_GONE)
        if not right:
            error = WrongPasscode(link.attempts)
            caller = _reader(link, 0, recipient, address)
            await self._door.refused(caller, "POST", "health-link", error)
            raise error
        return link

    async def _sealed(
        self, tenant: Tenant, link: Link, caller: Caller, content: str, base: str
    ) -> str:
        made = self.contents[content]
        try:
            return encrypted(await made.make(caller, link, base), made.kind, link.key)
        except NotFound:  # the patient's record is gone
            found = await self._keeping.named(tenant, link.patient, link.id)
            if found:
                now = self._clock()
                await self._keeping.change(tenant, found, lambda one: links.ended(one, "gone", now))
            raise NotFound(_GONE) from None
        except Forbidden:  # who made the link may not read it any more
            raise NotFound(_GONE) from None


def _reader(link: Link, number: int, recipient: str, address: str) -> Caller:
    """Who made the link, as who opens it: reading alone, at the patient's wish."""
    owner = link.owner.caller(address)
    scopes = frozenset(
        replace(scope, permissions=scope.permissions & _READING)
        for scope in owner.scopes
        if scope.permissions & _READING
    )
    return replace(
        owner,
        id=f"link/{link.id}.{number}",
        name=recipient,
        principal=owner.id,
        scopes=scopes,
        purpose="PATRQT",
        client="",
        token="",
    )
