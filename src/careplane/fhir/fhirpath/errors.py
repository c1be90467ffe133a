"""What can be wrong with a FHIRPath expression, in four kinds, drawn under the one tree of errors.

Malformed ── NotFhirpath        the text is not in the grammar; names line and column
Invalid ──┬─ NotMeaningful      in the grammar, but means nothing on the type it is written for
          └─ EvaluationError    the values met break a rule of a function or an operator
TooLarge ─── BudgetSpent        took more steps, or made more values, than the caller allowed
"""

from __future__ import annotations

from careplane.kernel.errors import Invalid, Malformed, TooLarge


class NotFhirpath(Malformed):
    """The text is not FHIRPath."""

    code = "invalid"

    @classmethod
    def at(cls, text: str, offset: int, problem: str) -> NotFhirpath:
        """The same, with the place told as people count: from line 1, column 1."""
        line = text.count("\n", 0, offset) + 1
        column = offset - text.rfind("\n", 0, offset)
        return cls(f"FHIRPath, line {line}, column {column}: {problem}")


class NotMeaningful(Invalid):
    """The expression can never work on the type that it is written for."""

    code = "invalid"


class EvaluationError(Invalid):
    """A function or operator was given values that its definition forbids."""

    code = "processing"


class BudgetSpent(TooLarge):
    """The expression costs more than its caller is ready to pay."""

    code = "too-costly"
