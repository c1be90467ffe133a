"""Consents as the third part of every decision: a plan node for a caller, a permission and a type.

What patients have said is put together by what it comes to: patients for whom it comes to the same
are one set in the plan. Where a search or a read is about one patient, the provisions of the others
are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from careplane.access.caller import Caller
from careplane.access.consent.book import CONSENT, HEARD, Books
from careplane.access.consent.data import Data
from careplane.access.consent.edition import Edition, Template
from careplane.access.consent.leaves import Verdict, leaves, verdict
from careplane.access.consent.terms import (
    PART2,
    SECURITY,
    Asking,
    asking,
    purposes_of,
)
from careplane.access.policy.expressions import negated
from careplane.access.scopes import Permission
from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.search.compartments import compartment_types
from careplane.search.plan import (
    EVERYTHING,
    And,
    Coding,
    Keys,
    Node,
    Not,
    Nothing,
    Token,
    all_of,
    any_of,
)
from careplane.storage.ports.records import Key, Put, Tenant

PART2_BYTES = b'"42CFRPart2"'
_REMEMBERED = 4096
_OF_PART2 = Token(SECURITY, (Coding(None, PART2, any_system=True),))
_WRITING = frozenset({Permission.CREATE, Permission.UPDATE, Permission.DELETE})
_CHANGING = frozenset({Permission.UPDATE, Permission.DELETE})


@dataclass(frozen=True, slots=True)
class House:
    """What an institution has chosen. `opt_in`: purposes for which only what a patient permits is
    shown. `program`: roles that work inside of a Part 2 program. `recorders`: roles that write the
    Consents of patients, and see all of these."""

    opt_in: frozenset[str] = frozenset()
    program: frozenset[str] = frozenset()
    recorders: frozenset[str] = frozenset({"privacy-officer", "front-desk"})


@dataclass(slots=True)
class _Nodes:
    """Nodes over all patients, as of one number of the edition."""

    number: int
    made: dict[tuple[Caller, Permission, str], Node] = field(default_factory=dict)


class Consents:
    """The Consents of every tenant, ready to decide."""

    def __init__(self, books: Books, data: Data, house: House) -> None:
        self.books = books
        self.data = data
        self._house = house
        self._types = compartment_types("Patient")
        self._verdict = lru_cache(maxsize=200_000)(self._judged)
        self._nodes: dict[Tenant, _Nodes] = {}

    def node(
        self,
        caller: Caller,
        permission: Permission,
        type: str,
        patients: frozenset[str] | None = None,
    ) -> Node:
        """What resources of the type must match. `patients`: those that they can be about, where
        that is known. `Nothing` as long as nobody has looked what is in force."""
        edition = self.books.edition(caller.tenant)
        if edition is None:
            return Nothing()
        if permission is Permission.PURGE:
            return EVERYTHING
        if patients is not None and len(patients) <= edition.count():
            return self._made(edition, caller, permission, type, patients)
        nodes = self._nodes.get(caller.tenant)
        if nodes is None or nodes.number != edition.number or len(nodes.made) > _REMEMBERED:
            nodes = self._nodes[caller.tenant] = _Nodes(edition.number)
        found = nodes.made.get((caller, permission, type))
        if found is None:
            found = self._made(edition, caller, permission, type, None)
            nodes.made[caller, permission, type] = found
        return found

    def anybody(self, tenant: Tenant) -> frozenset[str]:
        """A patient who has said something, if there is one."""
        edition = self.books.edition(tenant)
        return edition.anybody() if edition else frozenset()

    def wrote(self, tenant: Tenant, puts: Iterable[Put]) -> None:
        """This process has written these."""
        edition = self.books.edition(tenant)
        part2 = edition is not None and edition.part2
        for put in puts:
            if put.type in HEARD or (not part2 and PART2_BYTES in put.rest):
                self.books.forget(tenant)
                return

    def patients_in(self, type: str, where: Node) -> frozenset[str] | None:
        """The patients that whatever matches is about; None where the query does not say."""
        for part in where.parts if isinstance(where, And) else (where,):
            found = self.data.one_patient(type, part)
            if found is not None:
                return found
        return None

    def may_record(self, caller: Caller) -> bool:
        """Whether a caller writes Consents in the name of patients, and sees all of these."""
        trusted = any(scope.context == "system" for scope in caller.scopes)
        return trusted or not self._house.recorders.isdisjoint(caller.roles)

    def in_program(self, caller: Caller) -> bool:
        """Whether a caller works inside of a Part 2 program."""
        return not self._house.program.isdisjoint(caller.roles)

    def covers(self, type: str) -> bool:
        """Whether what is of a type can be a patient's, so that Consents are asked for it."""
        return type in self._types

    def is_opt_in(self, caller: Caller) -> bool:
        """Whether nothing is shown for the caller's purpose but what is permitted."""
        return not self._house.opt_in.isdisjoint(purposes_of(caller.purpose))

    def _made(
        self,
        edition: Edition,
        caller: Caller,
        permission: Permission,
        type: str,
        patients: frozenset[str] | None,
    ) -> Node:
        own = self._own(edition, caller, permission) if type == CONSENT else EVERYTHING
        if isinstance(own, Nothing) or type not in RESOURCE_TYPES:
            return own
        if type == CONSENT and self.may_record(caller):
            return own
        found = self._shared(edition, caller, permission, type, patients)
        return all_of(own, found)

    def _shared(
        self,
        edition: Edition,
        caller: Caller,
        permission: Permission,
        type: str,
        patients: frozenset[str] | None,
    ) -> Node:
        strict = permission is not Permission.CREATE
        opt_in = strict and self.is_opt_in(caller)
        part2 = strict and edition.part2 and not self.in_program(caller)
        if type not in self._types:
            return Not(_OF_PART2) if part2 else EVERYTHING
        free = self._free(caller)
        who = asking(caller, permission)
        denied: defaultdict[Node, list[frozenset[Key]]] = defaultdict(list)
        permitted: defaultdict[Node, list[frozenset[Key]]] = defaultdict(list)
        for template, some in _alike(edition, patients):
            found = self._verdict(template, who, type)
            denied[found.denied].append(some if some.isdisjoint(free) else some - free)
            permitted[found.permitted].append(some)
        node = negated(self._where(type, denied))
        if opt_in or part2:
            allowed = self._allowed(type, permitted, free)
            node = all_of(node, allowed if opt_in else any_of(Not(_OF_PART2), allowed))
        return node

    def _allowed(
        self, type: str, permitted: Mapping[Node, list[frozenset[Key]]], free: frozenset[Key]
    ) -> Node:
        """What may be shown where silence is no permission: what is of `free`, and what everybody
        permits whom it is about."""
        if not self.data.of_several(type):
            mine: dict[Node, list[frozenset[Key]]]
            mine = {EVERYTHING: [*permitted.get(EVERYTHING, ()), free]}
            return self._where(type, {**permitted, **mine})
        groups = {
            where: frozenset[Key]().union(*some)
            for where, some in permitted.items()
            if not isinstance(where, Nothing)
        }
        agreed = frozenset[Key]().union(*groups.values())
        each = (any_of(Not(self.data.of(type, some)), where) for where, some in groups.items())
        own = self.data.of(type, free) if free else Nothing()
        if not agreed:
            return own
        nobody_else = Not(self.data.of_others(type, agreed))
        return any_of(own, all_of(self.data.of(type, agreed), nobody_else, *each))

    def _where(self, type: str, groups: Mapping[Node, list[frozenset[Key]]]) -> Node:
        """A set that stands alone goes into the plan as it is, so that plans share it."""
        whose = (
            (where, some[0] if len(some) == 1 else frozenset[Key]().union(*some))
            for where, some in groups.items()
            if not isinstance(where, Nothing)
        )
        return any_of(*(all_of(self.data.of(type, some), where) for where, some in whose if some))

    def _judged(self, template: Template, who: Asking, type: str) -> Verdict:
        return verdict(leaves(template, who, self.data, type))

    def _free(self, caller: Caller) -> frozenset[Key]:
        """Patients whose Consents do not bind this caller: oneself, and the one of an emergency."""
        kind, _, id = caller.id.partition("/")
        mine = {id} if kind == "Patient" else set()
        free = mine | ({caller.emergency} if caller.emergency else set())
        return frozenset(("Patient", one) for one in free)

    def _own(self, edition: Edition, caller: Caller, permission: Permission) -> Node:
        """Who writes which Consents: patients their own, recorders those of others, but nobody one
        that denies him something by his name."""
        if permission not in _WRITING:
            return EVERYTHING
        kind, _, id = caller.id.partition("/")
        if kind == "Patient":
            return self.data.of(CONSENT, frozenset({("Patient", id)}))
        if not self.may_record(caller):
            return Nothing()
        against = edition.naming(caller.id) if permission in _CHANGING else ()
        return Not(Keys(frozenset((CONSENT, one) for one in against))) if against else EVERYTHING


def _alike(
    edition: Edition, patients: frozenset[str] | None
) -> Iterable[tuple[Template, frozenset[Key]]]:
    if patients is None:
        return edition.alike()
    found = ((id, edition.template(id)) for id in patients)
    return ((said, frozenset({("Patient", id)})) for id, said in found if said)
