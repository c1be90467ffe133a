"""The ledger beside the store, over every engine: each version has its leaf, exactly once, whatever
is killed when; receipts open it; erasure closes it; a comparison finds all well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from careplane.kernel.errors import Busy, Conflict, NotFound, Stale
from careplane.ledger import verify
from careplane.ledger.copying import copied
from careplane.ledger.exported import checked
from careplane.ledger.following import Follower, audit_of, versions_of
from careplane.ledger.leaf import kind_of
from careplane.ledger.reading import Reading
from careplane.ledger.receipts import Receipts
from careplane.ledger.scrub import damages
from careplane.ledger.versions import served
from careplane.storage.engines.memory import MemoryLedger
from careplane.storage.ports.ledger import Batch, Run
from careplane.storage.ports.records import Tenant
from tests.ledger_house import ENGINES, ONE, VERIFIERS, House, gone, lived, opened, put
from tests.unit.ledger.logs import SECRET

pytestmark = pytest.mark.anyio


@pytest.fixture(params=ENGINES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with opened(request.param, tmp_path) as house:
        yield house


async def kinds(house: House) -> list[str]:
    return [kind_of(entry.leaf).name for _, entry in await house.ledger.entries(0, 10_000)]


async def test_each_version_has_a_leaf_that_a_receipt_opens(house: House) -> None:
    await house.write(put("a"), put("c", type="Consent"))
    await house.write(put("a", 1))
    await house.write(gone("a", 2), gone("c", 1, "Consent"))
    await house.settle()
    found = await kinds(house)
    assert sorted(found) == [
        "AUDIT", "CONSENT", "DELETION", "DELETION", "POLICY", "VERSION", "VERSION",
    ]  # fmt: skip
    policy = verify.read_policy(house.town.policy())
    for version in await house.records.changes(ONE, 0):
        receipt = bytes(await house.receipts.of(ONE, version))
        record = None if version.deleted else served(version)
        said = verify.verify_receipt(receipt, policy, record).statement
        assert (said["id"], said["version"]) == (version.id, str(version.version))
        if record is not None:
            with pytest.raises(verify.Refused):
                verify.verify_receipt(receipt, policy, record + b" ")
    assert await house.problems() == []


async def test_nothing_goes_in_twice_when_it_begins_anew(house: House) -> None:
    for n in range(30):
        await house.write(put(f"o{n}"))
        if n % 7 == 0:
            await Follower(house.log, house.ledger, house.sources).caught_up()
    await house.settle()
    await house.settle()
    assert (await kinds(house)).count("VERSION") == 30
    assert await house.problems() == []


async def test_two_who_follow_for_a_moment_make_each_leaf_once(house: House) -> None:
    """Two processes that both hold the lease for once: one of them is told so."""
    other = house.new_log()
    await other.open()
    followers = [Follower(log, house.ledger, house.sources) for log in (house.log, other)]
    for n in range(20):
        await house.write(put(f"o{n}"))
        done = await asyncio.gather(*(one.versions() for one in followers), return_exceptions=True)
        assert all(one is False or isinstance(one, Stale) for one in done), done
    await house.log.open()
    await house.settle()
    assert (await kinds(house)).count("VERSION") == 20
    assert await house.problems() == []


async def test_tenants_have_their_leaves_side_by_side(house: House) -> None:
    two = Tenant(2)
    house.tenants = (ONE, two)
    for n in range(9):
        await house.write(put(f"o{n}"))
        await house.write(put(f"o{n}"), tenant=two)
        await house.follower.caught_up()
    await house.settle()
    assert await house.problems() == []
    (first,) = await house.records.changes(two, 0, 1)
    with pytest.raises((NotFound, Busy)):  # another tenant's t is nothing here
        await house.receipts.of(Tenant(3), first)


async def test_a_version_that_has_no_leaf_yet_is_waited_for(house: House) -> None:
    (version,) = await house.write(put("a"))
    with pytest.raises(Busy):
        await house.receipts.awaited(ONE, version, 0.2)
    waiting = asyncio.create_task(house.receipts.awaited(ONE, version, 20))
    await asyncio.sleep(0.1)
    await house.settle()
    assert (await waiting).index >= 0


async def test_an_erased_version_opens_for_nobody_and_the_log_holds(house: House) -> None:
    await house.write(put("a"), put("b"))
    await house.write(put("a", 1))
    await house.settle()
    versions = await house.records.changes(ONE, 0)
    assert await house.erase("Observation", "a") == 2
    for one in versions:
        if one.id == "a":
            with pytest.raises(NotFound):
                await house.receipts.of(ONE, one)
    await house.settle()
    assert "ERASE" in await kinds(house)
    found = await house.compared()
    assert (found.erased, found.versions, found.problems) == (2, 1, [])
    assert await house.problems() == []
    assert await house.erasing.erase_patient(ONE, [("Observation", "nobody", 1)]) == 0


async def test_an_erasure_waits_for_leaves_that_are_being_made(house: House) -> None:
    await house.write(put("a"))
    erasing = asyncio.create_task(house.erasing.erase_patient(ONE, [("Observation", "a", 1)]))
    await asyncio.sleep(0.05)
    assert not erasing.done()
    await house.follower.caught_up()
    assert await erasing == 1


async def test_an_erasure_can_be_made_again(house: House) -> None:
    """Killed between the leaf and the salts, or between the salts and the records."""
    await house.write(put("a"))
    await house.follower.caught_up()
    assert await house.erasing.erase_patient(ONE, [("Observation", "a", 1)]) == 1
    assert any("erase it again" in one for one in (await house.compared()).problems)
    await house.log.open()
    assert await house.erase("Observation", "a") == 1
    await house.log.open()
    await house.settle()
    assert await house.problems() == []


async def test_policies_have_a_leaf_for_each_change(house: House) -> None:
    await house.settle()
    assert (await kinds(house)).count("POLICY") == 1
    house.policies["doctor.cedar"] = "permit(doctor);"
    await house.follower.caught_up()
    house.policies["nurse.cedar"] = "forbid(nurse);"
    del house.policies["doctor.cedar"]
    await house.follower.caught_up()
    await house.follower.caught_up()
    assert (await kinds(house)).count("POLICY") == 4
    await house.settle()
    assert await house.problems() == []


async def test_records_that_are_older_than_the_log_are_not_followed(house: House) -> None:
    """Records put back to an older copy, and written to since."""
    await house.write(put("a"), put("b"))
    await house.settle()
    await house.follower.check(ONE)
    size = await house.ledger.size()
    source = versions_of(ONE)
    before = await house.ledger.mark(source)
    entry = (await house.ledger.entries(0, 1))[0][1]
    run = Run(ONE, before + 1, size, 1)  # the log knows of one that the records lack
    await house.ledger.append(Batch(size, [entry], [], {source: before + 1}, runs=[run]))
    with pytest.raises(Conflict, match="older than the log"):
        await house.follower.check(ONE)
    await house.write(put("a", 1))
    with pytest.raises(Conflict, match="older than the log"):
        await house.follower.check(ONE)


async def test_lines_of_an_export_are_verified(house: House) -> None:
    await house.write(put("a"), put("b"))
    await house.settle()
    lines = [served(one) + b"\n" for one in await house.records.changes(ONE, 0)]
    asked = (house.ledger, house.records, ONE, SECRET)
    assert await checked(*asked, lines) == (2, [])
    good, wrong = await checked(
        *asked,
        [lines[0].replace(b"a-0", b"a-1"), lines[1], b"nonsense\n", b"\n",
         lines[1].replace(b'"id":"b"', b'"id":"z"')],
    )  # fmt: skip
    assert good == 1
    assert [line.split(":")[0] for line in wrong] == ["Line 1", "Line 3", "Line 5"]


async def test_a_log_is_copied_and_goes_on(house: House) -> None:
    await lived(house)
    target = MemoryLedger()
    assert await copied(house.ledger, target, [ONE]) == await house.ledger.size()
    assert await copied(house.ledger, target, [ONE]) == await house.ledger.size()
    assert await target.entries(0, 1_000) == await house.ledger.entries(0, 1_000)
    assert await target.runs(ONE) == await house.ledger.runs(ONE)
    assert await target.mark(audit_of(ONE)) == await house.ledger.mark(audit_of(ONE))
    assert await damages(target, VERIFIERS) == []
    receipts = Receipts(target, Reading(target, cosigned=True), SECRET)
    (version,) = await house.records.changes(ONE, 0, 1)
    assert bytes(await receipts.of(ONE, version)) == bytes(await house.receipts.of(ONE, version))
    other = MemoryLedger()
    await other.append(Batch(0, [(await target.entries(3, 1))[0][1]], []))
    with pytest.raises(Conflict, match="another log"):
        await copied(house.ledger, other, [ONE])


async def test_a_life_without_an_attacker_raises_no_alarm(house: House) -> None:
    await lived(house)
    found = await house.compared()
    assert (found.problems, found.erased, found.waiting) == ([], 1, 0)
    await house.write(put("later"))
    assert (await house.compared()).waiting == 1
    assert await house.problems() == []
