"""A Consent as a tree of rules, as it stands at one moment (FHIR R4, 6.2 Consent).

Most Consents are made by few forms, so what one says is read once for all that say the same to the
byte: the rest of it is whose it is, and from when.

Periods are judged here: what is not in force now is left out; `ends` says until when that is so.
What cannot be understood (an actor who is only named, a class that is no type, a nesting deeper
than thirty-two) counts against whoever asks: a denial applies there, a permission does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from careplane.access.consent.terms import SCOPES
from careplane.search.dates import span
from careplane.search.rows import BEGINNING, END

_REFERENCE = re.compile(r"([A-Z][A-Za-z]+|client)/([A-Za-z0-9.-]{1,64})(?:/_history/.*)?")
_OTHER_PARTS = frozenset({"AUT", "CST", "GRANTOR", "DELEGATOR"})
"""Roles in which an actor is no recipient (v3-RoleCode and v3-ParticipationType)."""
_BASE = {"OPTIN": True, "OPTINR": True, "OPTOUT": False, "OPTOUTE": False}
"""Policy rules that say what holds without a provision (v3-ActCode)."""
_DEPTH = 32

Members = Callable[[str], frozenset[str] | None]
"""Who belongs to an actor (`Organization/1` -> callers); None where that is not known."""
Datum = tuple[str, str, str]
"""Meaning (`instance`, `related`, `dependents`, `authoredby`), type and id."""
Coded = tuple[str | None, str]


class Rule(Struct, frozen=True):
    """One provision. `permits` is None for one that decides nothing itself. Sets are None where it
    does not say; `unclear` names those in which something could not be understood; `place` is its
    path in the Consent."""

    place: str
    permits: bool | None
    actors: frozenset[str] | None = None
    named: frozenset[str] = frozenset()
    actions: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    labels: frozenset[Coded] | None = None
    classes: frozenset[str] | None = None
    codes: frozenset[Coded] | None = None
    data: frozenset[Datum] | None = None
    data_period: tuple[int, int] | None = None
    unclear: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()

    @property
    def kinds(self) -> frozenset[str]:
        """What it is bound by: the more, the more specific."""
        bound = (
            "actors",
            "actions",
            "purposes",
            "labels",
            "classes",
            "codes",
            "data",
            "data_period",
        )
        return frozenset(name for name in bound if getattr(self, name) is not None)


class Said(Struct, frozen=True):
    """What a Consent says, whoever's it is. `purposes` are those that its scope bears on (None:
    all)."""

    purposes: frozenset[str] | None
    root: Rule


class Given(Struct, frozen=True, gc=False):
    """An active Consent of a patient; `when` is its date in microseconds since 1970."""

    patient: str
    when: int
    said: Said


class Form(Struct, frozen=True, gc=False):
    """What a Consent says, in its bytes: its scope, its policy rule and its provisions; empty where
    it has none."""

    scope: bytes
    policy: bytes
    provision: bytes


class _Subject(Struct, frozen=True):
    reference: str = ""


class _Parts(Struct):
    """Of a Consent what decides; each part as it stands, the patient aside."""

    status: str = ""
    patient: _Subject = _Subject()
    dateTime: str = ""  # noqa: N815  (R4's name)
    scope: Raw = Raw()
    policyRule: Raw = Raw()  # noqa: N815
    provision: Raw = Raw()


class Stated(Struct, frozen=True, gc=False):
    """A Consent as it was written: whose (`Patient/17`), when, and what it says; `form` is None
    where it is not active."""

    patient: str
    when: str
    form: Form | None


_parts = msgspec.json.Decoder(_Parts).decode
_tree = msgspec.json.Decoder(dict[str, Any]).decode


def stated(raw: bytes) -> Stated:
    """The JSON of a Consent, taken apart as far as it is whoever's it is."""
    parts = _parts(raw)
    form = Form(bytes(parts.scope), bytes(parts.policyRule), bytes(parts.provision))
    active = parts.status == "active"
    return Stated(parts.patient.reference, parts.dateTime, form if active else None)


class _Read(Struct, frozen=True):
    """What a form says now, None where it bears on nothing; and whether it does so at any time."""

    said: Said | None
    lasts: bool


