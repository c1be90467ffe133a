"""The patient banner after the NHS CUI guide: who this is, and what endangers them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.say import types
from careplane.web.say.dates import age, day_of, say_date
from careplane.words.catalogues import gettext as _

_RIGHT_TO_LEFT = range(0x0590, 0x0900)
"""Hebrew, Arabic, Syriac, Thaana, N'Ko and their extensions in Unicode."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name to print; `direction` and `language` are for the element that holds it."""

    text: str
    direction: str
    language: str


@dataclass(frozen=True, slots=True)
class Person:
    """A patient as banners and lists name them."""

    id: str
    name: Name
    other: Name | None
    born: str
    age: str
    died: str
    gender: str
    identifier: str
    identifier_label: str
    synthetic: bool
    phone: str
    address: str
    language: str


def person(tree: Tree, today: date) -> Person:
    """The person that a Patient resource describes."""
    names = _by_use(tree.get("name", ()))
    language = _language(tree)
    died = tree.get("deceasedDateTime", "")
    on = day_of(died) if died else None
    chosen = _identifier(tree)
    return Person(
        id=tree.get("id", ""),
        name=_name(names[0], language) if names else Name("—", "auto", ""),
        other=_other(names),
        born=say_date(tree.get("birthDate", "")),
        age=age(tree.get("birthDate", ""), on or today),
        died=say_date(died) if died else _("yes") if tree.get("deceasedBoolean") else "",
        gender=GENDERS.get(tree.get("gender", ""), mark("Not recorded")),
        identifier=str(chosen.get("value", tree.get("id", ""))),
        identifier_label=_label(chosen),
        synthetic=any(
            label.get("code") == "HTEST" for label in tree.get("meta", {}).get("security", ())
        ),
        phone=next((t.get("value", "") for t in tree.get("telecom", ()) if t.get("value")), ""),
        address=next(map(types.address, tree.get("address", ())), ""),
        language=language,
    )


GENDERS = {
    "male": mark("Male"),
    "female": mark("Female"),
    "other": mark("Other"),
    "unknown": mark("Unknown"),
}
_USES = {
    use: place
    for place, use in enumerate(
        ("official", "usual", "", "temp", "anonymous", "nickname", "maiden", "old")
    )
}


def _by_use(names: Sequence[Tree]) -> list[Tree]:
    """Names in the order in which they serve to identify."""
    return sorted(names, key=lambda name: _USES.get(name.get("use", ""), len(_USES)))


def _name(tree: Tree, language: str) -> Name:
    text = types.name(tree)
    foreign = not types.is_latin(text)
    direction = "rtl" if any(ord(letter) in _RIGHT_TO_LEFT for letter in text) else "ltr"
    return Name(text, direction, language if foreign else "")


def _other(names: list[Tree]) -> Name | None:
    """The Latin form, where the official name is in another script."""
    if not names or types.is_latin(types.name(names[0])):
        return None
    return next((_name(n, "") for n in names[1:] if types.is_latin(types.name(n))), None)


def _language(tree: Tree) -> str:
    spoken = sorted(tree.get("communication", ()), key=lambda c: not c.get("preferred"))
    codes = (c.get("code", "") for s in spoken for c in s.get("language", {}).get("coding", ()))
    return next(codes, "")


def _identifier(tree: Tree) -> Tree:
    """The medical record number, else whatever identifier there is."""
    identifiers: list[Tree] = tree.get("identifier", [])
    for identifier in identifiers:
        if any(c.get("code") == "MR" for c in identifier.get("type", {}).get("coding", ())):
            return dict(identifier)
    return dict(identifiers[0]) if identifiers else {}


def _label(identifier: Tree) -> str:
    codes = [c.get("code") for c in identifier.get("type", {}).get("coding", ())]
    if "MR" in codes:
        return _("MRN")
    return types.concept(identifier.get("type", {})) or (_("No.") if identifier else _("Record id"))
