"""Examinations: what the profile engine asks is fetched, and it asks again.

Compiled profiles are kept as long as the packages and the tenant's own StructureDefinitions stay as
they are; answers about codes for a while.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from careplane.fhir.codec import json
from careplane.fhir.profiles import CodeQuestion, Library, Options, Verdict, examine
from careplane.fhir.profiles.fast import Swift
from careplane.fhir.profiles.ports import UNKNOWN
from careplane.fhir.structs import decoder
from careplane.fhir.tree import Tree
from careplane.fhir.validation import InSet
from careplane.fhir.validation.forms import response_problems
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Issue
from careplane.packages.packages import Packages
from careplane.records.profiles.codes import Answers, verdict
from careplane.records.profiles.own import OwnLibrary
from careplane.records.profiles.shelf import OWN, NotYet, Shelf
from careplane.records.vocabulary import Terms
from careplane.storage.ports.records import RecordStore, Tenant
from careplane.terminology.library import Shelves

Resolve: TypeAlias = Callable[[str], Awaitable[Tree | None]]
"""The resource that a reference points to, as far as the caller may see it."""
_RESPONSE = "QuestionnaireResponse"
_LIBRARIES = 16
_NOBODY = Tenant(0)
_ROUNDS = 1_000
_FRESH_MICROSECONDS = 1_000_000
_MOST_REFERENCES = 200
_WRITING = Options(steps=500_000)
_ASKED = Options(references="valid")


class _Kept:
    """Definitions of one state, and the programs made of them."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.library = Library(shelf)
        self.swift = Swift(self.library)


