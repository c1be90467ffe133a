"""What a policy may ask of a resource, and the plan node that each question becomes.

All are sets, and asked as in `resource.careTeam.contains(principal)`:
  patients   the patients in whose compartment it is
  careTeam   members of an active CareTeam of such a patient
  attending  participants of an encounter of such a patient that is under way
  ward       people with an active PractitionerRole at a location of such an encounter
  proxies    active RelatedPersons of such a patient
  matches    every FHIR search that it matches: `resource.matches.contains("status=final")`
"""

from __future__ import annotations

from collections.abc import Callable

from careplane.access.policy.terms import Entity, Unfit
from careplane.kernel.errors import CareplaneError
from careplane.search.compartments import (
    compartment_node,
    compartment_params,
    compartment_types,
)
from careplane.search.plan import Chain, Has, Keys, Node, Nothing, Reference, all_of, any_of
from careplane.search.registry import Registry
from careplane.search.rows import Param

Criteria = Callable[[str, str], Node]
Compartment = Callable[[str, str], Node | None]

ABOUT = {"Task": "patient"}
"""Types outside of the patient compartment of R4 that say whom they are for: they count as of that
patient's record, so that patients see what is asked of them and for them."""
_PATIENT = frozenset({"Patient"})
_UNDER_WAY = "status=arrived,triaged,in-progress"


def record_of(registry: Registry, criteria: Criteria) -> Compartment:
    """What is of a patient's record: the compartment, and what is `ABOUT` the patient."""

    def record(type: str, patient: str) -> Node | None:
        if type in ABOUT:
            return criteria(type, f"{ABOUT[type]}=Patient/{patient}")
        if type not in compartment_types("Patient"):
            return None
        return compartment_node(registry, "Patient", patient, [type])

    return record


class Relations:
    """The questions, over the search parameters of one registry."""

    def __init__(self, registry: Registry, criteria: Criteria, compartment: Compartment) -> None:
        self._registry = registry
        self.criteria = criteria
        self.compartment = compartment
        self._parsed: dict[tuple[str, str], Node] = {}
        self._of_patient: dict[str, Callable[[Entity], Node]] = {
            "careTeam": self._care_team,
            "attending": self._attending,
            "ward": self._ward,
            "proxies": self._proxies,
        }
        self.names = frozenset({"patients", "matches", *self._of_patient})

    def node(self, name: str, type: str, value: object) -> Node:
        """What resources of the type match if the set of this name contains the value. Raises
        Unfit where that is no question."""
        if name == "matches":
            if not isinstance(value, str):
                raise Unfit('resource.matches contains searches, such as "status=final"')
            return self._search(type, value)
        if not isinstance(value, Entity):
            raise Unfit(f"resource.{name} contains entities, such as principal")
        if name == "patients":
            inside = self.compartment(type, value.id) if value.type == "Patient" else None
            return inside or Nothing()
        return self._through_patient(type, self._of_patient[name](value))

    def _search(self, type: str, query: str) -> Node:
        found = self._parsed.get((type, query))
        if found is None:
            try:
                found = self.criteria(type, query)
            except CareplaneError as error:
                raise Unfit(f"the search {query!r} on {type}: {error.text}") from error
            self._parsed[type, query] = found
        return found

    def _through_patient(self, type: str, patient: Node) -> Node:
        """The patient, or what is in the compartment of one."""
        if type == "Patient" or isinstance(patient, Nothing):
            return patient
        if type in ABOUT:
            return Chain(self._param(type, ABOUT[type]), _PATIENT, patient)
        if type not in compartment_types("Patient"):
            return Nothing()
        params = compartment_params(self._registry, "Patient", type)
        return any_of(*(Chain(param, _PATIENT, patient) for param in params))

    def _care_team(self, who: Entity) -> Node:
        where = self._search("CareTeam", "status=active")
        return Has("CareTeam", self._param("CareTeam", "patient"),
                   all_of(where, self._is("CareTeam", "participant", who)))  # fmt: skip

    def _attending(self, who: Entity) -> Node:
        return self._encounter(self._is("Encounter", "participant", who))

    def _ward(self, who: Entity) -> Node:
        works = all_of(
            self._search("PractitionerRole", "active=true"),
            self._is("PractitionerRole", "practitioner", who),
        )
        here = Has("PractitionerRole", self._param("PractitionerRole", "location"), works)
        place = self._param("Encounter", "location")
        return self._encounter(Chain(place, frozenset({"Location"}), here))

    def _encounter(self, where: Node) -> Node:
        under_way = self._search("Encounter", _UNDER_WAY)
        return Has("Encounter", self._param("Encounter", "patient"), all_of(under_way, where))

    def _proxies(self, who: Entity) -> Node:
        if who.type != "RelatedPerson":
            return Nothing()
        person = all_of(
            self._search("RelatedPerson", "active=true"),
            Keys(frozenset({(who.type, who.id)})),
        )
        return Has("RelatedPerson", self._param("RelatedPerson", "patient"), person)

    def _is(self, type: str, code: str, who: Entity) -> Node:
        return Reference(self._param(type, code), frozenset({(who.type, who.id)}))

    def _param(self, type: str, code: str) -> Param:
        found = self._registry.lookup(type, code)
        assert found is not None
        return found.param
