"""The slow walk: an element held against the rules of a profile, with every message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from careplane.fhir.definitions import Invariant, is_subtype
from careplane.fhir.fhirpath import Environment, Node, Shared, evaluate_boolean
from careplane.fhir.fhirpath.errors import BudgetSpent, EvaluationError, NotFhirpath, NotMeaningful
from careplane.fhir.fhirpath.items import truth
from careplane.fhir.profiles import targets
from careplane.fhir.profiles.answers import Answers
from careplane.fhir.profiles.bounds import beyond
from careplane.fhir.profiles.coded import binding_issues
from careplane.fhir.profiles.context import Context, by, errors
from careplane.fhir.profiles.fixed import against_fixed, against_pattern
from careplane.fhir.profiles.languages import language_issues
from careplane.fhir.profiles.places import place
from careplane.fhir.profiles.ports import CodeChecker
from careplane.fhir.profiles.reached import Reach
from careplane.fhir.profiles.rules import Program, Rule, Slicing, TypeRule
from careplane.fhir.profiles.slicing import counted, divided, slice_issues, slicing_of
from careplane.fhir.profiles.usage import additional_issues
from careplane.kernel.errors import Issue

_APART = 10_000
"""Steps of an expression whose %resource is another, counted whether it takes them or not."""
_ANY = frozenset({"BackboneElement", "Element", "Resource", "DomainResource"})
_CORE = "http://hl7.org/fhir/StructureDefinition/"


class Walk:
    """Holds elements against rules, for one examination."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._under: set[tuple[int, str]] = set()
        self._known: dict[tuple[int, str], bool] = {}
        self._kept: list[object] = []
        answers = Answers(self, context.codes)
        self.environment = Environment(
            budget=context.options.steps,
            now=context.options.now,
            resolver=context.resolver.resolve,
            terminology=answers,
            profiles=answers,
        )
        self._expressions = Shared(self.environment)

    @property
    def reach(self) -> Reach:
        """For references."""
        return self.context.reach

    @property
    def codes(self) -> CodeChecker:
        """For codes."""
        return self.context.codes

    def program(self, canonical: str) -> Program | None:
        """The program of a canonical."""
        return self.context.program(canonical)

    def conform(self, node: Node, program: Program) -> Iterator[Issue]:
        """All that a resource or element lacks to conform to a profile. What is under examination
        already, further up, is taken for good: that is how circles end."""
        key = (id(node.value), program.url)
        if key in self._under:
            return
        self._under.add(key)
        try:
            if not is_subtype(node.type, program.type):
                text = f"The profile {program.url} is for {program.type}, this is {node.type}"
                yield Issue("error", "structure", text, place(node))
                return
            yield from self.element(node, program.root)
        finally:
            self._under.discard(key)

    def conforms(self, node: Node, profile: str) -> bool:
        """Whether an element or resource conforms to a profile; yes where nobody knows it."""
        key = (id(node.value), profile)
        if key not in self._known:
            program = self.program(profile)
            if program is None:
                return True
            found = next(errors(self.conform(node, program)), None)
            self._known[key] = found is None
            self._kept.append(node.value)  # its id stays its own
        return self._known[key]

    def element(self, node: Node, rule: Rule) -> Iterator[Issue]:
        """What is wrong with one element, and with all in it."""
        self.context.spend()
        if rule.is_about_value:
            yield from self._value(node, rule)
        for child in rule.children.values():
            yield from self._children(node, child)

    def _children(self, node: Node, rule: Rule) -> Iterator[Issue]:
        items = node.child(rule.name)
        if not items and not rule.min and not rule.slices:
            return
        where = f"{place(node)}.{rule.name}"
        yield from counted(rule, len(items), where, rule.name)
        for item in items:
            yield from self.element(item, rule)
        if rule.slices or (rule.slicing and rule.slicing.rules == "closed"):
            yield from self._slices(items, rule, None, where)

    def _slices(
        self, items: list[Node], rule: Rule, outer: Slicing | None, where: str
    ) -> Iterator[Issue]:
        slicing = slicing_of(rule, outer)
        if not rule.slices:
            return
        owners = divided(items, rule, slicing, self)
        yield from slice_issues(items, owners, rule, slicing, where)
        for one in rule.slices:
            mine = [i for i, named in zip(items, owners, strict=True) if named == [one]]
            for item in mine:
                yield from self.element(item, one)
            if one.slices:
                yield from self._slices(mine, one, slicing, where)

    def _value(self, node: Node, rule: Rule) -> Iterator[Issue]:
        where = ""
        if rule.fixed is not None or rule.pattern is not None:
            where = place(node)
            if rule.fixed is not None:
                for at, text in against_fixed(node.value, rule.fixed, where):
                    yield Issue("error", "value", text + by(rule), at)
            if rule.pattern is not None:
                for at, text in against_pattern(node.value, rule.pattern, where):
                    yield Issue("error", "value", text + by(rule), at)
        for text in beyond(node, rule, self.context.options.now):
            yield Issue("error", "invalid", text + by(rule), place(node))
        if rule.binding is not None:
            yield from binding_issues(node, rule.binding, self.context.codes, by(rule))
        if rule.additional:
            yield from additional_issues(node, rule, self.context.codes)
        if rule.types:
            yield from self._typed(node, rule)
        if rule.language:
            yield from language_issues(node, rule.language, by(rule))
        for invariant in rule.invariants:
            yield from self._invariant(node, rule, invariant)

    def _invariant(self, node: Node, rule: Rule, invariant: Invariant) -> Iterator[Issue]:
        environment = self.environment
        if node.is_resource and node.parent is not None and "." in rule.source.rpartition("#")[2]:
            # said of a resource as an element of the one around it, which is %resource then
            environment = replace(environment, resource=node.parent.resource())
        try:
            kept = self._kept_by(invariant.expression, node, environment)
        except (EvaluationError, NotFhirpath, NotMeaningful) as error:
            text = f"{invariant.key}: The rule cannot be evaluated: {error}{by(rule)}"
            yield Issue("warning", "processing", text, place(node))
            return
        except BudgetSpent:
            text = f"{invariant.key}: Too large to be checked{by(rule)}"
            yield Issue("error", "too-costly", text, place(node))
            return
        if not kept:
            text = f"{invariant.key}: {invariant.human}{by(rule)}"
            yield Issue(invariant.severity, "invariant", text, place(node))

    def _kept_by(self, expression: str, node: Node, environment: Environment) -> bool:
        """Whether an invariant holds. All of one examination draw on one budget."""
        if environment is not self.environment:
            self.context.spend(_APART)
            return evaluate_boolean(expression, node, replace(environment, budget=_APART))
        found = self._expressions.evaluate(expression, node, 0)
        return truth(found, "An invariant") is not False

    def _typed(self, node: Node, rule: Rule) -> Iterator[Issue]:
        fitting = [t for t in rule.types if t.code in _ANY or is_subtype(node.type, t.code)]
        if not fitting:
            names = ", ".join(t.code for t in rule.types)
            text = f"This is a {node.type}; allowed is {names}{by(rule)}"
            yield Issue("error", "structure", text, place(node))
            return
        if node.type == "Reference":
            yield from targets.reference_issues(node, fitting, self, by(rule))
            return
        if node.type == "Extension":
            return  # its definition is asked wherever it stands
        yield from self._profiled(node, fitting, rule)

    def _profiled(self, node: Node, types: list[TypeRule], rule: Rule) -> Iterator[Issue]:
        if any(not t.profiles for t in types):
            return
        profiles = [p for t in types for p in t.profiles]
        if len(profiles) == 1:
            program = self.program(profiles[0])
            if program is not None:
                yield from self.conform(node, program)
            return
        if any(self.conforms(node, p) for p in profiles):
            return
        text = f"This conforms to none of {', '.join(profiles)}{by(rule)}"
        yield Issue("error", "structure", text, place(node))
        for profile in profiles:
            program = self.program(profile)
            if program is not None:
                yield from self.conform(node, program)