class Reading:
    """Reads Consents as of `now` (microseconds since 1970). `ends` is the next moment at which one
    of them reads otherwise."""

    def __init__(self, now: int, members: Members, base: str = "") -> None:
        self._now = now
        self._members = members
        self._base = base
        self.ends = END
        self._lasts = True
        self._forms: dict[Form, _Read] = {}
        self._moments: dict[str, int] = {}

    def given(self, one: Stated) -> tuple[Given | None, bool]:
        """None for a Consent that bears on nothing here; and whether it reads so at any time,
        whoever belongs to whom."""
        patient = self._named(one.patient)
        if one.form is None or patient is None or patient[0] != "Patient":
            return None, True
        read = self._forms.get(one.form)
        if read is None:
            read = self._forms[one.form] = self._read(one.form)
        if read.said is None:
            return None, read.lasts
        when = self._moments.get(one.when)
        if when is None:
            when = self._moments[one.when] = (span(one.when) or (BEGINNING,))[0]
        return Given(patient[1], when, read.said), read.lasts

    def _read(self, form: Form) -> _Read:
        self._lasts = True
        purposes = _purposes(_tree(form.scope) if form.scope else None)
        if purposes is None:
            return _Read(None, True)
        policy = _tree(form.policy) if form.policy else None
        root = _tree(form.provision) if form.provision else {}
        rule = self._rule(root, "provision", _base_of(policy), 0)
        return _Read(None if rule is None else Said(purposes or None, rule), self._lasts)

    def _rule(
        self, tree: dict[str, Any], place: str, permits: bool | None, depth: int
    ) -> Rule | None:
        if not self._in_force(tree.get("period")):
            return None
        if tree.get("type") in ("permit", "deny"):
            permits = tree["type"] == "permit"
        if depth > _DEPTH:
            return Rule(place, False)
        actors, named, *unclear = self._actors(tree)
        classes, unclear_class = _classes(tree)
        data, unclear_data = self._data(tree)
        codes, unclear_code = _codes(tree)
        kinds = zip(
            ("actors", "classes", "data", "codes"),
            (*unclear, unclear_class, unclear_data, unclear_code),
            strict=True,
        )
        inner = [
            self._rule(one, f"{place}.provision[{n}]", None, depth + 1)
            for n, one in enumerate(tree.get("provision") or ())
        ]
        return Rule(
            place,
            permits,
            actors,
            named,
            _plain_codes(tree.get("action")),
            _coding_codes(tree.get("purpose")),
            _codings(tree.get("securityLabel")),
            classes,
            codes,
            data,
            _data_period(tree.get("dataPeriod")),
            frozenset(kind for kind, is_so in kinds if is_so),
            tuple(rule for rule in inner if rule is not None),
        )

    def _in_force(self, period: dict[str, Any] | None) -> bool:
        low, high = _bounds(period)
        self._lasts = self._lasts and not period
        for edge in (low, high):
            if self._now < edge < self.ends:
                self.ends = edge
        return low <= self._now < high

    def _actors(self, tree: dict[str, Any]) -> tuple[frozenset[str] | None, frozenset[str], bool]:
        """Callers that the actors are, those that are named themselves, and whether there may be
        more."""
        if not tree.get("actor"):
            return None, frozenset(), False
        found: set[str] = set()
        named: set[str] = set()
        unclear = False
        for actor in tree["actor"]:
            target = self._target(actor.get("reference"))
            roles = _concept_codes([actor.get("role") or {}])
            if target is None or any(code in _OTHER_PARTS for _, code in roles):
                unclear = True
                continue
            name = "/".join(target)
            members = self._members(name)
            self._lasts = self._lasts and members == frozenset({name})
            unclear = unclear or members is None
            found |= members or frozenset()
            named.add(name)
        return frozenset(found), frozenset(named), unclear

    def _data(self, tree: dict[str, Any]) -> tuple[frozenset[Datum] | None, bool]:
        if not tree.get("data"):
            return None, False
        found = [(str(d.get("meaning")), self._target(d.get("reference"))) for d in tree["data"]]
        known = frozenset((meaning, *target) for meaning, target in found if target)
        return known, len(known) < len(set(found))

    def _target(self, reference: Any) -> tuple[str, str] | None:
        return self._named(str((reference or {}).get("reference", "")))

    def _named(self, text: str) -> tuple[str, str] | None:
        text = text.removeprefix(f"{self._base}/")
        match = _REFERENCE.fullmatch(text)
        return (match[1], match[2]) if match else None


def may_name_groups(one: Stated, groups: Iterable[str]) -> bool:
    """Whether some provision may have an actor whose reference holds one of these (`CareTeam/`);
    where a text is escaped that is not looked at."""
    if one.form is None:
        return False
    text = one.form.provision
    return b"\\" in text or any(name.encode() in text for name in groups)


def _purposes(scope: Any) -> frozenset[str] | None:
    """Purposes that a scope bears on, empty for all of them; None where it bears on none."""
    found: set[str] = set()
    for _, code in _concept_codes([scope or {}]):
        if code in SCOPES:
            bears = SCOPES[code]
            if bears is None:
                return frozenset()
            found |= bears
    return frozenset(found) or None


def _base_of(policy: Any) -> bool | None:
    codes = (code for _, code in _concept_codes([policy or {}]))
    return next((_BASE[code] for code in codes if code in _BASE), None)


def _classes(tree: dict[str, Any]) -> tuple[frozenset[str] | None, bool]:
    """Types, and profiles by their address."""
    found = _codings(tree.get("class"))
    if found is None:
        return None, False
    known = frozenset(
        code for _, code in found if re.fullmatch(r"[A-Z][A-Za-z]+|https?://.+", code)
    )
    return known, len(known) < len(found)


def _codes(tree: dict[str, Any]) -> tuple[frozenset[Coded] | None, bool]:
    concepts = tree.get("code")
    if not concepts:
        return None, False
    bare = any(not concept.get("coding") for concept in concepts)
    return frozenset(_concept_codes(concepts)), bare


def _concept_codes(concepts: Iterable[dict[str, Any]]) -> list[Coded]:
    return [
        (coding.get("system"), coding["code"])
        for concept in concepts
        for coding in concept.get("coding") or ()
        if coding.get("code")
    ]


def _plain_codes(concepts: Any) -> frozenset[str] | None:
    return frozenset(code for _, code in _concept_codes(concepts)) if concepts else None


def _codings(codings: Any) -> frozenset[Coded] | None:
    if not codings:
        return None
    return frozenset((one.get("system"), one["code"]) for one in codings if one.get("code"))


def _coding_codes(codings: Any) -> frozenset[str] | None:
    found = _codings(codings)
    return None if found is None else frozenset(code for _, code in found)


def _data_period(period: Any) -> tuple[int, int] | None:
    return _bounds(period) if period else None


def _bounds(period: dict[str, Any] | None) -> tuple[int, int]:
    """Half-open; the last day counts whole."""
    start = span(str((period or {}).get("start", "")))
    end = span(str((period or {}).get("end", "")))
    return (start[0] if start else BEGINNING), (end[1] if end else END)
