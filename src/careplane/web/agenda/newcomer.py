"""A new patient, as the desk registers one while booking: what was typed, and the Patient of it."""

from __future__ import annotations

from datetime import date

from careplane.fhir.tree import Tree
from careplane.web.chart.banner import GENDERS
from careplane.web.i18n import mark

FIELDS = ("family", "given", "born", "gender", "phone", "email", "language")
_MOST = 100
_LANGUAGE = 35


def is_typed(sent: dict[str, str]) -> bool:
    """Whether somebody began to register a patient."""
    return any(sent.get(f"new-{name}", "").strip() for name in ("family", "given", "born"))


def problems(sent: dict[str, str], today: date) -> list[tuple[str, str]]:
    """Fields and what is wrong with them, to be translated."""
    found = []
    if not sent.get("new-family", "").strip():
        found.append(("new-family", mark("Write the family name.")))
    if not sent.get("new-given", "").strip():
        found.append(("new-given", mark("Write the given name.")))
    try:
        born = date.fromisoformat(sent.get("new-born", "").strip())
        if born > today or born.year < 1880:
            found.append(("new-born", mark("This date of birth cannot be.")))
    except ValueError:
        found.append(("new-born", mark("Write the date of birth as 1952-01-17.")))
    for name in FIELDS:
        if len(sent.get(f"new-{name}", "")) > _MOST:
            found.append((f"new-{name}", mark("This is too long.")))
    email = sent.get("new-email", "").strip()
    if email and ("@" not in email or any(c.isspace() for c in email)):
        found.append(("new-email", mark("This is no e-mail address.")))
    return found


def patient(sent: dict[str, str]) -> Tree:
    """The Patient."""
    typed = {name: sent.get(f"new-{name}", "").strip() for name in FIELDS}
    telecom: list[Tree] = []
    if typed["phone"]:
        telecom.append({"system": "phone", "use": "mobile", "value": typed["phone"]})
    if typed["email"]:
        telecom.append({"system": "email", "value": typed["email"]})
    tree: Tree = {
        "resourceType": "Patient",
        "active": True,
        "name": [{"use": "official", "family": typed["family"], "given": typed["given"].split()}],
        "birthDate": typed["born"],
    }
    if typed["gender"] in GENDERS:
        tree["gender"] = typed["gender"]
    if telecom:
        tree["telecom"] = telecom
    if typed["language"].isascii() and 0 < len(typed["language"]) <= _LANGUAGE:
        coding = {"system": "urn:ietf:bcp:47", "code": typed["language"]}
        tree["communication"] = [{"language": {"coding": [coding]}, "preferred": True}]
    return tree