class Examiner:
    """Of one process and event loop."""

    def __init__(self, packages: Packages, terms: Terms, store: RecordStore, clock: Clock) -> None:
        self._packages = packages
        self._terms = terms
        self._store = store
        self._clock = clock
        self._kept: OrderedDict[Tenant, _Kept] = OrderedDict()
        self._answers: OrderedDict[Tenant, Answers] = OrderedDict()
        self._own: dict[Tenant, tuple[int, tuple[int, ...]]] = {}

    async def written(
        self, tenant: Tenant, type: str, raw: bytes, profiles: Sequence[str]
    ) -> list[Issue]:
        """What is to be said of a resource that is about to be written; nothing of one that surely
        has no error. What it refers to need not be there, but for the questionnaire of a response,
        by which its items are judged."""
        kept = await self._current(tenant)
        form: list[Issue] = []
        if type == _RESPONSE:
            form = await self._judged(tenant, kept, partial(_by_form, json.parse(raw), kept.shelf))
        if await self._is_surely_good(tenant, kept, type, raw, profiles):
            return form
        return form + await self._examined(tenant, kept, json.parse(raw), profiles, _WRITING, None)

    async def asked(
        self, tenant: Tenant, tree: Tree, profiles: Sequence[str], resolve: Resolve
    ) -> list[Issue]:
        """The same for `$validate`, warnings included and without the form: what can be had of what
        is referred to counts."""
        kept = await self._current(tenant)
        return await self._examined(tenant, kept, tree, profiles, _ASKED, resolve)

    async def judged(self, tenant: Tenant, judge: Callable[[InSet], list[Issue]]) -> list[Issue]:
        """What is said by a judge who asks whether codes are in value sets."""
        kept = await self._current(tenant)
        return await self._judged(tenant, kept, lambda asking: judge(asking.in_set))

    async def _is_surely_good(
        self, tenant: Tenant, kept: _Kept, type: str, raw: bytes, profiles: Sequence[str]
    ) -> bool:
        known = self._answers_of(tenant).triples
        struct = decoder(type).decode(raw)
        for _ in range(_ROUNDS):
            try:
                return kept.swift.surely(raw, struct, known, profiles)
            except NotYet as missing:
                await kept.shelf.fetch(missing)
        return False

    async def _examined(
        self,
        tenant: Tenant,
        kept: _Kept,
        tree: Tree,
        profiles: Sequence[str],
        options: Options,
        resolve: Resolve | None,
    ) -> list[Issue]:
        options = replace(options, now=self._clock())

        def judge(asking: _Asking) -> list[Issue]:
            return examine(
                tree, kept.library, profiles, codes=asking, resolver=asking, options=options
            )

        return await self._judged(tenant, kept, judge, resolve)

    async def _judged(
        self,
        tenant: Tenant,
        kept: _Kept,
        judge: Callable[[_Asking], list[Issue]],
        resolve: Resolve | None = None,
    ) -> list[Issue]:
        """What a judge says once everything that he asks for is at hand."""
        asking = _Asking(self._answers_of(tenant))
        for _ in range(_ROUNDS):
            try:
                found = judge(asking)
            except NotYet as missing:
                await kept.shelf.fetch(missing)
                continue
            if not asking.codes and not asking.references:
                return found
            await self._answer(tenant, asking, resolve)
        text = "The resource asks for more definitions than can be looked up; send less."
        return [Issue("error", "too-costly", text)]

    async def _answer(self, tenant: Tenant, asking: _Asking, resolve: Resolve | None) -> None:
        library = Shelves(OwnLibrary(tenant, self._terms.index), self._terms.everybodys)
        for question in asking.codes:
            asking.answers.note(question, await verdict(library, question))
        for reference in asking.references:
            few = len(asking.resolved) < _MOST_REFERENCES
            asking.resolved[reference] = await resolve(reference) if resolve and few else None
        asking.codes.clear()
        asking.references.clear()

    async def _current(self, tenant: Tenant) -> _Kept:
        catalogue, own = await self._packages.catalogue(), await self._newest_own(tenant)
        whose = tenant if any(own) else _NOBODY  # who has none of its own shares with all others
        kept = self._kept.get(whose)
        if kept is None or kept.shelf.state != (catalogue, own) or kept.shelf.is_full:
            index = self._terms.index if any(own) else None
            kept = _Kept(Shelf(tenant, self._packages, catalogue, index, own))
            self._kept[whose] = kept
            if len(self._kept) > _LIBRARIES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(whose)
        return kept

    def _answers_of(self, tenant: Tenant) -> Answers:
        found = self._answers.setdefault(tenant, Answers())
        if len(self._answers) > _LIBRARIES:
            self._answers.popitem(last=False)
        found.renew()
        return found

    async def _newest_own(self, tenant: Tenant) -> tuple[int, ...]:
        good, newest = self._own.get(tenant, (0, ()))
        if self._clock() >= good:
            newest = tuple([await self._store.newest(tenant, type) for type in OWN])
            self._own[tenant] = self._clock() + _FRESH_MICROSECONDS, newest
        return newest


def _by_form(response: Tree, shelf: Shelf, asking: _Asking) -> list[Issue]:
    form = partial(shelf.artifact, "Questionnaire")
    return list(response_problems(response, form, _RESPONSE, asking.in_set))


class _Asking:
    """The CodeChecker and Resolver of one examination: it answers what is at hand, and notes what
    has to be asked."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.codes: dict[CodeQuestion, None] = {}
        self.references: dict[str, None] = {}
        self.resolved: dict[str, Tree | None] = {}

    def check(self, question: CodeQuestion) -> Verdict:
        found = self.answers.get(question)
        if found is None:
            self.codes[question] = None
            return UNKNOWN
        return found

    def in_set(self, system: str, code: str, value_set: str) -> bool | None:
        """Whether a code is in a value set; None where nobody can tell."""
        return self.check(CodeQuestion(system, code, value_set=value_set)).result

    def filter_trouble(self, system: str, property: str, op: str, value: str) -> str:
        return ""  # nobody can tell before a value set is used

    def resolve(self, reference: str) -> Tree | None:
        if reference not in self.resolved:
            self.references[reference] = None
            return None
        return self.resolved[reference]
