"""Policies as they stand in files: each with its place, so that a message can name it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import cedarpy
from msgspec import Struct

from careplane.access.masks.paths import Misnamed
from careplane.access.policy.annotations import Shown, shown
from careplane.access.policy.expressions import ACTIONS, Expr
from careplane.access.scopes import Permission
from careplane.kernel.errors import Incorrect, Issue

SUFFIX = ".cedar"
_LARGEST = 1_000_000
LOOKING = frozenset({Permission.READ, Permission.SEARCH})
"""The actions that show something."""


class Rule(Struct, frozen=True):
    """One policy: `conditions` are all true where it applies; its scope is among them. `shown` is
    how much it shows of what it opens."""

    place: str
    text: str
    permits: bool
    actions: frozenset[Permission]
    conditions: tuple[Expr, ...]
    shown: Shown = Shown()


def refused(place: str, problem: str) -> Incorrect:
    """The error of a policy that cannot be used."""
    issue = Issue("error", "invalid", f"Policy refused: {problem}.", place)
    return Incorrect(f"{place}: {problem}.", issues=(issue,))


def shipped() -> dict[str, str]:
    """The ready roles: name of the file -> text."""
    folder = resources.files("careplane.access.policy") / "roles"
    return {f.name: f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(SUFFIX)}


def read_folder(folder: Path) -> dict[str, str]:
    """The files of an institution. Raises Incorrect for a folder or a file that is none."""
    if not folder.is_dir():
        raise refused(str(folder), "CAREPLANE_POLICIES names no folder; make it, or unset it")
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.suffix != SUFFIX or not path.is_file():
            raise refused(str(path), f"only files that end in {SUFFIX} belong here; move it away")
        if path.stat().st_size > _LARGEST:
            raise refused(str(path), f"the file is longer than {_LARGEST} bytes; split it")
        try:
            found[path.name] = path.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise refused(str(path), "the file is not UTF-8; save it as UTF-8") from error
    return found


def rules(files: Iterable[tuple[str, str]]) -> tuple[Rule, ...]:
    """The policies of files, by name and text. Raises Incorrect with every one that cannot be
    read."""
    found: list[Rule] = []
    problems: list[Issue] = []
    for name, text in files:
        for line, policy in _split(text):
            try:
                found.append(_rule(f"{name}:{line}", policy))
            except Incorrect as error:
                problems += error.issues
    if problems:
        raise Incorrect("Policies could not be read.", issues=tuple(problems))
    return tuple(found)


def _split(text: str) -> Iterator[tuple[int, str]]:
    """Each policy and the line on which it begins; what is between two `;` that stand in no text
    and no comment."""
    at, start = 0, None
    while at < len(text):
        if text.startswith("//", at):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            continue
        if start is None and not text[at].isspace():
            start = at
        if text[at] == '"':
            at = _after_text(text, at + 1)
            continue
        at += 1
        if text[at - 1] == ";" and start is not None:
            yield text.count("\n", 0, start) + 1, text[start:at]
            start = None
    if start is not None:
        yield text.count("\n", 0, start) + 1, text[start:]


def _after_text(text: str, at: int) -> int:
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _rule(place: str, text: str) -> Rule:
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise refused(place, f"not Cedar: {error}") from error
    policies = list(parsed["staticPolicies"].values())
    if len(policies) != 1:
        raise refused(place, "a template cannot be used; write the principal and the resource")
    (policy,) = policies
    conditions = (
        *_scope("resource", policy["resource"]),
        *_scope("principal", policy["principal"]),
        *(_condition(one) for one in policy["conditions"]),
    )
    actions = _actions(place, policy["action"])
    permits = policy["effect"] == "permit"
    return Rule(place, text, permits, actions, conditions, _shown(place, policy, permits, actions))


def _shown(
    place: str, policy: dict[str, Any], permits: bool, actions: frozenset[Permission]
) -> Shown:
    try:
        found = shown(policy.get("annotations", {}))
    except Misnamed as error:
        raise refused(place, str(error)) from error
    if found and not permits:
        raise refused(place, "a forbid shows nothing; write what is hidden above a permit")
    if found and not actions & LOOKING:
        raise refused(place, "it hides something and shows nothing; name the action read or search")
    return found


def _condition(condition: dict[str, Any]) -> Expr:
    body: Expr = condition["body"]
    return body if condition["kind"] == "when" else {"!": {"arg": body}}


def _scope(name: str, scope: dict[str, Any]) -> Iterator[Expr]:
    """`principal in Role::"nurse"`, `resource is Patient` ... as conditions."""
    variable = {"Var": name}
    entity = {"Value": {"__entity": scope.get("entity")}}
    if scope["op"] in ("==", "in"):
        yield {scope["op"]: {"left": variable, "right": entity}}
    elif scope["op"] == "is":
        inside = scope.get("in")
        yield {"is": {"left": variable, "entity_type": scope["entity_type"]}}
        if inside:
            yield {"in": {"left": variable, "right": {"Value": {"__entity": inside["entity"]}}}}


def _actions(place: str, scope: dict[str, Any]) -> frozenset[Permission]:
    if scope["op"] == "All":
        return frozenset(Permission)
    named = scope.get("entities") or [scope["entity"]]
    for one in named:
        if one["type"] != "Action" or one["id"] not in ACTIONS:
            known = ", ".join(ACTIONS)
            raise refused(place, f"there is no action {one['id']!r}; there are {known}")
    return frozenset(ACTIONS[one["id"]] for one in named)
