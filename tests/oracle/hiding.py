"""Elements that policies hide: drawn as annotations, and taken out of a record by hand.

Leaves are where something stands in the records of this population (`contact.telecom`); `*` is
whatever else R4 has, which an annotation that shows only some hides too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.policy_house import Record, conditions, is_about_something

HIDING: dict[str, tuple[tuple[str, frozenset[str]], ...]] = {
    "Observation": (
        ('@hides("Observation.note")', frozenset({"note"})),
        ('@hides("Observation.value, Observation.note")', frozenset({"note", "valueQuantity"})),
        ('@shows("Observation.status, Observation.code, Observation.subject, Observation.effective,'
         ' Observation.encounter, Observation.performer, Observation.value")',
         frozenset({"note", "category", "*"})),
    ),
    "Patient": (
        ('@hides("Patient.telecom")', frozenset({"telecom"})),
        ('@hides("Patient.contact.telecom")', frozenset({"contact.telecom"})),
        ('@hides("Patient.contact, Patient.address")',
         frozenset({"contact.name", "contact.telecom", "address"})),
        ('@shows("Patient.name, Patient.birthDate, Patient.telecom")',
         frozenset({"contact.name", "contact.telecom", "address", "*"})),
    ),
    "Condition": (
        ('@hides("Condition.note")', frozenset({"note"})),
        ('@shows("Condition.subject, Condition.encounter, Condition.note")',
         frozenset({"bodySite", "*"})),
    ),
    "Encounter": (
        ('@hides("Encounter.reasonCode")', frozenset({"reasonCode"})),
        ('@shows("Encounter.status, Encounter.class, Encounter.subject, Encounter.location,'
         ' Encounter.participant")', frozenset({"reasonCode", "*"})),
    ),
}  # fmt: skip
"""By type: annotations, and the leaves that they hide. None is of what restrictions stand on."""


@dataclass(frozen=True)
class Masked:
    """A permit, and what it hides of the resources of a type that it opens."""

    type: str
    policy: str
    hides: frozenset[str]


def _masked(type: str, which: int, who: str, what: str, when: str) -> Masked:
    annotation, hides = HIDING[type][which % len(HIDING[type])]
    scope = f"{who}, {what}, resource is {type}"
    return Masked(type, f"{annotation}\npermit ({scope})\nwhen {{ {when} }};", hides)


_WHO = ("principal", 'principal in Role::"m"', 'principal in Role::"m"', 'principal in Role::"a"')
_WHAT = ("action", 'action in [Action::"read", Action::"search"]',
         'action in [Action::"read", Action::"search"]', 'action == Action::"read"')  # fmt: skip
masked = st.builds(
    _masked, st.sampled_from(tuple(HIDING)), st.integers(0, 11), st.sampled_from(_WHO),
    st.sampled_from(_WHAT), st.one_of(st.just("true"), st.just("true"), conditions),
).filter(lambda one: is_about_something(one.policy))  # fmt: skip


def stripped(record: Record, hidden: frozenset[str]) -> Record:
    """A record as somebody sees it from whom these leaves are hidden; without `meta`."""
    left = {name: value for name, value in record.items() if name != "meta"}
    if not hidden:
        return left
    left.pop("text", None)
    for leaf in hidden:
        name, _, inner = leaf.partition(".")
        if name not in left:
            continue
        some = [{k: v for k, v in one.items() if k != inner} for one in left[name]] if inner else ()
        left = {k: v for k, v in left.items() if k != name}
        if kept := [one for one in some if one]:
            left[name] = kept
    return left


def leaves(tree: Any, path: str = "") -> set[tuple[str, str]]:
    """Each value in a tree, and where it stands."""
    if isinstance(tree, dict):
        return {leaf for name, inner in tree.items() for leaf in leaves(inner, f"{path}.{name}")}
    if isinstance(tree, list):
        return {leaf for inner in tree for leaf in leaves(inner, path)}
    return {(path, str(tree))}
