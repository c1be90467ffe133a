"""The policies of an institution, ready to decide: default deny, a forbid before every permit.

Loading finds of each policy the types and actions that it is about, and refuses what no search can
be restricted by. A decision then evaluates the few that are left, for one caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from careplane.access.caller import TREATMENT, Caller
from careplane.access.masks.paths import NONE
from careplane.access.masks.view import Mask, Opening, View
from careplane.access.policy.expressions import Expressions, negated
from careplane.access.policy.relations import Relations
from careplane.access.policy.source import LOOKING, Rule, read_folder, refused, rules, shipped
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
_LOOKING = tuple(sorted(LOOKING))


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
        self._of: dict[str, tuple[Rule, ...]] = {}
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
        masking = [rule for rule in rules if rule.shown.hides]
        self._masked = tuple(dict.fromkeys(type for rule in masking for type in rule.shown.hides))
        self._studies = tuple(rule for rule in rules if rule.shown.study)

    def restriction(self, caller: Caller, permission: Permission, type: str) -> Node:
        """What resources of the type must match, as the policies go."""
        asked = Asked(asker_of(caller), permission, type)
        permits: list[Node] = []
        forbids: list[Node] = []
        for rule in self.about(permission, type):
            (permits if rule.permits else forbids).append(self.condition(rule, asked))
        permitted = any_of(*permits)
        return all_of(permitted, *(negated(forbidden) for forbidden in forbids))

    def view(self, caller: Caller) -> View | None:
        """How much the caller sees of what lies within the restriction; None for all of it."""
        asker = asker_of(caller)
        masks: dict[str, Mask] = {}
        for type in self._masked:
            actions = (self._openings(Asked(asker, action, type)) for action in _LOOKING)
            mask = Mask(tuple(openings for openings in actions if openings))
            if mask.bound:
                masks[type] = mask
        studies = sorted({rule.shown.study for rule in self._studies if self._opens(rule, asker)})
        return View(masks, " ".join(studies)) if masks or studies else None

    def _openings(self, asked: Asked) -> tuple[Opening, ...]:
        found: dict[Opening, None] = {}
        for rule in self.about(asked.permission, asked.type):
            where = self.condition(rule, asked) if rule.permits else Nothing()
            if not isinstance(where, Nothing):
                found[Opening(where, rule.shown.hides.get(asked.type, NONE))] = None
        return tuple(found)

    def _opens(self, rule: Rule, asker: Asker) -> bool:
        """Whether a permit opens anything to somebody."""
        return any(
            not isinstance(self.condition(rule, Asked(asker, permission, type)), Nothing)
            for permission in rule.actions
            for type in RESOURCE_TYPES
        )

    def about(self, permission: Permission, type: str) -> tuple[Rule, ...]:
        """The policies that may have a say in this."""
        found = self._about.get((permission, type))
        if found is None:
            if type not in self._of:
                self._of[type] = tuple(rule for rule in self.rules if self._applies(rule, type))
            found = tuple(rule for rule in self._of[type] if permission in rule.actions)
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
            about = {type for type in RESOURCE_TYPES if self._applies(rule, type)}
        except Unfit as error:
            raise refused(rule.place, str(error)) from error
        strange = set(rule.shown.hides) - about
        if not about or not rule.actions:
            raise refused(rule.place, "it is about no type of resource; correct the types it names")
        if strange:
            raise refused(rule.place, f"it hides elements of {min(strange)}, which it is not about")


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
