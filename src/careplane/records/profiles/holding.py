"""Resources held against profiles: when they are written, as far as the policy of the institution
says so, and by `$validate`. Where nobody asks, nothing is read and nothing is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from careplane.fhir.codec import envelope
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Invalid, Issue
from careplane.records.bodies import Content
from careplane.records.profiles.policy import Mode, Policy

if TYPE_CHECKING:
    from careplane.fhir.validation import InSet
    from careplane.packages.catalogue import Catalogue
    from careplane.packages.packages import Packages
    from careplane.records.profiles.examining import Examiner, Resolve
    from careplane.records.vocabulary import Terms
    from careplane.storage.ports.records import RecordStore, Tenant

_BEFORE = format_instant(0)


@dataclass(frozen=True, slots=True)
class Supported:
    """The profiles of installed packages by the type that they are about, and the guides that an
    operator has asked for, with their versions."""

    profiles: Mapping[str, Sequence[str]]
    guides: Sequence[str]


class Profiles:
    """Of one process. `policy` says what is done when resources of a tenant are written."""

    def __init__(
        self,
        packages: Callable[[], Packages],
        policy: Callable[[Tenant], Policy],
        terms: Terms,
        store: RecordStore,
        clock: Clock,
    ) -> None:
        self._packages = packages
        self._policy = policy
        self._terms = terms
        self._store = store
        self._clock = clock
        self._supported: tuple[Catalogue, Supported] | None = None

    def asks(self, tenant: Tenant, type: str) -> bool:
        """Whether anything is asked of resources of a type when they are written."""
        return self._policy(tenant).of(type).mode is not Mode.OFF

    async def written(self, tenant: Tenant, content: Content) -> tuple[Issue, ...]:
        """What is to be said of a resource that is about to be written, whose base validation has
        been; nothing but errors of one that is surely good. Raises Invalid where it may not be."""
        rule = self._policy(tenant).of(content.type)
        if rule.mode is Mode.OFF:
            return ()
        found = await self._examiner.written(tenant, content.type, _bytes(content), rule.profiles)
        wrong = any(issue.severity in ("error", "fatal") for issue in found)
        if wrong and rule.mode is Mode.ENFORCE:
            raise Invalid("The resource does not conform to its profiles.", issues=tuple(found))
        return tuple(found)

    async def asked(
        self, tenant: Tenant, type: str, tree: Tree, profiles: Sequence[str], resolve: Resolve
    ) -> list[Issue]:
        """What is to be said of a resource of a type by the profiles that are named, that it
        claims, and that all of the type must conform to. Base validation is not part of it."""
        every = dict.fromkeys((*profiles, *self._policy(tenant).of(type).profiles))
        return await self._examiner.asked(tenant, tree, tuple(every), resolve)

    async def judged(self, tenant: Tenant, judge: Callable[[InSet], list[Issue]]) -> list[Issue]:
        """What is said by a judge who asks whether codes are in value sets."""
        return await self._examiner.judged(tenant, judge)

    async def artifact(self, type: str, canonical: str) -> Tree | None:
        """What a canonical means among installed packages."""
        return await self._packages().artifact(type, canonical)

    async def supported(self) -> Supported:
        """What the installed packages are for; the same object as long as they stay so."""
        catalogue = await self._packages().catalogue()
        if self._supported is None or self._supported[0] is not catalogue:
            self._supported = catalogue, _supported(catalogue)
        return self._supported[1]

    @cached_property
    def _examiner(self) -> Examiner:
        from careplane.records.profiles.examining import Examiner  # on first use only

        return Examiner(self._packages(), self._terms, self._store, self._clock)


def _supported(catalogue: Catalogue) -> Supported:
    profiles: dict[str, list[str]] = {}
    if not catalogue.entries:
        return Supported(profiles, ())
    for entry in catalogue.current("StructureDefinition"):
        if entry.number and entry.header.kind == "profile":
            profiles.setdefault(entry.header.of, []).append(entry.header.url)
    guides = (entry for entry in catalogue.entries if entry.header.type == "ImplementationGuide")
    asked = (entry.header for entry in guides if entry.package.asked)
    return Supported(profiles, sorted(f"{header.url}|{header.version}" for header in asked))


def _bytes(content: Content) -> bytes:
    """The resource as it will leave, more or less: its version and, where the server chooses it,
    its id are not known yet."""
    head = envelope.head(content.type, content.id or "new", 1, _BEFORE)
    return head.encode() + content.rest
