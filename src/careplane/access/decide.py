"""Decide: what a caller may do with a type, as a restriction that is itself a plan node.

Whoever runs a query ANDs the node in, so totals, chains, includes, pages and counts are filtered by
construction; whoever writes asks whether the record satisfies it, before and after. Scopes, the
policies of the institution and the Consents of its patients must all allow: a type that scopes or
policies do not name is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from careplane.access.caller import Caller, acts_as_patient
from careplane.access.consent.consents import Consents
from careplane.access.consent.edition import Edition
from careplane.access.consent.terms import ACT_CODE, NOT_FOR_PATIENTS, SECURITY
from careplane.access.masks.view import View
from careplane.access.scopes import Permission, Scope
from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.kernel.errors import Forbidden
from careplane.search.plan import (
    Chain,
    Coding,
    Everything,
    Node,
    Not,
    Nothing,
    OfType,
    Token,
    all_of,
    any_of,
)
from careplane.search.rows import Param
from careplane.storage.ports.records import Put, Tenant

Criteria = Callable[[str, str], Node]
"""Type and search query (`category=laboratory`) to a plan node."""
Compartment = Callable[[str, str], Node | None]
"""Type and patient id to the node of the patient's compartment; None if the type is not in it."""

SHARED_WITH_PATIENTS = frozenset(
    {"HealthcareService", "Location", "Medication", "Organization", "Practitioner"}
    | {"PractitionerRole", "Questionnaire", "ValueSet", "CodeSystem"}
)
"""Types outside the patient compartment that a patient's record cannot be read without, nor a form
filled, and that hold no patient's data. `patient/` scopes open them for read and search only."""

PolicyNode = Callable[[Caller, Permission, str], Node]
"""What the policies of the institution let a caller do with a type."""

ViewOf = Callable[[Caller], View | None]
"""How much of what they may see the policies show a caller; None for all of it."""

_LABELLED = Token(SECURITY, (Coding(ACT_CODE, NOT_FOR_PATIENTS),))
_LABELLED_IN_THREAD = any_of(
    _LABELLED, Chain(Param("Communication.part-of"), frozenset({"Communication"}), _LABELLED)
)
_LOOKING = frozenset({Permission.READ, Permission.SEARCH})
_REMEMBERED = 4096


@dataclass(slots=True)
class _Known:
    """Restrictions at one tenant, as of one number of the edition of its Consents."""

    edition: Edition
    number: int
    made: dict[tuple[Caller, Permission, str], Node] = field(default_factory=dict)


def whole(caller: Caller) -> View | None:
    """The ViewOf of an institution that masks nothing."""
    return None


def _nothing_to_know(tenant: Tenant, now: int) -> bool:
    return True


