"""What one examination knows and counts."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.fhir.profiles.library import Library
from careplane.fhir.profiles.ports import CodeChecker, Options, Resolver
from careplane.fhir.profiles.reached import Reach
from careplane.fhir.profiles.rules import Program, Rule
from careplane.kernel.errors import Invalid, Issue, TooLarge


class Context:
    """The library, the answers and the steps that are left."""

    def __init__(
        self, library: Library, codes: CodeChecker, resolver: Resolver, options: Options
    ) -> None:
        self.library = library
        self.codes = codes
        self.options = options
        self.reach = Reach(resolver)
        self.resolver = resolver
        self.troubles: dict[str, Issue] = {}
        self._left = options.steps

    def spend(self, steps: int = 1) -> None:
        """Count work: an element held against a rule is a step. Raises TooLarge when all are
        spent."""
        self._left -= steps
        if self._left < 0:
            raise TooLarge("The resource is too large to be held against its profiles; send less.")

    def program(self, canonical: str) -> Program | None:
        """The program of a canonical; a definition that cannot be used is told once."""
        try:
            return self.library.program(canonical)
        except Invalid as error:
            text = f"The definition {canonical} cannot be used: {error.text}"
            self.troubles[canonical] = Issue("warning", "processing", text)
            return None


def by(rule: Rule) -> str:
    """Which profile element says so, for the end of a message."""
    return f" (by {rule.source})"


def errors(issues: Iterator[Issue]) -> Iterator[Issue]:
    """Those that make a resource invalid."""
    return (issue for issue in issues if issue.severity in ("error", "fatal"))
