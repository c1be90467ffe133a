"""A summary as a document: a Bundle with the Composition first (R4, 3.3; IPS 1.1). Pure.

Resources are as they are stored, but that what they refer to and is not in the document is named
and no longer pointed at: no reader can follow it. Who asked for it has not attested it: what is
said here was put together by a program, which is its author.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from careplane.fhir.lines import Line, named, said
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.records.targets import target
from careplane.sharing.ips.gather import Gathered, Part
from careplane.sharing.ips.narrative import narrative, paragraph, table
from careplane.sharing.ips.sections import LOINC
from careplane.sharing.ips.spoken import sentence
from careplane.words.audience import audience
from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import mark

_STRUCTURES = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
COMPOSITION = _STRUCTURES + "Composition-uv-ips"
BUNDLE = _STRUCTURES + "Bundle-uv-ips"
TITLE = mark("International Patient Summary")
_EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
_WITHHELD: Tree = {
    "coding": [{"system": _EMPTY, "code": "withheld", "display": "Information Withheld"}]
}
_UNAVAILABLE: Tree = {
    "coding": [{"system": _EMPTY, "code": "unavailable", "display": "Unavailable"}]
}
_NOTE = mark(
    "Put together by a program from the record as it stood then. What the patient or the law keeps "
    "back is not in it."
)
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_LEVELS = ("U", "L", "M", "N", "R", "V")
Key = tuple[str, str]


def document(gathered: Gathered, base: str, now: int, new_id: Callable[[], str]) -> Tree:
    """The Bundle, in the language of the audience. `base` is the address of the FHIR interface, by
    which references are resolved."""
    patient = gathered.patient
    parts, devices = _with_statements(gathered.parts, f"Patient/{patient['id']}", new_id)
    author = _author(new_id())
    others = [*devices, *(tree for tree in gathered.others if tree not in devices)]
    entries = [tree for part in parts for _, tree in part.entries]
    inside = {_key(tree) for tree in (patient, author, *entries, *others)}
    composition = _composition(gathered, parts, _names(others), author, now, new_id)
    resources = [composition, patient, author, *entries, *others]
    bundle: Tree = {
        "resourceType": "Bundle",
        "id": new_id(),
        "meta": {"profile": [BUNDLE], **_security(resources)},
        "language": audience().language,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{new_id()}"},
        "type": "document",
        "timestamp": format_instant(now),
        "entry": [
            {"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one}
            for one in (closed(tree, base, inside) for tree in resources)
        ],
    }
    return bundle


def lines_of(gathered: Gathered, new_id: Callable[[], str]) -> list[tuple[Part, list[Line]]]:
    """What each section that has something to say says, for paper."""
    reference = _reference(gathered.patient)
    parts, devices = _with_statements(gathered.parts, reference, new_id)
    names = _names([*devices, *gathered.others])
    return [(part, _lines(part, names)) for part in parts if _is_said(part)]


def _composition(
    gathered: Gathered,
    parts: tuple[Part, ...],
    names: Mapping[str, str],
    author: Tree,
    now: int,
    new_id: Callable[[], str],
) -> Tree:
    patient = gathered.patient
    instant = format_instant(now)
    owner = patient.get("managingOrganization", {})
    custodian = owner if _is_in(owner, gathered.others) else None
    name, day = named(patient), instant[:10]
    about = (
        sentence(mark("International Patient Summary of %(name)s, %(day)s."), name=name, day=day)
        if name
        else sentence(mark("International Patient Summary, %(day)s."), day=day)
    )
    date = patient.get("birthDate")
    born = sentence(mark("Born %(day)s."), day=date) if date else ""
    return {
        "resourceType": "Composition",
        "id": new_id(),
        "meta": {"profile": [COMPOSITION]},
        "language": audience().language,
        "text": narrative(*map(paragraph, filter(None, (about, born, _(_NOTE))))),
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{new_id()}"},
        "status": "final",
        "type": {
            "coding": [{"system": LOINC, "code": "60591-5", "display": "Patient summary Document"}]
        },
        "subject": {"reference": f"Patient/{patient['id']}"},
        "date": instant,
        "author": [{"reference": f"Device/{author['id']}", "display": "Careplane"}],
        "title": _(TITLE),
        "confidentiality": _level(tree for part in parts for _, tree in part.entries),
        **({"custodian": custodian} if custodian else {}),
        "event": [
            {
                "code": [
                    {
                        "coding": [
                            {
                                "system": "http://terminology.hl7.org/CodeSystem/v3-ActClass",
                                "code": "PCPR",
                            }
                        ]
                    }
                ],
                "period": {"end": instant},
            }
        ],
        "section": [_section(part, names) for part in parts if _is_said(part)],
    }


def _is_said(part: Part) -> bool:
    return bool(part.entries) or part.withheld or part.section.level != "optional"


def _section(part: Part, names: Mapping[str, str]) -> Tree:
    section = part.section
    rows = _lines(part, names)
    return {
        "title": _(section.title),
        "code": {"coding": [{"system": LOINC, "code": section.code}]},
        "text": narrative(*_blocks(part, rows)),
        **(
            {"entry": [{"reference": _reference(tree)} for _, tree in part.entries]}
            if rows
            else {"emptyReason": _WITHHELD if part.withheld else _UNAVAILABLE}
        ),
    }


def _lines(part: Part, names: Mapping[str, str]) -> list[Line]:
    return [ask.say(_reference(tree), tree, names) for ask, tree in part.entries]


def _blocks(part: Part, rows: list[Line]) -> list[str]:
    if not rows:
        return [paragraph(_("Not shared.") if part.withheld else _("Nothing is recorded here."))]
    cut = _("Only the newest are in this summary; there are more.") if part.more else ""
    return [table(rows), *([paragraph(cut)] if cut else [])]


def _with_statements(
    parts: tuple[Part, ...], patient: str, new_id: Callable[[], str]
) -> tuple[tuple[Part, ...], list[Tree]]:
    """A Device that no statement tells of gets one: the IPS lists uses, and an implant matters. The
    Devices are then among the others."""
    devices: list[Tree] = []
    made = []
    for part in parts:
        uses = [pair for pair in part.entries if pair[1]["resourceType"] != "Device"]
        if len(uses) < len(part.entries):
            told = {str(tree.get("device", {}).get("reference")) for _, tree in uses}
            for ask, tree in part.entries:
                if tree["resourceType"] == "Device":
                    devices.append(tree)
                    if _reference(tree) not in told:
                        uses.append((ask, _statement(tree, patient, new_id())))
        made.append(replace(part, entries=tuple(uses)))
    return tuple(made), devices


def _statement(device: Tree, patient: str, id: str) -> Tree:
    unknown = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
    return {
        "resourceType": "DeviceUseStatement",
        "id": id,
        "status": "active",
        "subject": {"reference": patient},
        "_timingDateTime": unknown,
        "device": {"reference": _reference(device), "display": _called(device)},
    }


def _called(device: Tree) -> str:
    names = (str(one.get("name")) for one in device.get("deviceName", []))
    return said(device.get("type")) or next(names, "Device")


def _author(id: str) -> Tree:
    return {
        "resourceType": "Device",
        "id": id,
        "deviceName": [{"name": "Careplane", "type": "user-friendly-name"}],
        "type": {"text": "Software"},
    }


def closed(value: Any, base: str, inside: set[Key]) -> Any:
    """A tree whose references to resources of this server lead to what is `inside`; others keep
    their display, or say of which type they were."""
    if isinstance(value, list):
        return [closed(one, base, inside) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: closed(one, base, inside) for name, one in value.items()}
    reference = value.get("reference")
    key = target(base, reference)
    if isinstance(reference, str) and key:
        if key in inside:
            found["reference"] = f"{key[0]}/{key[1]}"
        else:
            del found["reference"]
            found.setdefault(
                "display", sentence(mark("%(type)s, not in this summary"), type=key[0])
            )
    return found


def _names(others: Iterable[Tree]) -> dict[str, str]:
    """What Medications and Devices are called, by reference."""
    found = {}
    for tree in others:
        if tree["resourceType"] == "Medication":
            found[_reference(tree)] = said(tree.get("code"))
        elif tree["resourceType"] == "Device":
            found[_reference(tree)] = _called(tree)
    return found


def _security(trees: Iterable[Tree]) -> Tree:
    """The labels of all that is in it, each once: a document is at least as sensitive."""
    found = {
        (label.get("system"), label.get("code")): label
        for tree in trees
        for label in tree.get("meta", {}).get("security", ())
    }
    return {"security": list(found.values())} if found else {}


def _level(trees: Iterable[Tree]) -> str:
    """The highest confidentiality of what is in it; normal at least."""
    codes: set[str] = {
        str(label.get("code"))
        for tree in trees
        for label in tree.get("meta", {}).get("security", ())
        if label.get("system") == _CONFIDENTIALITY
    }
    return max((code for code in (*codes, "N") if code in _LEVELS), key=_LEVELS.index)


def _is_in(reference: Tree, trees: Iterable[Tree]) -> bool:
    return any(reference.get("reference") == _reference(tree) for tree in trees)


def _reference(tree: Tree) -> str:
    return f"{tree['resourceType']}/{tree['id']}"


def _key(tree: Tree) -> Key:
    return tree["resourceType"], tree["id"]
