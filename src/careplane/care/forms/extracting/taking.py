"""What an extraction writes, beside what an earlier one has written.

The same again is nothing, what has changed is amended, and what is answered no more was entered in
error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from careplane.access.caller import Caller
from careplane.care.forms.extracting.made import ANSWER, Made
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import objects
from careplane.kernel.errors import Conflict
from careplane.records.commands import Write

_STORED: Final = frozenset({"meta", "id", "resourceType"})
_PASSING: Final = _STORED | {"status", "issued", "effectiveDateTime"}
_WRONG: Final = "entered-in-error"
_OPERATION: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_AGENT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def observed(made: Sequence[Made], before: Sequence[Tree]) -> list[Write]:
    """The Observations to be written; `before` are those that are derived from the response
    already. The operation vouches for them: a patient who answers writes no Observations else."""
    known = {str(tree["id"]): tree for tree in before}
    writes = []
    for one in made:
        there = known.pop(one.id, None)
        if there is None:
            writes.append(Write("Observation", one.id, one.tree, own=False))
        elif there.get("status") == _WRONG or _said(there, _PASSING) != _said(one.tree, _PASSING):
            amended = {**one.tree, "status": "amended"}
            writes.append(Write("Observation", one.id, amended, own=False))
    for id, tree in known.items():
        if tree.get("status") != _WRONG and _is_of_a_form(tree):
            writes.append(Write("Observation", id, {**tree, "status": _WRONG}, own=False))
    return writes


def _is_of_a_form(tree: Tree) -> bool:
    return any(one.get("system") == ANSWER for one in objects(tree.get("identifier")))


def defined(made: Sequence[Made], seen: Mapping[tuple[str, str], Tree]) -> list[Write]:
    """The other resources, under the rights of the caller. Raises Conflict where one that should be
    changed is not there."""
    writes = []
    for one in made:
        there = seen.get(one.key)
        if there is None and one.is_update:
            text = f"The {one.type} that this form changes is not here, or not yours to change."
            raise Conflict(text)
        tree = {**(there or {}), **one.tree}
        if there is None or _said(there, _STORED) != _said(tree, _STORED):
            writes.append(Write(one.type, one.id, tree))
    return writes


def provenance(
    id: str, response: str, writes: Sequence[Write], caller: Caller, patient: str, now: str
) -> Write:
    """Where they came from (R4, Provenance.entity)."""
    targets = [{"reference": f"{one.type}/{one.id}"} for one in writes]
    about = [{"reference": f"Patient/{patient}"}] if patient else []
    who = {"reference": caller.id, "display": caller.name}
    tree: Tree = {
        "resourceType": "Provenance",
        "target": [*targets, *(one for one in about if one not in targets)],
        "recorded": now,
        "activity": {"coding": [{"system": _OPERATION, "code": "CREATE", "display": "create"}]},
        "agent": [
            {
                "type": {"coding": [{"system": _AGENT, "code": "author", "display": "Author"}]},
                "who": who,
            }
        ],
        "entity": [{"role": "source", "what": {"reference": f"QuestionnaireResponse/{response}"}}],
    }
    return Write("Provenance", id, tree, own=False)


def _said(tree: Tree, passing: frozenset[str]) -> Any:
    return {name: value for name, value in tree.items() if name not in passing}
