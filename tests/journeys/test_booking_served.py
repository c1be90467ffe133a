"""Servers as a user would start them: of 50 clients that book one time one has it, and one mail
tells of it; the calendar feed is there; a Schedule is looked at from the command line."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from typer.testing import CliRunner

from careplane.app.cli import app
from careplane.kernel.errors import Invalid
from tests import postgres
from tests.scheduling_house import HALF_HOUR, parameters, reference, resources, rule, schedule, zone
from tools.bench import server
from tools.bench.client import Answer, Target, load

CLIENTS, ROUNDS = 50, 3
DAY = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
HOURS = rule("09:00", "17:00", recurrence="FREQ=DAILY", step=30)


class Letters:
    """What a mail server was given."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], str]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@pytest.fixture
def letters() -> Iterator[tuple[Letters, int]]:
    kept = Letters()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, port
    controller.stop()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    server.command("init", data=tmp_path / "data")
    return tmp_path / "data"


def _until(condition: Any) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "engine"), [(1, "sqlite"), (2, "sqlite"), (2, "postgres")])
def test_of_fifty_clients_one_has_the_time_and_one_mail_tells_of_it(
    data: Path, letters: tuple[Letters, int], workers: int, engine: str
) -> None:
    kept, port = letters
    settings = {
        "CAREPLANE_DATABASE": postgres.url() if engine == "postgres" else "",
        "CAREPLANE_SMTP_HOST": "127.0.0.1",
        "CAREPLANE_SMTP_PORT": str(port),
        "CAREPLANE_SMTP_SECURITY": "none",
        "CAREPLANE_SMTP_FROM": "desk@clinic.example",
    }
    mail = {"telecom": [{"system": "email", "value": "p@example.org"}]}
    with server.serving(data, workers=workers, settings=settings) as running:
        headers = {"authorization": f"Bearer {running.token}"}
        with httpx.Client(base_url=running.base, headers=headers, timeout=60) as http:
            for one in (
                {"resourceType": "Practitioner", "id": "d"},
                {"resourceType": "Patient", "id": "p", **mail},
                schedule("s", zone("UTC"), HOURS, HALF_HOUR, actors=("Practitioner/d",)),
            ):
                answer = http.put(f"/{one['resourceType']}/{one['id']}", json=one)
                assert answer.status_code == 201, answer.text
            for round in range(ROUNDS):
                asked = parameters(start=DAY, end=DAY, patient_reference={"reference": "Patient/p"})
                proposed = resources(http.post("/Appointment/$find", json=asked))[0]
                statuses = asyncio.run(_race(running, proposed["id"]))
                assert statuses == {200: 1, 409: CLIENTS - 1}, f"round {round}"
            booked = resources(http.get("/Appointment?status=booked"))
            assert len({one["start"] for one in booked}) == len(booked) == ROUNDS
            feed = http.post("/Practitioner/d/$calendar-feed").json()["parameter"][0]["valueUrl"]
            assert httpx.get(feed).text.count("BEGIN:VEVENT") == ROUNDS
        _until(lambda: len(kept.taken) == ROUNDS)
        time.sleep(1.5)
        assert len(kept.taken) == ROUNDS
        assert all("text/calendar" in text for _, text in kept.taken)
        assert {tuple(to) for to, _ in kept.taken} == {("p@example.org",)}


async def _race(running: server.Server, proposal: str) -> Counter[int]:
    statuses: Counter[int] = Counter()
    target = Target.of(running.base, running.token)
    body = json.dumps(parameters(appointment_reference=reference(proposal))).encode()
    requests = iter([target.request("POST", "/Appointment/$book", body)] * CLIENTS)

    def keep(answer: Answer) -> None:
        statuses[answer.status] += 1

    await load(target, requests, connections=CLIENTS, seconds=60, keep=keep)
    return statuses


def test_schedules_are_looked_at_from_the_command_line(
    data: Path,
) -> None:
    good = schedule("s", zone("UTC"), HOURS, HALF_HOUR, actors=("Practitioner/d",))
    lines = [{"resourceType": "Practitioner", "id": "d"}, good]
    folder = data.parent / "in"
    folder.mkdir()
    (folder / "all.ndjson").write_text("".join(json.dumps(one) + "\n" for one in lines))
    (folder / "bad.json").write_text(json.dumps(schedule("b", rule("10:00", "09:00"))))
    (folder / "good.json").write_text(json.dumps(good))
    server.command("import", str(folder / "all.ndjson"), data=data)
    words = ["schedule", "times", "s", "--day", DAY, "--days", "1", "--json"]
    found = json.loads(server.command(*words, data=data))
    assert [one["status"] for one in found] == ["free"] * 16
    assert found[0]["start"] == f"{DAY}T09:00:00+00:00"
    said = server.command("schedule", "day", "--day", DAY, "--zone", "Europe/Berlin", data=data)
    assert said == "no visits\n"
    runner = CliRunner()
    checked = runner.invoke(app, ["schedule", "check", str(folder / "good.json")])
    assert checked.stdout == "1 rules are good\n"
    refused = runner.invoke(app, ["schedule", "check", str(folder / "bad.json")])
    assert isinstance(refused.exception, Invalid)
    assert "ends after it starts" in refused.exception.issues[0].text
