"""The one tree of errors. Every room raises these; `rest.outcome` alone knows their HTTP statuses.

CareplaneError
├── Incorrect               the request itself is wrong
│   ├── Malformed           bytes that are not JSON, XML, UTF-8, a query string
│   ├── Invalid             well-formed, but breaks the rules of its type
│   │   └── Unprocessable   valid, but breaks a rule of the business
│   ├── TooLarge            more bytes, levels or entries than this server takes
│   └── UnsupportedMedia    a content type or character set this server does not read
├── NotAcceptable           no representation that the client accepts
├── Unauthenticated         no caller, or a credential that is not good
├── Forbidden               a known caller who may not do this
│   └── Unproven            who must prove anew who he is, before he does
├── NotFound                no such resource, version, type or operation
│   └── Gone                it was here and has been deleted
├── Conflict                the state of the record is in the way
│   ├── Precondition        If-Match or a condition of the client does not hold
│   └── Ambiguous           criteria that should match one resource match several
├── Unsupported             understood, and not offered here
├── Busy                    come again later
│   ├── TooMany             of what this client asked for, enough is under way
│   ├── Full                no room is left to store anything; what is there can be read
│   ├── Exceeded            what this tenant may store is stored; it can delete, and read
│   ├── Stale               somebody else wrote in between; the door tries again by itself
│   └── Outdated            search parameters were defined anew; the door tries again by itself
└── Fault                   our mistake
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to report, in the terms of OperationOutcome.issue (FHIR R4, 2.28).

    `code` is from the value set issue-type; `text` says what is wrong and what to do and never
    quotes a patient's data beyond the offending element name or a short code; `where` is a FHIRPath
    expression such as `Patient.name[0].given[1]`, empty where no element is to blame.
    """

    severity: Severity
    code: str
    text: str
    where: str = ""

    def under(self, prefix: str) -> Issue:
        """The same issue, for an element that stands inside another one (`Bundle.entry[3]`)."""
        head, dot, rest = self.where.partition(".")
        return replace(self, where=f"{prefix}{dot}{rest}" if head else prefix)


@dataclass(eq=False)
class CareplaneError(Exception):
    """The root. `text` is for the person who made the request; `issues` refine it with places."""

    text: str
    issues: tuple[Issue, ...] = field(default=(), kw_only=True)

    code = "exception"

    def __post_init__(self) -> None:
        if not self.issues:
            self.issues = (Issue("error", self.code, self.text),)

    def __str__(self) -> str:
        return self.text


class Incorrect(CareplaneError):
    """The request itself is wrong; sent again unchanged it fails again."""

    code = "invalid"


class Malformed(Incorrect):
    """Bytes that are not what they claim to be."""

    code = "structure"


class Invalid(Incorrect):
    """Well-formed, but breaks the rules of its type."""

    code = "invalid"


class Unprocessable(Invalid):
    """Valid, but breaks a rule of what it is about (R4, 3.1.0.5)."""

    code = "business-rule"


class TooLarge(Incorrect):
    """More bytes, levels or entries than this server takes."""

    code = "too-long"


class UnsupportedMedia(Incorrect):
    """A content type or character set this server does not read."""

    code = "not-supported"


class NotAcceptable(CareplaneError):
    """The client accepts no representation that this server writes."""

    code = "not-supported"


class Unauthenticated(CareplaneError):
    """No caller, or a credential that is not good."""

    code = "login"


class Forbidden(CareplaneError):
    """A known caller who may not do this."""

    code = "forbidden"


class Unproven(Forbidden):
    """A person whose proof of who he is is too old for this."""


class NotFound(CareplaneError):
    """No such resource, version, type or operation, or none that this caller may know of."""

    code = "not-found"


class Gone(NotFound):
    """It was here and has been deleted."""

    code = "deleted"


class Conflict(CareplaneError):
    """The state of the record is in the way."""

    code = "conflict"


class Precondition(Conflict):
    """A condition that the client named does not hold."""

    code = "conflict"


class Ambiguous(Precondition):
    """Criteria that should match one resource match several."""

    code = "multiple-matches"


class Unsupported(CareplaneError):
    """Understood, and not offered here."""

    code = "not-supported"


class Busy(CareplaneError):
    """The server cannot take this now; the same request may succeed later."""

    code = "throttled"


class TooMany(Busy):
    """Of what this client asked for, enough is under way."""


class Full(Busy):
    """No room is left to store anything until an operator makes some. The rest can be read."""

    code = "no-store"


class Exceeded(Busy):
    """A tenant has stored as much as its quota allows. Its operator can raise that."""

    code = "too-costly"


class Stale(Busy):
    """What a unit of work relied on has changed; whoever built the unit builds it anew."""

    code = "conflict"


class Outdated(Busy):
    """The definitions of search parameters that rows were made with have changed; whoever made the
    rows learns the new ones and makes them anew."""

    code = "conflict"


class Fault(CareplaneError):
    """Our mistake. `text` says nothing of the inside; the log has the rest."""

    code = "exception"
