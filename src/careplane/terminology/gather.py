"""The codes of a value set, gathered from the code systems (FHIR R4, 4.9.8).

What a value set is made of is walked in pages. Where it is a plain sequence of includes, only the
page that was asked for is read, however long the whole is; else all is gathered, up to a bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from careplane.fhir.tree import Tree
from careplane.terminology.coded import Coding
from careplane.terminology.compose import Composed, Part
from careplane.terminology.concepts import Concept, Concepts, Selection
from careplane.terminology.findings import Finding, Missing, Refusal
from careplane.terminology.membership import Membership, among
from careplane.terminology.messages import say
from careplane.terminology.scope import Scope, Wanted
from careplane.terminology.versions import choose
from careplane.terminology.words import asked, found_in

LIMIT = 1000
"""Codes of an expansion that was asked for without a page."""
MOST = 100_000
"""Codes that are gathered to answer with a page of them."""
_CHUNK = 1000
_WORK = 1_000_000
"""Codes that all value sets of one call may yield, before what they exclude is taken away."""


@dataclass(frozen=True, slots=True)
class Member:
    """A code of the expansion. `listed` is how the value set lists it; `nests` where it comes with
    its place in the hierarchy."""

    system: str
    version: str
    concept: Concept
    language: str = ""
    listed: Tree | None = None
    nests: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.system, self.version, self.concept.code)


@dataclass(slots=True)
class Gathered:
    """A page of members, of a whole of `total`; and what it was made of."""

    members: list[Member] = field(default_factory=list)
    total: int | None = None
    used: dict[str, Concepts] = field(default_factory=dict)
    rules: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Source:
    part: Part
    concepts: Concepts
    active_only: bool


async def gather(scope: Scope, value_set: Composed) -> Gathered:
    """The page that the options ask for. Raises Missing for a code system that is not here, Refusal
    where there are too many codes."""
    return await _Gatherer(scope).page(value_set)


class _Gatherer:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._membership = Membership(scope)
        self._options = scope.options
        self._wanted = asked(scope.options.filter)
        self.found = Gathered()
        self._whole: dict[int, list[Member]] = {}
        self._left = _WORK

    async def page(self, value_set: Composed) -> Gathered:
        count, offset = self._options.count, self._options.offset
        sources = await self._sources(value_set)
        if sources is None:
            members = await self._all(value_set, LIMIT if count is None else MOST)
            self.found.total = len(members)
            self.found.members = members[offset:] if count is None else members[offset:][:count]
            return self.found
        sizes = [await self._size(source) for source in sources]
        self.found.total = sum(sizes)
        if count is None and self.found.total - offset > LIMIT:
            raise _too_costly(value_set, LIMIT)
        left = LIMIT if count is None else count
        for source, size in zip(sources, sizes, strict=True):
            if offset < size and left:
                page = await self._page_of(source, offset, left)
                self.found.members += page
                left -= len(page)
            offset = max(0, offset - size)
        return self.found

    async def _sources(self, value_set: Composed) -> list[_Source] | None:
        """The includes, where they are disjoint and nothing is taken away; None where not."""
        if value_set.stored is not None or value_set.excludes:
            return None
        if any(part.sets or part.wanted is None for part in value_set.includes):
            return None
        found = []
        for part in value_set.includes:
            assert part.wanted is not None
            found.append(_Source(part, await self._concepts(part), self._only_active(value_set)))
        places = {source.concepts.about.canonical for source in found}
        return found if len(places) == len(found) else None

    def _only_active(self, value_set: Composed) -> bool:
        return self._options.active_only is True or value_set.active_only

    async def _size(self, source: _Source) -> int:
        if source.part.listed is not None:
            return len(await self._listed(source))
        return await source.concepts.count(self._selection(source))

    def _selection(self, source: _Source) -> Selection:
        return Selection(source.part.filters, self._options.filter, source.active_only)

    async def _page_of(self, source: _Source, skip: int, limit: int) -> list[Member]:
        if source.part.listed is not None:
            return (await self._listed(source))[skip : skip + limit]
        found = await source.concepts.select(self._selection(source), skip=skip, limit=limit)
        return [self._member(source, concept) for concept in found]

    def _member(self, source: _Source, concept: Concept, listed: Tree | None = None) -> Member:
        about = source.concepts.about
        by_text = bool(self._wanted) and not source.part.filters
        nests = source.part.listed is None and not by_text
        return Member(about.url, about.version, concept, about.language, listed, nests)

    async def _listed(self, source: _Source) -> list[Member]:
        listed = source.part.listed
        assert listed is not None
        found = await source.concepts.many(list(listed))
        members = []
        for code, concept in found.items():
            if source.active_only and concept.inactive:
                continue
            member = self._member(source, concept, listed[code])
            if not self._wanted or found_in(self._wanted, _names(member)):
                members.append(member)
        return members

    async def _all(self, value_set: Composed, limit: int) -> list[Member]:
        """Each member of a value set once. A value set is gathered once, however many import it."""
        if id(value_set) in self._whole:
            return self._whole[id(value_set)]
        found: dict[tuple[str, str, str], Member] = {}
        async for member in self._members(value_set):
            found.setdefault(member.key, member)
            self._left -= 1
            if len(found) > limit + self._options.offset or self._left < 0:
                raise _too_costly(value_set, limit)
        whole = self._whole[id(value_set)] = list(found.values())
        return whole

    async def _members(self, value_set: Composed) -> AsyncIterator[Member]:
        if value_set.stored is not None:
            for one in await self._stored(value_set.stored):
                yield one
            return
        active = self._only_active(value_set)
        for part in value_set.includes:
            async for member in self._of_part(value_set, part):
                if active and member.concept.inactive:
                    continue
                if not await self._in(value_set, value_set.excludes, member):
                    yield member

    async def _of_part(self, value_set: Composed, part: Part) -> AsyncIterator[Member]:
        others: Sequence[Composed] = part.sets
        if part.wanted is None:
            if not others:
                return
            for member in await self._all(others[0], MOST):
                if await self._is_in_all(others[1:], member):
                    yield member
            return
        concepts = await self._concepts(part)
        async for member in self._own(_Source(part, concepts, self._only_active(value_set))):
            if await self._is_in_all(others, member):
                yield replace(member, nests=False)

    async def _own(self, source: _Source) -> AsyncIterator[Member]:
        if source.part.listed is not None:
            for member in await self._listed(source):
                yield member
            return
        after = ""
        while True:
            chunk = await source.concepts.select(self._selection(source), after=after, limit=_CHUNK)
            for concept in chunk:
                yield self._member(source, concept)
            if len(chunk) < _CHUNK:
                return
            after = chunk[-1].code
            await asyncio.sleep(0)  # others have their turn

    async def _stored(self, contains: Sequence[Tree]) -> list[Member]:
        found = []
        for one in contains:
            if not one.get("code") or one.get("abstract") is True:
                continue
            concept = Concept(
                one["code"], one.get("display", ""), inactive=one.get("inactive") is True
            )
            member = Member(one.get("system", ""), one.get("version", ""), concept, listed=one)
            if not self._wanted or found_in(self._wanted, _names(member)):
                found.append(member)
        return found

    async def _in(self, value_set: Composed, parts: Sequence[Part], member: Member) -> bool:
        if not parts:
            return False
        return (await self._membership.of_parts(value_set, parts, _coding(member))).member

    async def _is_in_all(self, value_sets: Sequence[Composed], member: Member) -> bool:
        for one in value_sets:
            if not (await self._membership.of(one, _coding(member))).member:
                return False
        return True

    async def _concepts(self, part: Part) -> Concepts:
        wanted = part.wanted
        assert wanted is not None
        known = await self._scope.versions(wanted.system)
        version = choose(known, wanted.version)
        if version is None:
            listed = None if known else part.stand_in()
            if listed is None:
                raise Missing(_unknown(wanted, known))
            self.found.used[listed.about.canonical] = listed
            return listed
        if pattern := self._scope.allowed(wanted.system, version):
            facts = {"version": version, "system": wanted.system, "wanted": pattern}
            raise Refusal(say("VALUESET_VERSION_CHECK", **facts))
        concepts = await self._scope.concepts(wanted.system, version)
        assert concepts is not None
        self.found.used[concepts.about.canonical] = concepts
        if wanted.rule:
            self.found.rules.add((wanted.rule, wanted.system))
        return concepts


def _coding(member: Member) -> Coding:
    return Coding(member.system, "", member.concept.code)


def _names(member: Member) -> list[str]:
    listed = member.listed or {}
    return [
        listed.get("display", ""),
        member.concept.display,
        *(d.value for d in member.concept.designations),
        *(d.get("value", "") for d in listed.get("designation", ())),
    ]


def _unknown(wanted: Wanted, known: Sequence[str]) -> Finding:
    facts = {"system": wanted.system, "version": wanted.version}
    if known or wanted.version:
        return say("UNKNOWN_CODESYSTEM_VERSION_EXP", known=among(known), **facts)
    return say("UNKNOWN_CODESYSTEM_EXP", **facts)


def _too_costly(value_set: Composed, limit: int) -> Refusal:
    named = value_set.canonical or "(unidentified)"
    return Refusal(say("VALUESET_TOO_COSTLY", vs=named, limit=str(limit)))
