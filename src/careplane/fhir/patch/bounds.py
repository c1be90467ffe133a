"""What a patch may cost: a short list of operations must not make a large resource."""

from __future__ import annotations

from typing import Any

from careplane.fhir.tree import MAX_DEPTH
from careplane.kernel.errors import TooLarge

MAX_OPERATIONS = 1000
MAX_NODES = 200_000
"""Values that the operations of one patch may copy; and nobody notices below it."""


MAX_STEPS = 20_000_000
"""Elements that all the operations of one patch may have to look at, each at all of them."""


def check_cost(looks: int, elements: int) -> None:
    """Raise TooLarge where so many looks at a resource of so many elements would take too long."""
    if looks * elements > MAX_STEPS:
        raise TooLarge("The patch has too many operations for so large a resource.")


def check_count(operations: int) -> None:
    """Raise TooLarge for more operations than a patch may have."""
    if operations > MAX_OPERATIONS:
        raise TooLarge(f"A patch may have {MAX_OPERATIONS} operations, this one has {operations}.")


def check_size(value: Any, allowed: int = MAX_NODES) -> int:
    """How many values a value holds, itself included; TooLarge beyond `allowed`, or too deep.

    No recursion and no more steps than allowed, whatever the value is.
    """
    count = 0
    waiting = [(value, 0)]
    while waiting:
        here, depth = waiting.pop()
        count += 1
        if depth > MAX_DEPTH or count + len(waiting) > allowed:
            raise TooLarge("The patch makes the resource larger or deeper than this server takes.")
        if isinstance(here, dict):
            waiting.extend((part, depth + 1) for part in here.values())
        elif isinstance(here, list):
            waiting.extend((part, depth + 1) for part in here)
    return count
