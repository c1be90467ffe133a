"""Keys and sealed bodies by themselves: what opens, what does not, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from careplane.kernel.errors import Fault
from careplane.search.rows import Param, ReferenceRow, Rows
from careplane.storage.keys import ring as ring_module
from careplane.storage.keys.bodies import SEALED, Place, SealedBodies, patient_of
from careplane.storage.keys.erasures import NAME, Erasures
from careplane.storage.keys.ring import Ring
from careplane.storage.keys.wrapping import made, owner_of, unwrapped, wrapped
from careplane.storage.ports.keys import COMMON, KeyRow
from careplane.storage.ports.records import Tenant
from tests.contracts import material as m

ONE, TWO = Tenant(1), Tenant(2)
ROOT = bytes(range(32))
PLACE = Place(ONE, "Observation", "o", 1)


def missing(number: bytes) -> AESGCM:
    raise Fault("missing")


def filled(ring: Ring, tenant: Tenant, *patients: str) -> None:
    """Keys of patients under a new one of the tenant."""
    above = ring.made(tenant, b"", b"")
    ring.admit(above)
    for patient in patients:
        row = ring.made(tenant, ring.owner(tenant, patient), above.number)
        ring.admit_own(tenant, patient, row)


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    ring = Ring(ROOT, Erasures(tmp_path / NAME))
    filled(ring, ONE, "p", "q", COMMON)
    filled(ring, TWO, "p")
    return ring


def sealed(ring: Ring, body: bytes, place: Place = PLACE, patient: str = "p") -> tuple[int, bytes]:
    ((encoding, packed),) = SealedBodies(ring, missing).pack([body], [1], [place], [patient])
    return encoding * 4 + 1, packed


@given(body=st.binary(max_size=400))
def test_a_body_comes_back_and_nothing_of_it_shows(body: bytes) -> None:
    ring = Ring(ROOT, Erasures(Path("/nonexistent")))
    filled(ring, ONE, "p")
    form, packed = sealed(ring, body)
    assert form >> 2 >= SEALED
    assert len(body) < 8 or body not in packed
    assert sealed(ring, body)[1] != packed
    assert SealedBodies(ring, missing).unpack(*PLACE, form, packed) == body


ELSEWHERE = {
    "tenant": Place(TWO, "Observation", "o", 1),
    "type": Place(ONE, "Condition", "o", 1),
    "id": Place(ONE, "Observation", "other", 1),
    "version": Place(ONE, "Observation", "o", 2),
}


@pytest.mark.parametrize("what", ELSEWHERE)
def test_a_body_opens_in_its_own_place_only(ring: Ring, what: str) -> None:
    form, packed = sealed(ring, b"x" * 100)
    with pytest.raises(Fault, match="not the one that was written"):
        SealedBodies(ring, missing).unpack(*ELSEWHERE[what], form, packed)


@pytest.mark.parametrize("at", [8, 15, 20, -1])
def test_a_changed_body_is_not_served(ring: Ring, at: int) -> None:
    form, packed = sealed(ring, b"x" * 100)
    spoilt = bytearray(packed)
    spoilt[at] ^= 1
    with pytest.raises(Fault, match="not the one that was written"):
        SealedBodies(ring, missing).unpack(*PLACE, form, bytes(spoilt))
    with pytest.raises(Fault):
        SealedBodies(ring, missing).unpack(*PLACE, form, packed[:19])


def test_the_method_is_bound_too(ring: Ring) -> None:
    form, packed = sealed(ring, b"x" * 100)
    with pytest.raises(Fault):
        SealedBodies(ring, missing).unpack(*PLACE, form + 1, packed)


def test_a_body_without_encryption_is_refused_unless_it_was_allowed(ring: Ring) -> None:
    bodies = SealedBodies(ring, missing)
    with pytest.raises(Fault, match="not encrypted"):
        bodies.unpack(*PLACE, 1, b"{}")
    ring.compared(changed=False, reads_plain=True)
    assert bodies.unpack(*PLACE, 1, b"{}") == b"{}"


REFERENCES = {
    "nobody": ("Observation", [], COMMON),
    "one": ("Observation", ["p"], "p"),
    "one, twice": ("Observation", ["p", "p"], "p"),
    "several": ("Observation", ["p", "q"], COMMON),
    "several, one of them twice": ("Observation", ["p", "q", "p"], COMMON),
    "a patient": ("Patient", [], "me"),
    "a patient who is linked to another": ("Patient", ["q"], "me"),
}


@pytest.mark.parametrize("what", REFERENCES)
def test_whose_key_it_is(what: str) -> None:
    type, ids, wanted = REFERENCES[what]
    rows = Rows(references=[ReferenceRow(m.SUBJECT, "Patient", id) for id in ids])
    assert patient_of(type, "me", rows) == wanted
    other = Rows(references=[ReferenceRow(Param("Observation.device"), "Device", "p")])
    assert patient_of("Observation", "me", other) == COMMON


def test_a_row_opens_under_its_own_name_only() -> None:
    parent = AESGCM(ROOT)
    row, key = made(parent, b"above", ONE, b"owner")
    assert unwrapped(parent, row) == key
    assert key not in row.wrapped
    others = [
        KeyRow(b"elsewher", *_rest(row, 1)),
        KeyRow(row.number, TWO, row.owner, row.parent, True, row.wrapped),
        KeyRow(row.number, ONE, b"other", row.parent, True, row.wrapped),
        KeyRow(row.number, ONE, row.owner, b"other", True, row.wrapped),
        KeyRow(row.number, ONE, row.owner, row.parent, True, row.wrapped[:-1]),
        KeyRow(row.number, ONE, row.owner, row.parent, True, b"short"),
    ]
    for other in others:
        with pytest.raises(Fault, match="table of keys"):
            unwrapped(parent, other)
    with pytest.raises(Fault, match="another key file"):
        unwrapped(AESGCM(bytes(32)), row)
    assert wrapped(parent, row, key).wrapped != row.wrapped


def _rest(row: KeyRow, start: int) -> tuple[object, ...]:
    return (row.tenant, row.owner, row.parent, row.current, row.wrapped)[start - 1 :]


def test_owners_are_keyed_and_apart() -> None:
    owners = {owner_of(ROOT, ONE, "p"), owner_of(ROOT, TWO, "p"), owner_of(ROOT, ONE, "q"),
              owner_of(bytes(32), ONE, "p")}  # fmt: skip
    assert len(owners) == 4
    assert all(owners)


def test_another_patients_row_is_not_taken_for_ones_own(ring: Ring) -> None:
    above = ring.made(ONE, b"", b"")
    ring.admit(above)
    row = ring.made(ONE, ring.owner(ONE, "q"), above.number)
    with pytest.raises(Fault, match="another patient"):
        ring.admit_own(ONE, "p", row)


def test_a_ring_is_bounded(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "_CIPHERS", 8)
    monkeypatch.setattr(ring_module, "_OWN", 8)
    filled(ring, ONE, *(f"n{n}" for n in range(100)))
    assert len(ring.ciphers) <= 8
    assert sum(ring.own(ONE, f"n{n}") is not None for n in range(100)) <= 8
    assert ring.own(ONE, "n99") is not None


def test_a_key_of_the_list_of_erasures_is_not_taken_in(ring: Ring, tmp_path: Path) -> None:
    above = ring.made(ONE, b"", b"")
    ring.admit(above)
    row = ring.made(ONE, ring.owner(ONE, "gone"), above.number)
    ring.erasures.add([(row.owner, row.number)])
    with pytest.raises(Fault, match="destroyed"):
        ring.admit(row)
    forgiving = Ring(ROOT, Erasures(tmp_path / NAME), enforced=False)
    forgiving.admit(above)
    forgiving.admit(row)
    assert forgiving.knows(row.number)


def test_the_list_is_shared_by_processes_and_never_shorter(tmp_path: Path) -> None:
    path = tmp_path / NAME
    one, other = Erasures(path), Erasures(path)
    one.add([(b"o" * 16, b"n" * 8)])
    assert (b"o" * 16, b"n" * 8) not in other
    assert other.refresh()
    assert (b"o" * 16, b"n" * 8) in other
    assert path.stat().st_mode & 0o777 == 0o600
    one.add([(b"o" * 16, b"n" * 8)])
    assert len(path.read_text().splitlines()) == 1
    with path.open("a") as file:
        file.write("0a")  # another process is in the middle of it
    assert not other.refresh()
    path.write_text("")
    with pytest.raises(Fault, match="shorter"):
        other.refresh()


@pytest.mark.parametrize("line", ["x y", "00", "00 11 22", "zz 00"])
def test_a_spoilt_list_is_said(tmp_path: Path, line: str) -> None:
    (tmp_path / NAME).write_text(line + "\n")
    with pytest.raises(Fault, match="no erasure"):
        Erasures(tmp_path / NAME)
