"""The Consents of one tenant as this process knows them: read once, then what has changed.

What has been committed is heard of within a second, what this process has written at once. Who
belongs to an organisation or a care team is read along, since provisions name these.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from careplane.access.consent.rule import Given, Reading, Rule, Said, referred
from careplane.access.consent.terms import PART2, SECURITY
from careplane.kernel.clock import Clock
from careplane.search.plan import Coding, Query, Token
from careplane.search.rows import END
from careplane.storage.ports.records import HistoryQuery, RecordStore, Tenant, Version

CONSENT = "Consent"
_GROUPS = ("CareTeam", "PractitionerRole")
_WITH_MEMBERS = ("CareTeam/", "PractitionerRole/", "Organization/")
HEARD = frozenset({CONSENT, *_GROUPS})
"""Types that decisions hang on."""
_FRESH_MICROSECONDS = 1_000_000
_PAGE = 500
_BREATH = 200
_SPARE = 1000
"""How much of what was said before is kept, at least."""
_place = id
_decode = msgspec.json.Decoder(dict[str, Any]).decode
Template = tuple[Said, ...]


@dataclass(slots=True)
class Edition:
    """The Consents in force. `alike` has the patients whose Consents say the same, by what they
    say; `ids` are the Consents of a patient, in the order of the template. `naming` has the
    Consents that deny something to somebody by name. `part2`: there are records of Part 2."""

    templates: dict[str, Template] = field(default_factory=dict)
    ids: dict[str, tuple[str, ...]] = field(default_factory=dict)
    alike: list[tuple[Template, frozenset[str]]] = field(default_factory=list)
    naming: dict[str, frozenset[str]] = field(default_factory=dict)
    part2: bool = False


@dataclass(slots=True)
class Book:
    """What is known of one tenant. `lasting` are those Consents that say the same at any time,
    `said` what Consents say, each once; `names_groups`: some name a team or an organisation. `seen`
    is the newest `t` by type; `until` is when something begins or ends to be in force."""

    trees: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    lasting: dict[str, tuple[int, Given | None]] = field(default_factory=dict)
    said: dict[Said, Said] = field(default_factory=dict)
    names_groups: bool = False
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    edition: Edition | None = None
    until: int = END
    looked: int = 0
    asked: int = 1
    answered: int = 0
    part2: bool = False
    base: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


BaseOf = Callable[[Tenant], str]
"""The address of a tenant's FHIR interface; empty where only a request says it."""


def without_address(tenant: Tenant) -> str:
    """A BaseOf where no absolute reference is to one's own records."""
    return ""


