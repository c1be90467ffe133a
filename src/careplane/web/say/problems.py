"""What is wrong with what was typed: a sentence that is translated, and what stands in it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """`text` has been through `mark`; `values` are its placeholders, escaped when they are shown.
    In a template: `_(problem.text, **problem.values)`."""

    text: str
    values: dict[str, str | int] = field(default_factory=dict)


Problems = dict[str, Problem]
"""By the name of the field."""
