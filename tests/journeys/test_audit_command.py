"""`careplane audit` over a data folder, and what stands behind it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.access.smart.tokens import Tokens
from careplane.app.auditing import limits, receiver
from careplane.app.audits.exposure import exposure
from careplane.app.audits.filters import Filters, moment
from careplane.app.cli import app
from careplane.app.settings import Settings
from careplane.kernel.errors import CareplaneError, Forbidden, Incorrect
from careplane.ledger.audit import AuditRecord, Outcome, encode
from careplane.ledger.trail import Question, Trail, filing
from careplane.records.audits.keeping import YEAR, Following, Forgetting
from careplane.records.commands import Reach
from tests.fhir_house import TENANT, House, observation, patient

pytestmark = pytest.mark.anyio
NOW = 1_780_000_000_000_000


def run(*words: str) -> str:
    """A verb in this process: what it prints, or the text of the error that it ends with."""
    done = CliRunner().invoke(app, [*words])
    if isinstance(done.exception, CareplaneError):
        return done.exception.text
    assert done.exit_code == 0, done.exception
    return done.output


def test_the_trail_on_the_command_line(tmp_path: Path) -> None:
    where = ("--data", str(tmp_path / "data"))
    run("init", *where)
    file = tmp_path / "p.json"
    file.write_text(json.dumps(patient("p1")))
    run("fhir", "put", str(file), *where)
    found = json.loads(run("audit", "search", "--patient", "p1", "--json", *where))
    assert [one["interaction"] for one in found] == ["update"]
    assert json.loads(run("audit", "search", "--nobody", "--json", *where)) == []
    assert "update Patient/p1 of p1" in run("audit", "tail", *where)
    for form, key in (("raw", "seq"), ("AuditEvent", "resourceType")):
        out = tmp_path / f"{form}.ndjson"
        run("audit", "export", str(out), "--as", form, *where)
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        assert len(lines) > 2
        assert all(key in line for line in lines)
        assert out.stat().st_mode & 0o077 == 0
        assert "already" in run("audit", "export", str(out), *where)
    token = tmp_path / "token"
    token.write_text(run("token", "--scope", "system/Patient.rs", *where))
    exposed = json.loads(run("audit", "exposure", "--token", str(token), "--json", *where))
    assert (exposed["reach"], exposed["types"]) == (["p1"], {"Patient": 1})
    assert "6 years" in run("audit", "forget", "--before", "1d", *where)
    assert "Nothing" in run("audit", "anomalies", *where)
    assert "no rule" in run("audit", "anomalies", "--rule", "x", *where)
    assert "Write down" in run("audit", "review", "0" * 18, "explained", *where)
    assert "seen" in run("audit", "review", "0" * 18, "seen", *where)


async def test_what_a_token_could_and_did_read(house: House) -> None:
    for id in ("a", "b", "c"):
        await house.put(patient(id))
        await house.put(observation(f"o-{id}", id))
    scopes = parse_scopes("patient/Patient.rs patient/Observation.rs")
    thief = Caller(TENANT, "Patient/a", "A", scopes, "a", frozenset({"patient"}))
    raw = house.tokens.issue(thief, 3600)
    async with house.client_of(thief) as http:
        http.headers["authorization"] = f"Bearer {raw}"
        assert (await http.get("Patient/a")).status_code == 200
        assert (await http.get("Patient/b")).status_code == 404
    operator = house.caller("system/*.cruds")
    token = house.tokens.told(raw)
    found = await exposure(Trail(house.store), house.door, operator, token.id, token)
    assert (found.reach, found.types) == (["a"], {"Observation": 1, "Patient": 1})
    assert (found.requests, found.refused, dict(found.patients)) == (2, 1, {"a": 1})
    known = await exposure(Trail(house.store), house.door, operator, token.id, None)
    assert (known.reach, known.agent, known.requests) == (None, "Patient/a", 2)
    everything = Caller(TENANT, "client/x", "X", parse_scopes("system/Patient.r"))
    reached = await house.door.reach(operator, Reach(everything))
    assert reached.patients == ("a", "b", "c")
    with pytest.raises(Forbidden):
        await house.door.reach(thief, Reach(everything))


def test_a_token_that_is_good_no_more_still_says_whose_it_was() -> None:
    now = [NOW]
    tokens = Tokens(bytes(32), lambda: now[0])
    raw = tokens.issue(Caller(TENANT, "client/x", "X", parse_scopes("system/*.rs")), 10)
    now[0] += 3_600_000_000
    assert tokens.told(raw).caller.id == "client/x"


async def test_old_records_go_by_policy_and_young_ones_stay(house: House) -> None:
    for years in (10, 8, 6, 5, 0):
        record = AuditRecord(NOW - years * YEAR, 1, "a", "read", Outcome.SUCCESS)
        await house.store.append(TENANT, encode(record))
    with pytest.raises(Incorrect):
        Forgetting(Trail(house.store), house.door, TENANT, 5, lambda: NOW)
    assert await Forgetting(Trail(house.store), house.door, TENANT, 7, lambda: NOW).once() == 2
    left = await Trail(house.store).find(TENANT, Question(newest_first=False))
    assert [one.record.recorded for one in left[:3]] == [NOW - 6 * YEAR, NOW - 5 * YEAR, NOW]
    assert left[3].record.interaction == "audit-forget"


async def test_the_index_follows_by_itself(house: House) -> None:
    await house.put(patient("p"))
    service = asyncio.ensure_future(Following(Trail(house.store))())
    await asyncio.sleep(0.5)
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)
    assert await house.store.file(filing, 10) == 0


TIMES = {
    "2026-01-02": 1767312000_000_000,
    "2026-01-02T00:00:00+01:00": 1767308400_000_000,
    "7d": NOW - 7 * 86_400_000_000,
    "30m": NOW - 1_800_000_000,
}


@pytest.mark.parametrize("text", TIMES)
def test_times(text: str) -> None:
    assert moment(text, NOW) == TIMES[text]


@pytest.mark.parametrize("text", ["", "yesterday", "0d", "-1d", "9999999d", "2026-13-01", "7D"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(Incorrect):
        moment(text, NOW)


def test_filters_say_what_they_ask_for() -> None:
    assert str(Filters(patient="p", since="7d")) == "patient=p since=7d"


BAD: list[dict[str, str]] = [
    {"audit_hours": "nurse=7"},
    {"audit_hours": "nurse=7-25"},
    {"audit_timezone": "Nowhere/At all"},
    {"audit_timezone": "../etc/passwd"},
]


@pytest.mark.parametrize("values", BAD, ids=str)
def test_limits_that_cannot_be_read(values: dict[str, str]) -> None:
    with pytest.raises(Incorrect):
        limits(Settings(**values))  # type: ignore[arg-type]


@pytest.mark.parametrize("to", ["siem", "siem:0", "siem:99999", "http://siem:1", "a b:1"])
def test_receivers_that_cannot_be_read(to: str) -> None:
    with pytest.raises(Incorrect):
        receiver(Settings(audit_syslog=to))
    with pytest.raises(Incorrect):
        receiver(Settings(audit_syslog="siem:6514", audit_syslog_ca="/nowhere.pem"))
