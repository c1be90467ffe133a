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

    def __init__(self, rules: tuple[Rule, ...], relations: Relations) -> None:
        """Raises Incorrect with every policy that cannot be made part of a search."""
        self._expressions = Expressions(relations)
        self.rules = rules
        self._about: dict[tuple[Permission, str], tuple[Rule, ...]] = {}
        problems: list[Issue] = []
        for rule in rules:
            try:
                self._place(rule)
            except Incorrect as error:
                problems += error.issues
        if problems:
            raise Incorrect("Policies cannot be used.", issues=tuple(problems))

    def restriction(self, caller: Caller, permission: Permission, type: str) -> Node:
        """What resources of the type must match, as the policies go."""
        asked = Asked(asker_of(caller), permission, type)
        permits: list[Node] = []
        forbids: list[Node] = []
        for rule in self._about.get((permission, type), ()):
            (permits if rule.permits else forbids).append(self.condition(rule, asked))
        permitted = any_of(*permits)
        return all_of(permitted, *(negated(forbidden) for forbidden in forbids))

    def about(self, permission: Permission, type: str) -> tuple[Rule, ...]:
        """The policies that may have a say in this."""
        return self._about.get((permission, type), ())

    def condition(self, rule: Rule, asked: Asked) -> Node:
        """Where one policy applies. Raises Unfit, but only at load."""
        found: Node = EVERYTHING
        for condition in rule.conditions:
            found = all_of(found, self._expressions.holds(condition, asked))
            if isinstance(found, Nothing):
                break
        return found

    def _place(self, rule: Rule) -> None:
        is_about = False
        for type in RESOURCE_TYPES:
            # What hangs on the action is left open, as what hangs on the asker.
            asked = Asked(_PROBE, Permission.READ, type, probe=True)
            try:
                applies = not isinstance(self.condition(rule, asked), Nothing)
            except Unfit as error:
                raise refused(rule.place, str(error)) from error
            for permission in rule.actions if applies else ():
                is_about = True
                key = (permission, type)
                self._about[key] = (*self._about.get(key, ()), rule)
        if not is_about:
            raise refused(rule.place, "it is about no type of resource; correct the types it names")


def load(
    relations: Relations, folder: Path | None = None, more: Mapping[str, str] | None = None
) -> Policies:
    """The ready roles, `more`, and the files of an institution; of two files of one name the later
    one counts. Raises Incorrect with the file, the line and the reason of whatever is refused."""
    files = {**shipped(), **(more or {})}
    if folder is not None:
        files |= read_folder(folder)
    return Policies(rules(sorted(files.items())), relations)