class Decider:
    """Decisions, remembered by (caller, permission, type), and views, remembered by caller."""

    def __init__(
        self,
        criteria: Criteria,
        compartment: Compartment,
        policies: PolicyNode,
        views: ViewOf = whole,
        consents: Consents | None = None,
        emergency_role: str = "",
    ) -> None:
        """`emergency_role`: whose policies apply as well, to look at the patient for whom the glass
        was broken."""
        self._criteria = criteria
        self._compartment = compartment
        self._policies = policies
        self._emergency_role = emergency_role
        self.consents = consents
        self.is_fresh = consents.books.is_fresh if consents else _nothing_to_know
        """Of a tenant, whether the Consents that are in force now (microseconds since 1970) are
        known."""
        self._known: dict[Tenant, _Known] = {}
        self.by_right = lru_cache(maxsize=8192)(self._decide)
        self.view: ViewOf = lru_cache(maxsize=8192)(lambda caller: views(self._looking(caller)))

    async def fresh(self, tenant: Tenant) -> None:
        """To be awaited before decisions for a tenant, unless they are: know them."""
        if self.consents is not None:
            await self.consents.books.fresh(tenant)

    def wrote(self, tenant: Tenant, puts: Iterable[Put]) -> None:
        """This process has written these: what they change in decisions counts at once."""
        if self.consents is not None:
            self.consents.wrote(tenant, puts)

    def erased(self, tenant: Tenant) -> None:
        """Records are gone, perhaps Consents among them."""
        if self.consents is not None:
            self.consents.books.forget(tenant, wholly=True)

    def restriction(
        self,
        caller: Caller,
        permission: Permission,
        type: str,
        patients: frozenset[str] | None = None,
    ) -> Node:
        """What resources of the type must match for this caller; `Nothing` for none at all.
        `patients`: those that they can be about, where that is known."""
        if patients is not None:
            return self._consented(caller, permission, type, patients)
        known = self._known.get(caller.tenant)
        if known is None or known.number != known.edition.number:
            return self._remembered(caller, permission, type)
        found = known.made.get((caller, permission, type))
        return self._remembered(caller, permission, type) if found is None else found

    def anybody(self, tenant: Tenant) -> frozenset[str]:
        """A patient whose Consents bear on decisions, if there is one."""
        return self.consents.anybody(tenant) if self.consents else frozenset()

    def incoming(self, caller: Caller, permission: Permission, type: str) -> Node:
        """What a resource that is brought must match: a Consent keeps nobody from documenting,
        unless it forbids to collect."""
        if permission is Permission.CREATE:
            return self.restriction(caller, permission, type)
        node = self.by_right(caller, permission, type)
        if self.consents is None or isinstance(node, Nothing):
            return node
        return all_of(node, self.consents.node(caller, Permission.CREATE, type))

    def searching(self, caller: Caller, type: str, where: Node) -> Node:
        """The restriction of a search that asks for `where` besides."""
        limit = self.require(caller, Permission.SEARCH, type)
        if self.consents is None or isinstance(limit, Everything):
            return limit
        patients = self.consents.patients_in(type, where)
        if patients is None:
            return limit
        return self.restriction(caller, Permission.SEARCH, type, patients)

    def require(self, caller: Caller, permission: Permission, type: str) -> Node:
        """As `restriction`, or `Forbidden` where it is `Nothing`."""
        node = self.restriction(caller, permission, type)
        if isinstance(node, Nothing):
            what = f"'{permission.name.lower()}' on {type}"
            if isinstance(self._by_scopes(caller, permission, type), Nothing):
                raise Forbidden(f"No scope of this caller allows {what}.")
            if isinstance(self.by_right(caller, permission, type), Nothing):
                raise Forbidden(f"No policy of this institution allows this caller {what}.")
            raise Forbidden(f"No consent of a patient allows this caller {what}.")
        return node

    def everywhere(self, caller: Caller, permission: Permission) -> Node:
        """The restriction over all types at once, for what spans types."""
        alike: dict[Node, set[str]] = {}
        for type in RESOURCE_TYPES:
            node = self.restriction(caller, permission, type)
            if not isinstance(node, Nothing):
                alike.setdefault(node, set()).add(type)
        if alike == {Everything(): set(RESOURCE_TYPES)}:
            return Everything()
        return any_of(*(all_of(OfType(frozenset(types)), node) for node, types in alike.items()))

    def _remembered(self, caller: Caller, permission: Permission, type: str) -> Node:
        """Made now, and looked up from now on until a Consent changes."""
        found = self._consented(caller, permission, type, None)
        edition = None if self.consents is None else self.consents.books.edition(caller.tenant)
        if edition is None:  # nobody has looked yet what is in force
            return found
        known = self._known.get(caller.tenant)
        if known is None or known.number != edition.number or len(known.made) >= _REMEMBERED:
            known = self._known[caller.tenant] = _Known(edition, edition.number)
        known.made[caller, permission, type] = found
        return found

    def _consented(
        self,
        caller: Caller,
        permission: Permission,
        type: str,
        patients: frozenset[str] | None,
    ) -> Node:
        node = self.by_right(caller, permission, type)
        if self.consents is None or isinstance(node, Nothing):
            return node
        consented = self.consents.node(caller, permission, type, patients)
        return node if isinstance(consented, Everything) else all_of(node, consented)

    def _decide(self, caller: Caller, permission: Permission, type: str) -> Node:
        scopes = self._by_scopes(caller, permission, type)
        if isinstance(scopes, Nothing):
            return scopes
        if caller.emergency is None:
            policies = self._policies(caller, permission, type)
        else:
            policies = self._in_emergency(caller, caller.emergency, permission, type)
        node = all_of(scopes, policies)
        return all_of(node, self._told_to_patients(type)) if acts_as_patient(caller) else node

    def _told_to_patients(self, type: str) -> Node:
        """What is labelled as not for patients they do not see, nor do those who act for them; nor
        a message of a thread that is."""
        if self._compartment(type, "none") is None:
            return Everything()
        return Not(_LABELLED_IN_THREAD if type == "Communication" else _LABELLED)

    def _in_emergency(
        self, caller: Caller, patient: str, permission: Permission, type: str
    ) -> Node:
        """Of patients' records that of one patient alone; to look at it, as another role may."""
        looking = self._looking(caller) if permission in _LOOKING else caller
        node = self._policies(looking, permission, type)
        inside = self._compartment(type, patient)
        return node if inside is None else all_of(node, inside)

    def _looking(self, caller: Caller) -> Caller:
        """The caller with the roles that say what is looked at, and how much of it."""
        if caller.emergency is None or not self._emergency_role:
            return caller
        return replace(caller, roles=caller.roles | {self._emergency_role})

    def _by_scopes(self, caller: Caller, permission: Permission, type: str) -> Node:
        granted = (
            scope
            for scope in caller.scopes
            if permission in scope.permissions and scope.type in (None, type)
        )
        return any_of(*(self._grant(caller, permission, type, scope) for scope in granted))

    def _grant(self, caller: Caller, permission: Permission, type: str, scope: Scope) -> Node:
        where = self._criteria(type, scope.arguments) if scope.arguments else Everything()
        if scope.context != "patient":
            return where
        return all_of(where, self._patient(caller, permission, type))

    def _patient(self, caller: Caller, permission: Permission, type: str) -> Node:
        if caller.patient is None:
            return Nothing()
        node = self._compartment(type, caller.patient)
        if node is not None:
            return node
        shared = permission in _LOOKING and type in SHARED_WITH_PATIENTS
        return Everything() if shared else Nothing()
