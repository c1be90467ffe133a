"""Where the elements of a resource stand in its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_STEP = re.compile(r"(\w+)(?:\[(\d+)\])?|ofType\(\w+\)")


@dataclass(slots=True)
class Place:
    """The line, counted from 1, where an element begins, and the places of what stands in it.
    `names` are the lines where a name stands before all of its values."""

    line: int
    parts: dict[str, list[Place]] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)

    def find(self, where: str) -> Place:
        """The place of a FHIRPath such as `Patient.name[1].given[0]`, or of the nearest element
        around it that is in the text."""
        here = self
        steps = where.split(".")[1:]
        for left, step in enumerate(steps, 1 - len(steps)):
            match = _STEP.fullmatch(step)
            if match is None:
                break
            if match[1] is None:
                continue
            if not left and not match[2] and match[1] in here.names:
                return Place(here.names[match[1]])
            found = here._named(match[1])
            number = int((match[2] or "0")[:9])
            if number >= len(found):
                return found[-1] if found else here
            here = found[number]
        return here

    def _named(self, name: str) -> list[Place]:
        """The parts of a name. FHIRPath names a choice without its type, `value` for
        `valueQuantity`, and what stands beside a primitive as the primitive."""
        for other in (name, f"_{name}"):
            if other in self.parts:
                return self.parts[other]
        size = len(name)
        choices = (p for p in self.parts if p.startswith(name) and p[size : size + 1].isupper())
        return self.parts.get(next(choices, ""), [])