class Books:
    """The books of every tenant. `base_of` is the address of a tenant, by which absolute references
    to its own records are known."""

    def __init__(self, store: RecordStore, clock: Clock, base_of: BaseOf = without_address) -> None:
        self._store = store
        self._clock = clock
        self._base_of = base_of
        self._books: dict[Tenant, Book] = {}

    def edition(self, tenant: Tenant) -> Edition | None:
        """As this process last saw it; None where it has never looked."""
        book = self._books.get(tenant)
        return book.edition if book else None

    def forget(self, tenant: Tenant, *, wholly: bool = False) -> None:
        """Look again before the next call; `wholly`: at all of it, for some may be gone."""
        book = self._books.setdefault(tenant, Book())
        book.asked += 1
        if wholly:
            book.seen.clear()

    async def fresh(self, tenant: Tenant) -> None:
        """Know what this process has written, and what others had a second ago."""
        book = self._books.setdefault(tenant, Book())
        if self._is_stale(book):
            async with book.lock:
                if self._is_stale(book):
                    await self._look(tenant, book)

    def _is_stale(self, book: Book) -> bool:
        now = self._clock()
        late = now - book.looked > _FRESH_MICROSECONDS or now >= book.until
        return late or book.answered != book.asked

    async def _look(self, tenant: Tenant, book: Book) -> None:
        looked, asked = self._clock(), book.asked
        base = self._base_of(tenant)
        if base != book.base:  # what they refer to reads otherwise now
            book.base = base
            book.seen.clear()
        changed = await self._consents(tenant, book)
        changed = await self._members(tenant, book) or changed
        if not book.part2 and await self._has_part2(tenant):
            book.part2 = changed = True
        if changed or book.edition is None or looked >= book.until:
            book.edition = await self._made(book)
        book.looked, book.answered = looked, asked

    async def _has_part2(self, tenant: Tenant) -> bool:
        label = Token(SECURITY, (Coding(None, PART2, any_system=True),))
        page = await self._store.search(tenant, Query(frozenset(), label, count=1))
        return bool(page.versions)

    async def _consents(self, tenant: Tenant, book: Book) -> bool:
        newest, seen = await self._store.newest(tenant, CONSENT), book.seen.get(CONSENT)
        if newest == seen:
            return False
        if seen is None or newest < seen:  # never read, or some have been erased
            book.trees.clear()
            book.lasting.clear()
            book.said.clear()
            book.names_groups = False
            async for version in self._all(tenant, CONSENT):
                self._heard(book, version)
        else:
            for version in reversed([v async for v in self._since(tenant, CONSENT, seen)]):
                self._heard(book, version)
        book.seen[CONSENT] = newest
        return True

    def _heard(self, book: Book, version: Version) -> None:
        if version.deleted:
            book.trees.pop(version.id, None)
            book.lasting.pop(version.id, None)
            return
        tree = _tree(version)
        book.trees[version.id] = (version.t, tree)
        named = referred(tree, Reading(0, lambda _: None, book.base))
        if any(name.startswith(_WITH_MEMBERS) for name in named):
            book.names_groups = True

    async def _members(self, tenant: Tenant, book: Book) -> bool:
        """Care teams and practitioners' roles, where some Consent names a group at all."""
        if not book.names_groups:
            return False
        changed = False
        for type in _GROUPS:
            newest = await self._store.newest(tenant, type)
            if newest == book.seen.get(type):
                continue
            for key in [key for key in book.groups if key.startswith(f"{type}/")]:
                del book.groups[key]
            async for version in self._all(tenant, type):
                book.groups[f"{type}/{version.id}"] = _tree(version)
            book.seen[type] = newest
            changed = True
        return changed

    async def _all(self, tenant: Tenant, type: str) -> Any:
        after: str | None = None
        while page := await self._store.current(tenant, type, after, _PAGE):
            for version in page:
                yield version
            after = page[-1].id
            await asyncio.sleep(0)

    async def _since(self, tenant: Tenant, type: str, seen: int) -> Any:
        cursor: str | None = None
        while True:
            query = HistoryQuery(frozenset({type}), count=_PAGE, cursor=cursor)
            page = await self._store.history(tenant, query)
            for version in page.versions:
                if version.t <= seen:
                    return
                yield version
            if page.next is None:
                return
            cursor = page.next

    async def _made(self, book: Book) -> Edition:
        if len(book.said) > 2 * len(book.trees) + _SPARE:
            book.said.clear()
            book.lasting.clear()
        members = _memberships(book.groups)
        read = Reading(
            self._clock(), lambda name: _belonging(name, members, book.groups), book.base
        )
        by_patient: defaultdict[str, list[tuple[int, int, str, Said]]] = defaultdict(list)
        naming: defaultdict[str, set[str]] = defaultdict(set)
        for number, (id, (t, tree)) in enumerate(book.trees.items(), 1):
            given = _given(book, read, id, t, tree)
            if given is not None:
                said = book.said.setdefault(given.said, given.said)
                by_patient[given.patient].append((given.when, t, id, said))
                for name in _denied_by_name(said.root):
                    naming[name].add(id)
            if number % _BREATH == 0:
                await asyncio.sleep(0)
        edition = Edition(part2=book.part2)
        alike: dict[tuple[int, ...], tuple[Template, set[str]]] = {}
        for patient, found in by_patient.items():
            found.sort(key=lambda one: one[:3])
            template = tuple(said for *_, said in found)
            # What is said stands in memory once, so its place there will do.
            template, some = alike.setdefault(tuple(map(_place, template)), (template, set()))
            some.add(patient)
            edition.templates[patient] = template
            edition.ids[patient] = tuple(id for _, _, id, _ in found)
        edition.alike = [(template, frozenset(some)) for template, some in alike.values()]
        edition.naming = {name: frozenset(some) for name, some in naming.items()}
        book.until = read.ends
        return edition


def _given(book: Book, read: Reading, id: str, t: int, tree: dict[str, Any]) -> Given | None:
    known = book.lasting.get(id)
    if known is not None and known[0] == t:
        return known[1]
    given, lasts = read.given(tree)
    if lasts:
        book.lasting[id] = (t, given)
    return given


def _tree(version: Version) -> dict[str, Any]:
    return _decode(b'{"meta":{"versionId":"0"' + version.rest)


def _denied_by_name(rule: Rule) -> Iterator[str]:
    if rule.permits is not True:
        yield from rule.named
    for inner in rule.rules:
        yield from _denied_by_name(inner)


def _reference(tree: Mapping[str, Any], name: str) -> str:
    return str((tree.get(name) or {}).get("reference", ""))


def _memberships(groups: Mapping[str, dict[str, Any]]) -> dict[str, frozenset[str]]:
    """Group -> those who belong to it; of a role, the organisation as well."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for key, tree in groups.items():
        if key.startswith("CareTeam/") and tree.get("status") in ("active", None):
            found[key].update(_reference(one, "member") for one in tree.get("participant") or ())
        elif key.startswith("PractitionerRole/") and tree.get("active") is not False:
            who = _reference(tree, "practitioner")
            found[key].add(who)
            found[_reference(tree, "organization")].add(who)
    _through_groups(found)
    return {key: frozenset(some - {""}) for key, some in found.items()}


def _through_groups(found: defaultdict[str, set[str]]) -> None:
    """A team may have roles and organisations as members: theirs belong to it as well."""
    for key in [key for key in found if key.startswith("CareTeam/")]:
        for member in list(found[key]):
            found[key] |= found.get(member, set())


def _belonging(
    name: str, members: Mapping[str, frozenset[str]], groups: Iterable[str]
) -> frozenset[str] | None:
    """Callers that an actor stands for."""
    type = name.partition("/")[0]
    if name.startswith(_WITH_MEMBERS):
        return members.get(name, frozenset()) | {name}
    return None if type == "Group" else frozenset({name})
