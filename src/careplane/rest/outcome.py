"""From an error to an HTTP status and an OperationOutcome (FHIR R4, 3.1.0.1.8 and 2.28).

The only table of statuses. A fault says nothing of the inside; the log has its place.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from careplane.fhir.codec import json
from careplane.kernel import errors
from careplane.kernel.errors import CareplaneError, Fault, Issue
from careplane.kernel.observe import describe
from careplane.rest.response import Header, Response
from careplane.terminology.findings import refusal_of

_log = logging.getLogger(__name__)

STATUS: dict[type[CareplaneError], int] = {
    errors.Incorrect: 400,
    errors.Malformed: 400,
    errors.Invalid: 400,
    errors.Unprocessable: 422,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.NotAcceptable: 406,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Gone: 410,
    errors.Conflict: 409,
    errors.Precondition: 412,
    errors.Unsupported: 501,
    errors.Busy: 503,
    errors.TooMany: 429,
    errors.Exceeded: 507,
    errors.Fault: 500,
}
_HEADERS: dict[type[CareplaneError], tuple[Header, ...]] = {
    errors.Unauthenticated: ((b"www-authenticate", b'Bearer realm="Careplane FHIR"'),),
    errors.Unproven: (
        (
            b"www-authenticate",
            b'Bearer realm="Careplane FHIR", error="insufficient_user_authentication", '
            b'error_description="A more recent authentication is required", max_age="300"',
        ),
    ),
    errors.Busy: ((b"retry-after", b"1"),),
    errors.Full: ((b"retry-after", b"30"),),
}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FAULT = Fault("The server failed; the operator finds the reason in its log.")


class MethodNotAllowed(errors.Unsupported):
    """The address is right and the method is not."""

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        super().__init__(
            f"{method} is not offered at this address; these are: {', '.join(allowed)}."
        )
        self.allowed = allowed


def status_of(error: BaseException) -> int:
    """The status of the nearest kind in the table."""
    if isinstance(error, MethodNotAllowed):
        return 405
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def response_of(error: Exception) -> Response:
    """The whole answer to a request that ended in an error."""
    known = error if isinstance(error, CareplaneError) else _FAULT
    if not isinstance(error, CareplaneError) or isinstance(error, Fault):
        _log.error("A request failed: %s", describe(error))
    headers = [*next((_HEADERS[kind] for kind in type(known).__mro__ if kind in _HEADERS), ())]
    if isinstance(known, MethodNotAllowed):
        headers.append((b"allow", ", ".join(known.allowed).encode()))
    return Response(status_of(known), told(known), headers)


def told(error: CareplaneError) -> bytes:
    """The OperationOutcome of an error; that of a terminology operation with the codes that its
    clients know."""
    refused = refusal_of(error)
    return outcome(error.issues) if refused is None else json.dump(refused)


def outcome(issues: Iterable[Issue]) -> bytes:
    """An OperationOutcome. `location` repeats `expression` for readers of older versions."""
    return json.dump({"resourceType": "OperationOutcome", "issue": [_issue(i) for i in issues]})


def informed(text: str) -> bytes:
    """An OperationOutcome that all is well."""
    return outcome((Issue("information", "informational", text),))


def _issue(issue: Issue) -> dict[str, object]:
    written: dict[str, object] = {
        "severity": issue.severity,
        "code": issue.code,
        "diagnostics": _printable(issue.text),
    }
    if issue.where:
        written["expression"] = [_printable(issue.where)]
    return written


def _printable(text: str) -> str:
    """What a request calls something may have characters that a FHIR string and XML cannot hold
    (R4, 2.24.0.1 string)."""
    return _UNPRINTABLE.sub("\ufffd", text)
