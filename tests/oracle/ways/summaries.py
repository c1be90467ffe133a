"""Parts of a record made into one: `$summary`, health links and cards, the summary of MCP. Whoever
opens a link sees what its maker may see: for Consents as somebody else, at the patient's wish."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from careplane.kernel.errors import Forbidden, NotFound
from careplane.sharing.links.shares import Wish
from tests.consent_house import references, subjects
from tests.fhir_house import BASE, TENANT
from tests.oracle.hiding import leaves
from tests.oracle.marks import marked
from tests.oracle.rights import Judge, Sight
from tests.oracle.rooms import LAB
from tests.oracle.way import Here, Way, a_patient, found_of, is_coded
from tests.policy_house import Record
from tests.sharing_house import opened

WAYS: dict[str, Way] = {}
_SECTIONS = ("Condition", "AllergyIntolerance", "MedicationRequest", "Immunization")
_FOLLOWED = ("Location", "Observation", "Organization", "Practitioner", "PractitionerRole")
_OURS = {"Composition", "Device"}
"""What a summary has besides: its head, and the program that made it."""


def _is_directive(record: Record) -> bool:
    return bool(record["scope"]["coding"][0]["code"] == "adr")


def _of(sight: Sight, id: str) -> set[str]:
    """What a summary of a patient has: sections, and who and where its entries name."""
    if f"Patient/{id}" not in sight.read:
        return set()
    inside = [f"Patient/{id}"]
    for type in _SECTIONS:
        inside += found_of(sight, type, lambda r: id in subjects(r))
    inside += found_of(sight, "Observation", lambda r: id in subjects(r) and is_coded(r, LAB))
    inside += found_of(sight, "Consent", lambda r: id in subjects(r) and _is_directive(r))
    every, last = set(inside), set(inside)
    for _ in range(2):
        named = set().union(*(references(sight.seen(key)) for key in last))
        last = {key for key in named & sight.read if key.startswith(_FOLLOWED)} - every
        every |= last
    return every


def _is_loose(sight: Sight) -> bool:
    """Whether policies hide of some what sections are searched by: these may be withheld."""
    return any(sight.hides(type, "*") for type in ("Condition", "Observation"))


def _compared(sight: Sight, got: set[str], wanted: set[str]) -> list[str]:
    if _is_loose(sight) and got <= wanted:
        return sorted(wanted)
    return sorted(got)


def _looked(sight: Sight, document: Record) -> set[str]:
    """The rows in a summary; nothing in it says more than they do."""
    found: set[str] = set()
    for one in document["entry"]:
        tree = one["resource"]
        key = f"{tree['resourceType']}/{tree['id']}"
        if key not in sight.records:
            assert tree["resourceType"] in _OURS, key
            continue
        found.add(key)
        bare = {name: value for name, value in tree.items() if name != "meta"}
        more = leaves(bare) - leaves(sight.seen(key))
        assert all(value.endswith("not in this summary") for _, value in more), more
    assert marked(json.dumps(document)) <= found
    return found


def _of_summary(sight: Sight, n: int, m: int) -> list[str]:
    return sorted(_of(sight, a_patient(sight, n)))


async def _summary(here: Here, n: int, m: int) -> list[str]:
    answer = await here.http.get(f"Patient/{a_patient(here.sight, n)}/$summary")
    if answer.status_code in (403, 404):
        return []
    assert answer.status_code == 200, answer.text
    wanted = set(_of_summary(here.sight, n, m))
    return _compared(here.sight, _looked(here.sight, answer.json()), wanted)


WAYS["$summary"] = Way(_of_summary, _summary)


# --- health links ---------------------------------------------------------------------------------


def _reading(scopes: str) -> str:
    """Scopes without what is more than to read and to search."""
    cut = []
    for one in scopes.split():
        what, _, letters = one.rpartition(".")
        if letters != "purge" and (left := [letter for letter in letters if letter in "rs"]):
            cut.append(f"{what}.{''.join(left)}")
    return " ".join(cut)


def _stranger(sight: Sight) -> Sight:
    """The sight of whoever opens a link of this caller."""
    judge = sight.judge
    if judge is None:
        return sight
    case = replace(
        judge.case,
        who="link/x.1",
        principal=judge.case.who,
        purpose="PATRQT",
        scopes=_reading(judge.case.scopes),
    )
    return Judge(case, judge.consents, judge.policies, judge.masks).sight()


def _shared(sight: Sight, n: int) -> str:
    """One's own record, or now and then another."""
    own = sight.judge.case.patient if sight.judge else None
    return own if own and n % 4 else a_patient(sight, n)


