"""What can go wrong for a client, as members of the one tree of errors."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError, Issue


@dataclass(eq=False)
class Refused(CareplaneError):
    """The server answered with an error. `issues` are those of its OperationOutcome, `outcome` is
    the whole of it, None where it sent none."""

    status: int = field(default=0, kw_only=True)
    outcome: Tree | None = field(default=None, kw_only=True)


class Unreachable(CareplaneError):
    """The server does not answer."""

    code = "transient"


class Elsewhere(CareplaneError):
    """A link leads to another server, which must not see the token of this one."""

    code = "security"


def refused(answer: httpx.Response) -> Refused:
    """The error of an answer."""
    outcome = _outcome(answer.content)
    text = f"The server answers {answer.status_code}."
    first = Issue("error", "processing", text)
    return Refused(
        text, issues=(first, *_issues(outcome)), status=answer.status_code, outcome=outcome
    )


def _outcome(raw: bytes) -> Tree | None:
    try:
        tree = json.parse(raw)
    except CareplaneError:
        return None
    return tree if tree.get("resourceType") == "OperationOutcome" else None


def _issues(outcome: Tree | None) -> tuple[Issue, ...]:
    found = outcome.get("issue") if outcome else None
    return tuple(_issue(i) for i in found if isinstance(i, dict)) if isinstance(found, list) else ()


def _issue(issue: Tree) -> Issue:
    severity = issue.get("severity")
    where = issue.get("expression")
    details = issue.get("details")
    text = issue.get("diagnostics") or (details.get("text") if isinstance(details, dict) else "")
    return Issue(
        severity if severity in ("fatal", "warning", "information") else "error",
        str(issue.get("code", "processing")),
        str(text or ""),
        ", ".join(map(str, where)) if isinstance(where, list) else "",
    )
