"""What an evaluation knows: what its caller gives it, and where it stands at the moment.

Nothing here is global: the clock's time, the resolver of references, the terminology and the
budget come in an `Environment`, and two evaluations never see each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from careplane.fhir.fhirpath.errors import BudgetSpent, EvaluationError
from careplane.fhir.fhirpath.items import Collection
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.tree import Tree

DEFAULT_BUDGET: Final = 1_000_000


class Terminology(Protocol):
    """Answers about codes. None means that the question cannot be answered."""

    def member_of(self, coded: Node, value_set: str) -> bool | None:
        """Whether a code, Coding or CodeableConcept is in a value set."""

    def subsumes(self, ancestor: Node, coded: Node) -> bool | None:
        """Whether the first is the second, or an ancestor of it in its code system."""


class Profiles(Protocol):
    """Answers about profiles. None means that the profile is not known."""

    def conforms(self, node: Node, profile: str) -> bool | None:
        """Whether an element conforms to a StructureDefinition."""

    def element_definition(self, node: Node) -> Tree | None:
        """The ElementDefinition that governs an element."""

    def in_slice(self, node: Node, structure: str, name: str) -> bool | None:
        """Whether an element belongs to a named slice of a StructureDefinition."""


Resolver: TypeAlias = Callable[[str], Tree | None]
Trace: TypeAlias = Callable[[str, Collection], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the caller gives to an evaluation.

    `now` is the time in microseconds since 1970 (`kernel.clock`). `budget` bounds the steps: each
    costs about a microsecond. `variables` are external constants, by name without `%`.
    """

    now: int | None = None
    resolver: Resolver | None = None
    terminology: Terminology | None = None
    profiles: Profiles | None = None
    trace: Trace | None = None
    is_narrative: Callable[[str], bool] | None = None
    variables: Mapping[str, Collection] = field(default_factory=dict)
    resource: Node | None = None
    root_resource: Node | None = None
    budget: int = DEFAULT_BUDGET


class Key:
    """Of a path, or of a path by a child; the same for equal ones."""

    __slots__ = ("child",)

    def __init__(self, child: str) -> None:
        self.child = child


class Known:
    """What paths lead to: `found`, and `indexes` of that by the texts of a child."""

    __slots__ = ("found", "indexes")

    def __init__(self) -> None:
        self.found: dict[Key, Collection] = {}
        self.indexes: dict[Key, dict[str, Collection]] = {}

    def renew(self, child: str) -> None:
        """Forget what has changed: everything, but which elements have this child, and its text."""
        self.found.clear()
        self.indexes = {key: index for key, index in self.indexes.items() if key.child == child}


class Run:
    """One evaluation: its environment, its context, and what is left of its budget. `known` is what
    evaluations over one resource share; None where they share nothing."""

    __slots__ = ("context", "environment", "known", "left")

    def __init__(
        self, environment: Environment, context: Collection, known: Known | None = None
    ) -> None:
        self.environment = environment
        self.context = context
        self.left = environment.budget
        self.known = known

    def spend(self, steps: int) -> None:
        """Count work before or while it is done; raises BudgetSpent."""
        self.left -= steps
        if self.left < 0:
            raise BudgetSpent("The FHIRPath expression needs too many steps; make it simpler.")

    def now(self) -> int:
        """The time of this evaluation, the same throughout."""
        if self.environment.now is None:
            raise EvaluationError("now(), today() and timeOfDay() have no clock to ask here.")
        return self.environment.now


class Scope:
    """Where the evaluation stands: `$this`, `$index`, `$total` and the variables defined so far."""

    __slots__ = ("index", "run", "this", "total", "variables")

    def __init__(
        self,
        run: Run,
        this: Collection,
        index: int | None = None,
        total: Collection | None = None,
        variables: Mapping[str, Collection] | None = None,
    ) -> None:
        self.run = run
        self.this = this
        self.index = index
        self.total = total
        self.variables: Mapping[str, Collection] = variables or {}

    def nested(self, this: Collection) -> Scope:
        """A scope inside this one; what is defined in it stays in it."""
        return Scope(self.run, this, self.index, self.total, self.variables)

    def define(self, name: str, value: Collection) -> None:
        """Give a name to a collection, for what follows in this scope."""
        if name in self.variables or name in self.run.environment.variables:
            raise EvaluationError(f"The variable %{name} is defined already.")
        self.variables = {**self.variables, name: value}


Evaluator: TypeAlias = Callable[[Scope], Collection]
"""A compiled expression: from where we stand to a collection. It never changes what it is given."""
