"""Parameters of the operations, read: as IHE has them, in the address or as Parameters."""

from __future__ import annotations

from typing import Any, cast

from careplane.fhir.codec import json
from careplane.fhir.moment import interval
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, Issue
from careplane.rest.operation import Call
from careplane.telehealth.scheduling.availability import recurrence
from careplane.telehealth.scheduling.availability.rules import MINUTE
from careplane.telehealth.scheduling.desk import More
from careplane.telehealth.scheduling.finding import MOST_DAYS, Search, Token, wishes

_USUAL, _MOST = 50, 500
_DAY = 1440 * MINUTE
FIND = (
    "start", "end", "specialty", "visit-type", "practitioner", "organization", "location-string",
    "location-reference", "patient-reference", "patient-resource", "reason", "referral-identifier",
    "timing", "insurance-reference",
)  # fmt: skip
COMMON = ("_format", "_pretty")


def search(call: Call, visits: str = "visit-type") -> Search:
    """What $find, $wait and $slots look for. Raises Incorrect."""
    start, end = span(call)
    references, identifiers = _references(call, "practitioner", "Practitioner")
    timing = call.tree("timing") if call.all("timing") else None
    days, hours = wishes(timing or {})
    organizations = _references(call, "organization", "Organization")[0]
    return Search(
        start,
        end,
        references,
        identifiers,
        _references(call, "location-reference", "Location")[0],
        tuple(one.partition("/")[2] for one in organizations),
        tuple(map(str, call.all("location-string"))),
        tuple(_token(value) for value in call.all("specialty")),
        tuple(_token(value) for value in call.all(visits)),
        days,
        hours,
    )


def span(call: Call) -> tuple[int, int]:
    """start and end, as moments."""
    start, end = _moment(call, "start")[0], _moment(call, "end")[1]
    if _moment(call, "end")[1] - _moment(call, "end")[0] < _DAY:
        end = _moment(call, "end")[0]  # an instant, and not a whole day
    if end <= start:
        raise _wrong("end", "The end lies before the start.")
    if end - start > MOST_DAYS * _DAY:
        raise _wrong("end", f"Ask for {MOST_DAYS} days at most.")
    return start, end


def patients(call: Call, *names: str) -> tuple[str, ...]:
    """Patients who are there already, by reference or as resources with an id."""
    found = list(_references(call, "patient-reference", "Patient")[0])
    for tree in call.all("patient-resource"):
        if not isinstance(tree, dict) or tree.get("resourceType") != "Patient":
            raise _wrong("patient-resource", "This is a Patient.")
        if "id" in tree:
            found.append(f"Patient/{tree['id']}")
    return tuple(dict.fromkeys(found))


def newcomers(call: Call) -> list[Tree]:
    """Patients without an id, who are to be registered."""
    return [cast(Tree, t) for t in call.all("patient-resource") if "id" not in cast(Tree, t)]


def more(call: Call) -> More:
    """What a proposal carries besides: why, and by which referral."""
    reasons: list[Tree] = []
    for system, code in (_token(value) for value in call.all("reason")):
        reasons.append({"coding": [{"system": system, "code": code} if system else {"code": code}]})
    made: list[tuple[str, Tree | list[Tree]]] = [("reasonCode", reasons)] if reasons else []
    identifier = call.tree("referral-identifier") if call.all("referral-identifier") else None
    if identifier:
        made.append(("basedOn", [{"type": "ServiceRequest", "identifier": identifier}]))
    return tuple(made)


def unheeded(call: Call) -> list[Issue]:
    """What $find takes, as IHE has it, and does not go by."""
    repeat = (call.tree("timing") or {}).get("repeat", {}) if call.all("timing") else {}
    strange = sorted(set(repeat) - {"dayOfWeek", "when"})
    names = [f"timing.repeat.{name}" for name in strange]
    names += ["insurance-reference"] if call.all("insurance-reference") else []
    return [
        Issue("information", "not-supported", f"{name[:64]} is not looked at.") for name in names
    ]


def count(call: Call) -> int:
    """`_count`; 50 without it, at most 500."""
    text = call.text("_count")
    if text is None:
        return _USUAL
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise _wrong("_count", "This is a whole number that is not negative.")
    return min(int(text), _MOST)


def appointment_id(call: Call) -> str:
    """The id of the appointment that is meant, by the address or by appointment-reference."""
    if call.id is not None:
        return call.id
    found, _ = _references(call, "appointment-reference", "Appointment")
    if len(found) != 1:
        raise _wrong("appointment-reference", "Name one Appointment, such as Appointment/17.")
    return found[0].partition("/")[2]


def repeats(call: Call) -> tuple[recurrence.Recurrence, int] | None:
    """The recurrence of a series and how many visits it has; None for one visit."""
    text, number = call.text("recurrence"), call.text("count")
    if text is None:
        return None
    try:
        found = recurrence.read(text)
    except ValueError as error:
        raise _wrong("recurrence", f"The recurrence {error}.") from None
    if number is None or not (number.isascii() and number.isdigit() and len(number) < 6):
        raise _wrong("count", "A series says how many visits it has.")
    return found, int(number)


def resource(call: Call) -> Tree | None:
    """appointment-resource, or a body that is one."""
    tree: Any = call.tree("appointment-resource")
    if tree is None and call.resource:
        tree = json.parse(call.resource)
    if tree is not None and tree.get("resourceType") != "Appointment":
        raise _wrong("appointment-resource", "This is an Appointment.")
    return cast("Tree | None", tree)


def _references(call: Call, name: str, type: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Relative references, and identifiers as tokens, of a parameter."""
    references, identifiers = [], []
    for value in call.all(name):
        tree = value if isinstance(value, dict) else {"reference": value}
        identifier = tree.get("identifier")
        if "reference" not in tree and isinstance(identifier, dict) and type == "Practitioner":
            system, code = identifier.get("system"), identifier.get("value")
            identifiers.append(f"{system}|{code}" if system else str(code))
            continue
        text = str(tree.get("reference", "")).removeprefix(f"{call.request.base}/")
        text = text if "/" in text else f"{type}/{text}"
        if text.count("/") != 1 or not text.startswith(f"{type}") or text.endswith("/"):
            raise _wrong(name, f"Write a reference of this server, such as {type}/17.")
        references.append(text)
    return tuple(references), tuple(identifiers)


def _token(value: object) -> Token:
    if not isinstance(value, str) or not value:
        raise Incorrect("Codes are written as system|code.")
    system, bar, code = value.rpartition("|")
    return (system if bar else None), code


def _moment(call: Call, name: str) -> tuple[int, int]:
    text = call.text(name)
    if text is None:
        raise _wrong(name, f"Say {name}, such as 2027-03-01 or 2027-03-01T09:00:00Z.")
    try:
        return interval(text)
    except (ValueError, OverflowError):
        raise _wrong(name, "This is no date or dateTime, such as 2027-03-01.") from None


def _wrong(name: str, text: str) -> Incorrect:
    where = f"Parameters.parameter.where(name='{name}')"
    return Incorrect(f"{name}: {text}", issues=(Issue("error", "value", f"{name}: {text}", where),))
