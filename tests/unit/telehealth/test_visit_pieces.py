"""The pure pieces of visits: queues, presences, credentials of relays, files and their kinds."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from careplane.fhir.codec import json
from careplane.fhir.validation import check
from careplane.kernel.errors import Conflict, Incorrect, TooLarge
from careplane.telehealth.visits import documents, encounter
from careplane.telehealth.visits.appointment import booked, micros
from careplane.telehealth.visits.documents import Person
from careplane.telehealth.visits.media.turn import Ice
from careplane.telehealth.visits.messages import Chat, Chatted, Ping
from careplane.telehealth.visits.pace import Pace
from careplane.telehealth.visits.presence import Presence
from careplane.telehealth.visits.queue import Turn, wait

MINUTE = 60_000_000
NOON = micros("2026-03-01T12:00:00Z")
APPOINTMENT: dict[str, Any] = {
    "resourceType": "Appointment",
    "id": "a",
    "status": "booked",
    "priority": 5,
    "reasonCode": [{"text": "Cough"}],
    "serviceType": [{"text": "General practice"}, {"text": "Family conference"}],
    "start": "2026-03-01T12:00:00Z",
    "end": "2026-03-01T12:20:00Z",
    "participant": [
        {"actor": {"reference": "Patient/p"}, "status": "accepted"},
        {"actor": {"reference": "Practitioner/d"}, "status": "accepted"},
    ],
}
VISIT = booked(APPOINTMENT)
DOCTOR = Person("Practitioner/d", "Dr. D")


def turn(id: str, begins: int, begun: int | None = None, minutes: int = 20) -> Turn:
    """A visit that begins so many minutes after noon."""
    start = NOON + begins * MINUTE
    began = 0 if begun is None else NOON + begun * MINUTE
    return Turn(id, start, start + minutes * MINUTE, began)


QUEUES: list[tuple[str, list[Turn], int, tuple[int, int]]] = [
    ("nobody, and one is on time", [], 0, (0, 0)),
    ("nobody, and one is early", [], -10, (0, 600)),
    ("nobody, and one is late", [], 30, (0, 0)),
    ("one before, who waits too", [turn("x", -20)], 0, (1, 1200)),
    ("one under way, five minutes in", [turn("x", -20, -5)], 0, (1, 900)),
    ("one under way for long", [turn("x", -60, -60)], 0, (1, 60)),
    ("one under way who was planned later", [turn("x", 20, -1)], 0, (1, 1140)),
    ("one after", [turn("x", 20)], 0, (0, 0)),
    ("two before", [turn("x", -40), turn("y", -20, -10)], 0, (2, 1800)),
    ("at the same time, by id", [turn("0", 0)], 0, (1, 1200)),
    ("oneself", [turn("a", -20)], 0, (0, 0)),
]


@pytest.mark.parametrize(("why", "others", "now", "expected"), QUEUES, ids=[q[0] for q in QUEUES])
def test_the_wait(why: str, others: list[Turn], now: int, expected: tuple[int, int]) -> None:
    assert wait(turn("a", 0), others, NOON + now * MINUTE) == expected


def test_a_credential_is_made_as_the_draft_says() -> None:
    ice = Ice(("turn:relay.test:3478",), (), "north", 600)
    (server,) = ice.servers("alice", 1_433_895_918_506_867)
    assert server.username == "1433896518:alice"
    made = hmac.new(b"north", b"1433896518:alice", hashlib.sha1).digest()
    assert server.credential == base64.b64encode(made).decode()
    assert Ice(("turn:x",)).servers("alice", 0) == (), "no relay without a secret"
    assert "north" not in repr(ice)


def test_a_bucket_fills_again() -> None:
    now = [NOON]
    pace = Pace(lambda: now[0])
    assert [pace.take(Ping()) for _ in range(201)].count(False) == 1
    now[0] += 2_000_000
    assert pace.take(Chat("x"))
    assert not all(pace.take(Chat("x")) for _ in range(10))


@pytest.mark.parametrize("without", ["start", "end", "participant"])
def test_no_visit_without(without: str) -> None:
    with pytest.raises(Conflict):
        booked({k: v for k, v in APPOINTMENT.items() if k != without})


def valid(tree: Any) -> Any:
    """The same; fails where R4 does not allow it."""
    check(json.dump({**tree, "id": "x"}), tree["resourceType"])
    return tree


def test_an_encounter_goes_its_way() -> None:
    tree = valid(encounter.arrived(VISIT, NOON))
    assert (tree["status"], tree["class"]["code"]) == ("arrived", "VR")
    assert tree["reasonCode"] == [{"text": "Cough"}]
    assert tree["serviceType"] == {"text": "General practice"}
    here = (
        Presence("Practitioner/d", "Dr. D", "host", NOON + MINUTE),
        Presence("Patient/p", "Ada", "patient", NOON + 2 * MINUTE),
        Presence("", "Ana (Interpreter)", "guest", NOON + 3 * MINUTE, NOON + 9 * MINUTE),
    )
    tree = valid(encounter.moved(tree, "in-progress", here, NOON + 2 * MINUTE))
    later = Presence("Practitioner/d", "Dr. D", "host", NOON + 10 * MINUTE, NOON + 20 * MINUTE)
    tree = valid(encounter.moved(tree, "finished", (later,), NOON + 20 * MINUTE))
    assert tree["length"]["value"] == 20.0
    assert tree["period"] == {
        "start": "2026-03-01T12:00:00.000Z",
        "end": "2026-03-01T12:20:00.000Z",
    }
    assert [(one["status"], "end" in one["period"]) for one in tree["statusHistory"]] == [
        ("arrived", True), ("in-progress", True),
    ]  # fmt: skip
    doctor, ada, ana, again = tree["participant"]
    assert doctor["individual"] == again["individual"] == {"reference": "Practitioner/d"}
    assert ada["type"][0]["coding"][0]["code"] == "SBJ"
    assert ana["type"] == [{"text": "guest: Ana (Interpreter)"}]
    assert ana["period"]["end"] == "2026-03-01T12:09:00.000Z"
    assert encounter.moved(tree, "in-progress", (), NOON)["status"] == "finished"


def test_a_presence_that_ends_is_the_same_one() -> None:
    tree = encounter.arrived(VISIT, NOON)
    one = Presence("Practitioner/d", "Dr. D", "host", NOON)
    tree = encounter.moved(tree, "in-progress", (one,), NOON)
    gone = Presence("Practitioner/d", "Dr. D", "host", NOON, NOON + MINUTE)
    tree = encounter.moved(tree, "in-progress", (gone,), NOON + MINUTE)
    (only,) = tree["participant"]
    assert only["period"]["end"] == "2026-03-01T12:01:00.000Z"


def test_what_is_written_down_is_valid() -> None:
    ada = Person("Patient/p", "Ada Quinn")
    valid(documents.consent(VISIT, ada, NOON))
    valid(documents.consent(VISIT, Person("client/x", "App"), NOON))
    line = Chatted(1, "s", "Ada Quinn", "Take it twice", NOON // 1000)
    chat = valid(documents.kept_chat(VISIT, "Encounter/e", DOCTOR, [line], NOON))
    said = "2026-03-01T12:00:00.000Z Ada Quinn: Take it twice"
    assert chat["payload"] == [{"contentString": said}]
    kept = valid(documents.summary(VISIT, "Encounter/e", DOCTOR, "Rest.", NOON))
    assert base64.b64decode(kept["content"][0]["attachment"]["data"]) == b"Rest."
    valid(documents.shared_file(VISIT, "Encounter/e", ada, " a\n b ", "application/pdf", b"%PDF-1.7 %%EOF", NOON))  # noqa: E501  # fmt: skip


FILES = [
    ("says PDF and is HTML", "application/pdf", b"<html>", Incorrect),
    ("says PNG and is JPEG", "image/png", b"\xff\xd8\xff\xe0", Incorrect),
    ("is a kind that may hold scripts", "image/svg+xml", b"<svg/>", Incorrect),
    ("is HTML", "text/html", b"<html>", Incorrect),
    ("is empty", "application/pdf", b"", Incorrect),
    ("is cut off", "application/pdf", b"%PDF-1.7", Incorrect),
    ("is a page as well", "image/jpeg", b"\xff\xd8\xff<script>\xff\xd9", Incorrect),
    ("is too large", "application/pdf", b"%PDF-" + bytes(5_000_000), TooLarge),
]


@pytest.mark.parametrize(("why", "kind", "data", "error"), FILES, ids=[one[0] for one in FILES])
def test_a_file_is_refused_that(why: str, kind: str, data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        documents.shared_file(VISIT, "Encounter/e", DOCTOR, "x", kind, data, NOON)


@pytest.mark.parametrize("text", ["", " \n", "x" * 20_001])
def test_a_summary_says_something(text: str) -> None:
    with pytest.raises(Incorrect):
        documents.summary(VISIT, "Encounter/e", DOCTOR, text, NOON)
