"""Whether a change is what a topic tells of (R5, SubscriptionTopic.resourceTrigger).

Criteria are read once, when a topic is met; then each change is decided upon by its rows alone.
FHIRPath, which looks at the resources themselves, comes last.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from msgspec import Struct

from careplane.fhir import fhirpath
from careplane.fhir.codec import json
from careplane.fhir.fhirpath import Collection, Environment, root_node
from careplane.interop.subscriptions.filters import node_of
from careplane.interop.subscriptions.topic import Interaction, Topic, Trigger
from careplane.kernel.errors import CareplaneError
from careplane.records.bodies import whole
from careplane.records.results import Version
from careplane.search.criterion import Setting
from careplane.search.match import NoWorld, Subject, matches
from careplane.search.plan import Node

_BUDGET = 100_000
_ALONE = NoWorld()


class Rule(Struct, frozen=True):
    """A trigger, its criteria understood."""

    trigger: Trigger
    previous: Node | None
    current: Node | None


def rules_of(setting: Setting, topic: Topic) -> tuple[Rule, ...]:
    """The rules of a topic. Raises Invalid or Unsupported where its criteria cannot be read."""
    return tuple(
        Rule(
            trigger,
            node_of(setting, trigger.type, trigger.previous) if trigger.previous else None,
            node_of(setting, trigger.type, trigger.current) if trigger.current else None,
        )
        for trigger in topic.triggers
    )


@dataclass
class Happening:
    """One change: the version, the state that it made and the one that it replaced. A deletion has
    no `now`, a new resource no `before`."""

    version: Version
    now: Subject | None
    before: Subject | None
    replaced: Version | None = None

    @property
    def interaction(self) -> Interaction:
        """A resource that comes back after its deletion is created."""
        if self.now is None:
            return "delete"
        return "update" if self.before else "create"

    @property
    def subject(self) -> Subject | None:
        """The state that filters and rights look at: what is, or what was deleted."""
        return self.now or self.before

    @cached_property
    def current(self) -> Collection:
        """`%current`."""
        return [] if self.version.deleted else [root_node(json.parse(whole(self.version)))]

    @cached_property
    def previous(self) -> Collection:
        """`%previous`."""
        if self.replaced is None or self.replaced.deleted:
            return []
        return [root_node(json.parse(whole(self.replaced)))]


def fires(rule: Rule, happening: Happening, now: int) -> bool:
    """Whether the change is one that the rule tells of; `now` is what FHIRPath takes for now."""
    trigger = rule.trigger
    if trigger.type != happening.version.type or happening.interaction not in trigger.interactions:
        return False
    if not _query(rule, happening):
        return False
    return not trigger.fhirpath or _fhirpath(trigger.fhirpath, happening, now)


def _query(rule: Rule, happening: Happening) -> bool:
    trigger = rule.trigger
    asked = [
        _holds(node, state, instead)
        for node, state, instead in (
            (rule.previous, happening.before, trigger.on_create),
            (rule.current, happening.now, trigger.on_delete),
        )
        if node is not None
    ]
    if not asked:
        return True
    return all(asked) if trigger.both else any(asked)


def _holds(node: Node, state: Subject | None, instead: bool) -> bool:
    return instead if state is None else matches(node, state, _ALONE)


def _fhirpath(expression: str, happening: Happening, now: int) -> bool:
    focus = happening.current or happening.previous
    variables = {"current": happening.current, "previous": happening.previous}
    try:
        found = fhirpath.evaluate(
            expression, focus, Environment(now=now, variables=variables, budget=_BUDGET)
        )
    except CareplaneError:
        return False  # An expression that does not suit these values is not true of them.
    return found == [True]


def narrowed(node: Node, happening: Happening) -> bool:
    """Whether the change is within a filter."""
    subject = happening.subject
    return subject is not None and matches(node, subject, _ALONE)
