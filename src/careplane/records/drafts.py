"""What each kind of write comes to, decided on values: rights, preconditions, sameness.

The current version and its rows are handed in; the store is asked only where the caller's rights
hang on other records.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import structs

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.kernel.errors import Forbidden, Invalid, Issue, Precondition
from careplane.records import analytes, rights
from careplane.records.bodies import Content, rows_of
from careplane.records.commit import Draft
from careplane.records.parts import Parts
from careplane.records.results import Effect
from careplane.records.scanning import require_clean
from careplane.search.match import Subject
from careplane.search.plan import Everything, Node
from careplane.search.rows import Rows
from careplane.storage.ports.records import DEFINING, Method, Put, Version

_OUTSIDE = "The resource lies outside of what this caller may write."
_NOT_HERE = (
    "The resource, or its id, lies outside of what this caller may write; to make a new one, send "
    "a POST without an id."
)
"""Of every PUT that is refused: it must not tell a hidden record from one that is not there."""


@dataclass(frozen=True, slots=True)
class Drafter:
    """Makes drafts for one caller, whose rights are those of the first draft of each type: all
    drafts of a transaction are decided alike. `chooses`: it is this server itself, which knows
    which ids are free."""

    parts: Parts
    caller: Caller
    chooses: bool = False
    _limits: dict[tuple[Permission, str], Node] = field(default_factory=dict)
    _incoming: dict[tuple[Permission, str], Node] = field(default_factory=dict)

    async def create(self, content: Content, id: str) -> Draft:
        """A first version under an id that the server chose."""
        self._require(Permission.CREATE, content.type)
        content = self._admitted(content, None)
        await self._inside(Permission.CREATE, content, id, new=True)
        await self._clean(content)
        self._defines(content, id)
        self._kept(None, content)
        issues = await self._held(content)
        put = Put(content.type, id, "POST", content.rest, content.rows, expect=0, old=Rows())
        return Draft(Effect.CREATED, put, issues=issues)

    async def update(
        self,
        content: Content,
        id: str,
        current: Version | None,
        if_match: int | None = None,
        method: Method = "PUT",
        new: str = "",
    ) -> Draft:
        """The next version of a record, or its first where a client chose the id. `new`: it should
        be the first, and this is said (Precondition) to somebody who may know that it is not."""
        limit = self._require(Permission.UPDATE, content.type)
        content = self._admitted(content, current)
        await self._inside(Permission.UPDATE, content, id, new=current is None)
        await self._clean(content)
        self._defines(content, id)
        if current is None or current.deleted:
            self._kept(None, content)
            draft = self._revive(limit, content, id, current, if_match, method)
            return structs.replace(draft, issues=await self._held(content))
        old = self.parts.rows_stored(current)
        await self._visible(limit, current, old)
        if new:
            raise Precondition(new)
        if method == "PUT":
            await self._seen_whole(current)
        _precondition(current, if_match)
        if content.rest == current.rest:
            return Draft(Effect.UNCHANGED, current=current)
        self._kept(current, content)
        issues = await self._held(content)
        put = Put(
            content.type, id, method, content.rest, content.rows, expect=current.version, old=old
        )
        return Draft(Effect.UPDATED, put, issues=issues)

    def _revive(
        self,
        limit: Node,
        content: Content,
        id: str,
        current: Version | None,
        if_match: int | None,
        method: Method,
    ) -> Draft:
        if not isinstance(limit, Everything) and not self._may_choose_ids(content.type):
            raise Forbidden(_NOT_HERE)
        if if_match is not None:
            raise Precondition("If-Match names a version, and there is no current one.")
        expect = current.version if current else 0
        put = Put(content.type, id, method, content.rest, content.rows, expect=expect, old=Rows())
        return Draft(Effect.CREATED, put)

    def _may_choose_ids(self, type: str) -> bool:
        """Whether an id is free must not show to somebody who sees a part only. For systems
        Consents do not count: what brings all records would else bring none, once a patient has
        denied something."""
        if self.chooses:
            return True
        if not any(scope.context == "system" for scope in self.caller.scopes):
            return False
        limit = self.parts.decider.by_right(self.caller, Permission.UPDATE, type)
        return isinstance(limit, Everything)

    async def delete(
        self, type: str, id: str, current: Version | None, if_match: int | None = None
    ) -> Draft:
        """A deletion; nothing to write where there is nothing, or nothing that may be known of."""
        limit = self._require(Permission.DELETE, type)
        if current is None or current.deleted:
            return self._absent(if_match, current if isinstance(limit, Everything) else None)
        old = self.parts.rows_stored(current)
        if not await self._allows(limit, _subject(current, old)):
            await self._refuse_if_readable(current, old)
            return self._absent(if_match, None)
        _precondition(current, if_match)
        self._kept(current, None)
        put = Put(type, id, "DELETE", b"", Rows(), expect=current.version, old=old)
        return Draft(Effect.DELETED, put)

    async def changeable(self, type: str, current: Version | None) -> Version | None:
        """The current version, or None where there is none that the caller may change."""
        limit = self._require(Permission.UPDATE, type)
        if current is None or current.deleted:
            return None
        if isinstance(limit, Everything):
            return current
        rows = rows_of(self.parts.extract, current)
        return current if await self._allows(limit, _subject(current, rows)) else None

    def _absent(self, if_match: int | None, current: Version | None) -> Draft:
        if if_match is not None:
            raise Precondition("If-Match names a version, and there is no current one.")
        return Draft(Effect.ABSENT, current=current)

    async def _allows(self, limit: Node, subject: Subject, *, new: bool = False) -> bool:
        return await rights.allows(self.parts, self.caller, limit, subject, new=new)

    def _require(self, permission: Permission, type: str) -> Node:
        found = self._limits.get((permission, type))
        if found is None:
            found = self.parts.decider.require(self.caller, permission, rights.known(type))
            self._limits[permission, type] = found
        return found

    def _admitted(self, content: Content, current: Version | None) -> Content:
        admit = self.parts.admissions.get(content.type)
        found = admit(self.caller, content) if admit else content
        rest = self._labelled(found, current)
        if rest is found.rest and (found is content or not self.parts.codes):
            return found
        version = Version(found.type, found.id or "0", 0, 0, "PUT", rest, 0)
        return Content(found.type, found.id, rest, rows_of(self.parts.extract, version))

    def _kept(self, current: Version | None, content: Content | None) -> None:
        one = content or current
        keep = self.parts.keeps.get(one.type) if one else None
        if keep is not None:
            keep(self.caller, current, content)

    async def _clean(self, content: Content) -> None:
        if self.parts.scanner is not None:
            await require_clean(self.parts.scanner, content)

    def _labelled(self, content: Content, current: Version | None) -> bytes:
        if self.parts.labels is None:
            return content.rest
        before = b"}" if current is None or current.deleted else current.rest
        return self.parts.labels.labelled(self.caller, content.rest, before)

    async def _inside(
        self, permission: Permission, content: Content, id: str, *, new: bool
    ) -> None:
        limit = self._incoming.get((permission, content.type))
        if limit is None:
            limit = self.parts.decider.incoming(self.caller, permission, content.type)
            self._incoming[permission, content.type] = limit
        if isinstance(limit, Everything):
            return
        subject = Subject(content.type, id, self.parts.clock(), content.rows)
        if not await self._allows(limit, subject, new=new):
            raise Forbidden(_NOT_HERE if permission is Permission.UPDATE else _OUTSIDE)

    def _defines(self, content: Content, id: str) -> None:
        """A search parameter must be one that can be offered, and a molar mass one."""
        if content.type not in (DEFINING, analytes.MAP):
            return
        version = Version(content.type, id, 0, 0, "PUT", content.rest, 0)
        if content.type == analytes.MAP:
            analytes.check(version)
        elif self.parts.definitions is not None:
            self.parts.definitions.check(self.caller.tenant, id, version)

    async def _held(self, content: Content) -> tuple[Issue, ...]:
        """What the profiles say of it that the institution asks for. Raises Invalid. Whoever does
        not see everything hears of no place: it might be of what is hidden."""
        profiles = self.parts.profiles
        if profiles is None or not profiles.asks(self.caller.tenant, content.type):
            return ()
        if self.parts.veil is None:
            return await profiles.written(self.caller.tenant, content)
        try:
            await profiles.written(self.caller.tenant, content)
        except Invalid as error:
            raise Invalid(error.text) from None
        return ()

    async def _visible(self, limit: Node, current: Version, old: Rows) -> None:
        if not await self._allows(limit, _subject(current, old)):
            raise Forbidden(_NOT_HERE)

    async def _seen_whole(self, current: Version) -> None:
        """Who replaces a record would delete what they do not see, and learn whether what they
        sent is the same."""
        veil = self.parts.veil
        if veil is not None and (await veil.one(current)).rest != current.rest:
            raise Forbidden(
                f"This caller does not see all of this {current.type} and cannot replace it; send "
                "a patch of what is seen."
            )

    async def _refuse_if_readable(self, current: Version, old: Rows) -> None:
        readable = self.parts.decider.restriction(self.caller, Permission.READ, current.type)
        if await self._allows(readable, _subject(current, old)):
            raise Forbidden(_OUTSIDE)


def _subject(version: Version, rows: Rows) -> Subject:
    return Subject(version.type, version.id, version.last_updated, rows)


def _precondition(current: Version, if_match: int | None) -> None:
    if if_match is not None and if_match != current.version:
        raise Precondition(
            f"If-Match names version {if_match}; the record is at version {current.version}. "
            "Read it again and repeat the change."
        )
