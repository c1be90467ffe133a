"""FHIRPath Patch: a Parameters resource of operations (FHIR R4, 3.1.0.7.1, fhirpatch.html).

Each operation names its place by a FHIRPath expression, which is evaluated on what the operations
before it have made. The tree that was handed over stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from careplane.fhir.codec import json, xml
from careplane.fhir.fhirpath import Environment
from careplane.fhir.fhirpath.errors import EvaluationError, NotFhirpath
from careplane.fhir.patch import operations
from careplane.fhir.patch.bounds import MAX_NODES, check_cost, check_count, check_size
from careplane.fhir.patch.operands import Operands, read
from careplane.fhir.patch.place import Ground, Refused
from careplane.fhir.patch.wording import masked
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, Issue, Malformed

# Steps of the engine, for all paths of a patch together and for one of very many.
_BUDGET = 5_000_000
_LEAST_BUDGET = 5_000
_OPERATIONS: dict[str, Callable[[Ground, Operands], None]] = {
    "add": operations.add,
    "insert": operations.insert,
    "delete": operations.delete,
    "replace": operations.replace,
    "move": operations.move,
}


def apply(tree: Tree, raw: bytes) -> Tree:
    """What the patch makes of the tree; it may be written in JSON or XML.

    Raises Malformed for what is no patch, Invalid where an operation cannot be done, TooLarge.
    """
    parameters = xml.parse(raw) if raw.lstrip()[:1] in (b"<", b"\xef") else json.parse(raw)
    return apply_parameters(tree, parameters)


def apply_parameters(tree: Tree, parameters: Tree) -> Tree:
    """The same with the Parameters resource read."""
    steps = parameters.get("parameter", [])
    if parameters.get("resourceType") != "Parameters" or not isinstance(steps, list):
        raise Malformed("A FHIRPath Patch is a Parameters resource.")
    check_count(len(steps))
    check_cost(len(steps), check_size(tree, 2 * MAX_NODES) if steps else 0)
    result = deepcopy(tree)
    budget = max(_BUDGET // max(len(steps), 1), _LEAST_BUDGET)
    ground = Ground(result, Environment(budget=budget))
    for index, parameter in enumerate(steps):
        _step(ground, index, parameter)
    check_size(result, MAX_NODES * 2)
    return result


def _step(ground: Ground, index: int, parameter: object) -> None:
    operands = read(index, parameter)
    run = _OPERATIONS.get(operands.type)
    if run is None:
        raise Malformed(f"Operation {index}: 'type' must be one of {', '.join(_OPERATIONS)}.")
    called = f"Operation {index} ({operands.type} {masked(operands.path)})"
    try:
        run(ground, operands)
    except NotFhirpath as error:
        raise Malformed(f"{called}: {error.text}") from None
    except EvaluationError as error:
        raise Invalid(f"{called}: {error.text}") from None
    except Refused as refused:
        text = f"{called}: {refused}."
        raise Invalid(text, issues=(Issue("error", "invalid", text, refused.where),)) from None