def _of_link(sight: Sight, n: int, m: int) -> list[str]:
    """No emergency makes one."""
    id = _shared(sight, n)
    case = sight.judge.case if sight.judge else None
    if case and (case.emergency or case.patient != id or f"Patient/{id}" not in sight.read):
        return []
    return sorted(_of(_stranger(sight), id))


async def _link(here: Here, n: int, m: int) -> list[str]:
    """Made, opened by somebody, and ended: then it opens nothing."""
    shares, id = here.rooms.services.shares, _shared(here.sight, n)
    try:
        link = await shares.make(here.caller, id, Wish(("summary",), 3600))
    except (Forbidden, NotFound):
        return []
    try:
        (file,) = await shares.open(TENANT, link.secret, "Dr. R", None, "", BASE)
        document = opened(file.sealed, link.key)[1]
    except (Forbidden, NotFound):
        return []
    finally:
        await shares.revoke(here.caller, id, link.id)
    try:
        await shares.open(TENANT, link.secret, "Dr. R", None, "", BASE)
    except NotFound:
        reader = _stranger(here.sight)
        return _compared(here.sight, _looked(reader, document), _of(reader, id))
    raise AssertionError("a link that has ended opens something")


WAYS["health link"] = Way(_of_link, _link)


# --- health cards ---------------------------------------------------------------------------------


def _of_cards(sight: Sight, n: int, m: int) -> list[str]:
    id, type = a_patient(sight, n), ("Immunization", "Observation")[m % 2]
    if f"Patient/{id}" not in sight.read:
        return []
    return found_of(sight, type, lambda r: id in subjects(r) and (not m % 2 or is_coded(r, LAB)))


async def _cards(here: Here, n: int, m: int) -> list[str]:
    """What a card holds is what it says that it holds."""
    id, type = a_patient(here.sight, n), ("Immunization", "Observation")[m % 2]
    answer = await here.http.get(f"Patient/{id}/$health-cards-issue?credentialType={type}")
    if answer.status_code in (403, 404):
        found = set[str]()
    else:
        assert answer.status_code == 200, answer.text
        told = answer.json().get("parameter", ())
        hosted = (part["valueUri"] for one in told if one["name"] == "resourceLink"
                  for part in one["part"] if part["name"] == "hostedResource")  # fmt: skip
        found = {"/".join(one.split("/")[-2:]) for one in hosted} - {f"Patient/{id}"}
        cards = [one["valueString"] for one in told if one["name"] == "verifiableCredential"]
        _only(here.sight, f"Patient/{id}", found, map(_carried, cards))
    return _compared(here.sight, found, set(_of_cards(here.sight, n, m)))


def _carried(jws: str) -> list[Record]:
    """The resources in a card."""
    body = jws.split(".")[1]
    packed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    claims = json.loads(zlib.decompress(packed, -15))
    entries = claims["vc"]["credentialSubject"]["fhirBundle"]["entry"]
    return [one["resource"] for one in entries]


def _only(sight: Sight, patient: str, keys: Iterable[str], cards: Iterable[list[Record]]) -> None:
    """That nothing is in cards but what stands in these rows, as the caller sees them."""
    seen = [leaf for key in (patient, *keys) for leaf in leaves(sight.seen(key))]
    texts = {text for _, text in seen}
    for tree in (tree for card in cards for tree in card):
        own: Any = {name: value for name, value in tree.items()
                    if name not in ("meta", "performer", "patient", "subject")}  # fmt: skip
        assert {text for _, text in leaves(own)} <= texts, tree


WAYS["health cards"] = Way(_of_cards, _cards)
