"""The policies of an institution, ready to decide: default deny, a forbid before every permit.

Loading finds of each policy the types and actions that it is about, and refuses what no search can
be restricted by. A decision then evaluates the few that are left, for one caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from careplane.access.caller import TREATMENT, Caller
from careplane.access.policy.expressions import Expressions, negated
from careplane.access.policy.relations import Relations
from careplane.access.policy.source import Rule, read_folder, refused, rules, shipped
from careplane.access.policy.terms import UNASSIGNED, Asked, Asker, Entity, Unfit, asker_of
from careplane.access.scopes import Permission
from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.kernel.errors import Incorrect, Issue
from careplane.search.plan import EVERYTHING, Node, Nothing, all_of, any_of

_PROBE = Asker(
    Entity("Practitioner", "probe"),
    frozenset({UNASSIGNED}),
    frozenset({Entity("Patient", "probe")}),
    TREATMENT,
)


class Policies:
    """One set of policies. `Nothing` wherever no policy permits."""

    def __init__(
        self, rules: tuple[Rule, ...], relations: Relations, tested: frozenset[str] = frozenset()
    ) -> None:
        """Raises Incorrect with every policy that cannot be made part of a search; those of files
        that are `tested` can."""
        self._expressions = Expressions(relations)
        self.rules = rules
        self._about: dict[tuple[Permission, str], tuple[Rule, ...]] = {}
        problems: list[Issue] = []
        for rule in rules:
            if rule.place.rpartition(":")[0] in tested:
                continue
            try:
                self._check(rule)
            except Incorrect as error:
                problems += error.issues
        if problems:
            raise Incorrect("Policies cannot be used.", issues=tuple(problems))

    def restriction(self, caller: Caller, permission: Permission, type: str) -> Node:
        """What resources of the type must match, as the policies go."""
        asked = Asked(asker_of(caller), permission, type)
        permits: list[Node] = []
        forbids: list[Node] = []
        for rule in self.about(permission, type):
            (permits if rule.permits else forbids).append(self.condition(rule, asked))
        permitted = any_of(*permits)
        return all_of(permitted, *(negated(forbidden) for forbidden in forbids))

    def about(self, permission: Permission, type: str) -> tuple[Rule, ...]:
        """The policies that may have a say in this."""
        found = self._about.get((permission, type))
        if found is None:
            found = tuple(
                rule
                for rule in self.rules
                if permission in rule.actions and self._applies(rule, type)
            )
            self._about[permission, type] = found
        return found

    def condition(self, rule: Rule, asked: Asked) -> Node:
        """Where one policy applies. Raises Unfit, but only at load."""
        found: Node = EVERYTHING
        for condition in rule.conditions:
            found = all_of(found, self._expressions.holds(condition, asked))
            if isinstance(found, Nothing):
                break
        return found

    def _applies(self, rule: Rule, type: str) -> bool:
        # What hangs on the action is left open, as what hangs on the asker.
        asked = Asked(_PROBE, Permission.READ, type, probe=True)
        return not isinstance(self.condition(rule, asked), Nothing)

    def _check(self, rule: Rule) -> None:
        try:
            applies = [self._applies(rule, type) for type in RESOURCE_TYPES]
        except Unfit as error:
            raise refused(rule.place, str(error)) from error
        if not any(applies) or not rule.actions:
            raise refused(rule.place, "it is about no type of resource; correct the types it names")


def load(
    relations: Relations, folder: Path | None = None, more: Mapping[str, str] | None = None
) -> Policies:
    """The ready roles, `more`, and the files of an institution; of two files of one name the later
    one counts. Raises Incorrect with the file, the line and the reason of whatever is refused."""
    ready = shipped()
    files = {**ready, **(more or {})}
    if folder is not None:
        files |= read_folder(folder)
    tested = frozenset(name for name, text in ready.items() if files[name] == text)
    return Policies(rules(sorted(files.items())), relations, tested)
