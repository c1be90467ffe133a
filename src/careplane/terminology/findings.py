"""What operations find wrong or worth saying, in the words that terminology clients know.

Codes of kinds and ids of messages are those of the FHIR terminology ecosystem, so that a validator
finds here what it finds elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError, Incorrect, Issue, NotFound, Severity

KINDS = "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type"
_ID = "http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing. `kind` is of the code system `KINDS`, `id` names the message; `said` where the
    one text of the answer repeats it, `located` where clients look for the place in `location`,
    the older element, too."""

    severity: Severity
    code: str
    kind: str
    id: str
    text: str
    where: str = ""
    said: bool = False
    located: bool = True

    def tree(self) -> Tree:
        """As an OperationOutcome.issue."""
        details: Tree = {"text": self.text}
        if self.kind:
            details = {"coding": [{"system": KINDS, "code": self.kind}], **details}
        issue: Tree = {"severity": self.severity, "code": self.code, "details": details}
        if self.id:
            issue = {"extension": [{"url": _ID, "valueString": self.id}], **issue}
        if self.where:
            issue |= {"location": [self.where]} if self.located else {}
            issue["expression"] = [self.where]
        return issue


def outcome(findings: Iterable[Finding]) -> Tree:
    """An OperationOutcome of findings, each once."""
    issues = [finding.tree() for finding in dict.fromkeys(findings)]
    return {"resourceType": "OperationOutcome", "issue": issues}


class Refusal(Incorrect):
    """An operation that could not be carried out, and the finding that says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        issue = Issue(finding.severity, finding.code, finding.text, finding.where)
        super().__init__(finding.text, issues=(issue,))


class Missing(NotFound, Refusal):
    """A resource that the operation needs is not here."""


def refusal_of(error: CareplaneError) -> Tree | None:
    """The outcome of a refusal; None for other errors."""
    return outcome((error.finding,)) if isinstance(error, Refusal) else None
