"""Decisions of one installation: its scopes and its policies, over the search parameters of R4."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from careplane.access.consent.consents import Consents
from careplane.access.decide import Decider
from careplane.access.policy.policies import Policies, load
from careplane.access.policy.relations import Relations
from careplane.app.settings import Settings
from careplane.search.compartments import compartment_node, compartment_types
from careplane.search.criterion import Setting
from careplane.search.parse import criteria
from careplane.search.plan import Node
from careplane.search.registry import r4_registry

DEMO = "demo.cedar"


def decider_of(settings: Settings, consents: Consents) -> Decider:
    """Raises Incorrect where a policy cannot be used, with its file and line."""
    relations = _relations()
    policies = _loaded(settings, relations)
    return Decider(
        relations.criteria,
        relations.compartment,
        policies.restriction,
        consents,
        settings.break_glass_policies,
    )


def policies_of(settings: Settings) -> Policies:
    """The ready roles, those of the demo where it is one, and the institution's own."""
    return _loaded(settings, _relations())


def _loaded(settings: Settings, relations: Relations) -> Policies:
    folder = Path(settings.policies) if settings.policies else None
    return load(relations, folder, _demo() if settings.demo else {})


def _demo() -> dict[str, str]:
    return {DEMO: (resources.files("careplane.app.demo") / DEMO).read_text("utf-8")}


def _relations() -> Relations:
    """No right hangs on the words of a text, nor on a search parameter of one's own."""
    registry = r4_registry()

    def where(type: str, query: str) -> Node:
        return criteria(Setting(registry), type, query)

    def compartment(type: str, patient: str) -> Node | None:
        if type not in compartment_types("Patient"):
            return None
        return compartment_node(registry, "Patient", patient, [type])

    return Relations(registry, where, compartment)
