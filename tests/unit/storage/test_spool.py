"""Audit records on their way: what was appended is read back, in order, or the reader says so."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.kernel.errors import Fault
from careplane.storage.engines.sqlite import spool as module
from careplane.storage.engines.sqlite.place import Place
from careplane.storage.engines.sqlite.runs import Fresh, Row, Run
from careplane.storage.engines.sqlite.spool import Spool, Spooled, segments
from careplane.storage.ports.records import Tenant

KEY = bytes(range(32))


def appended(
    folder: Path, records: list[tuple[int, bytes]], after: int = 0, in_a_turn: int = 1
) -> None:
    """One process' life."""
    place = Place(folder)
    spool = Spool(folder, place, KEY, after, "NORMAL", lambda: False)

    async def append() -> None:
        for start in range(0, len(records), in_a_turn):
            some = records[start : start + in_a_turn]
            await asyncio.gather(*(spool.append(Tenant(tenant), record) for tenant, record in some))

    asyncio.run(append())
    spool.close()
    place.close()


def read(folder: Path, after: int = 0, at_once: int = 3) -> list[Row]:
    """All behind a number, by one reader."""
    reader, found = Spooled(folder, 1, KEY), list[Row]()
    while rows := reader.rows(found[-1][0] if found else after, at_once):
        found += rows
    return found


def rows_of(runs: Sequence[Run]) -> list[Row]:
    found = list[Row]()
    for run in runs:
        for number, (tenant, record) in enumerate(zip(*run.opened(), strict=True), run.first):
            assert record is not None
            found.append((number, tenant, record))
    return found


def some(count: int) -> list[tuple[int, bytes]]:
    return [(n % 3, b"record %d " % n * (n % 7)) for n in range(1, count + 1)]


def numbered(records: list[tuple[int, bytes]], first: int = 1) -> list[Row]:
    return [(first + n, *record) for n, record in enumerate(records)]


@given(
    records=st.lists(st.tuples(st.integers(0, 2**40), st.binary(max_size=300)), max_size=40),
    lives=st.integers(1, 3),
    in_a_turn=st.integers(1, 40),
    at_once=st.integers(1, 50),
    skipped=st.integers(0, 30),
)
def test_what_was_appended_is_read_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[tuple[int, bytes]],
    lives: int,
    in_a_turn: int,
    at_once: int,
    skipped: int,
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    for life in range(lives):
        appended(folder, records, life * len(records), in_a_turn)
    found = numbered(records * lives)
    assert read(folder, skipped, at_once) == found[skipped:]
    assert list(Spooled(folder, 1, KEY).all()) == found
    assert Spooled(folder, 1, KEY).waiting(skipped) == max(0, len(found) - skipped)


def test_a_long_spool_has_segments_and_what_was_moved_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 500)
    appended(tmp_path, some(100))
    there = segments(tmp_path)[1]
    assert len(there) > 5
    assert read(tmp_path) == numbered(some(100))
    for kept, following in pairwise(there):
        Spooled(tmp_path, 1, KEY).trim(following.first - 1, ended=False)
        assert not kept.path.exists()
        assert read(tmp_path, following.first - 1) == numbered(some(100))[following.first - 1 :]
    Spooled(tmp_path, 1, KEY).trim(99, ended=True)
    assert read(tmp_path, 99) == numbered(some(100))[99:]
    Spooled(tmp_path, 1, KEY).trim(100, ended=False)
    assert len(segments(tmp_path)[1]) == 1, "somebody may write to it"
    Spooled(tmp_path, 1, KEY).trim(100, ended=True)
    assert segments(tmp_path) == {}


@pytest.mark.parametrize(("in_a_turn", "left"), [(1, 7), (3, 6), (8, 0)])
def test_wherever_a_power_cut_ends_a_segment_the_whole_turns_before_are_read(
    tmp_path: Path, in_a_turn: int, left: int
) -> None:
    appended(tmp_path, some(8), in_a_turn=in_a_turn)
    path = segments(tmp_path)[1][0].path
    whole, before = path.read_bytes().rstrip(b"\0"), 0
    for end in range(len(whole) + 1):
        for zeros in (b"", bytes(64)):
            path.write_bytes(whole[:end] + zeros)
            found = read(tmp_path)
            assert found == numbered(some(8))[: len(found)] if found else True
            assert len(found) >= before or zeros
        before = max(before, len(found))
    assert before == 8
    path.write_bytes(whole[:-5])
    appended(tmp_path, some(2), after=left)
    assert read(tmp_path) == [*numbered(some(8))[:left], *numbered(some(2), left + 1)]


@pytest.mark.parametrize("in_a_turn", [1, 4])
@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_a_changed_record_is_never_read(tmp_path: Path, mask: int, in_a_turn: int) -> None:
    appended(tmp_path, some(6), in_a_turn=in_a_turn)
    path = segments(tmp_path)[1][0].path
    whole = path.read_bytes().rstrip(b"\0")
    faults = 0
    for at in range(8, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1 :] + bytes(99))
        damages = Spooled(tmp_path, 1, KEY).damages()
        found = list[Row]()
        with suppress(Fault) if damages else nullcontext():
            found = read(tmp_path)
        assert found == numbered(some(6))[: len(found)]
        assert len(found) < 6
        assert all(line.startswith(f"{path.name}: Audit record") for line in damages)
        faults += len(damages)
    assert faults > len(whole) // 2


SWAPS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "the records of another segment": lambda one, other: one[:40] + other[40:],
    "a record twice": lambda one, other: one + one[40:],
    "without the first": lambda one, other: one[:40] + one[40 + 4 + one[40] :],
}


@pytest.mark.parametrize("in_a_turn", [1, 2])
@pytest.mark.parametrize("swap", SWAPS)
def test_records_stay_in_their_places(tmp_path: Path, swap: str, in_a_turn: int) -> None:
    appended(tmp_path, some(5), in_a_turn=in_a_turn)
    appended(tmp_path, some(5), 5, in_a_turn)
    one, other = (segment.path for segment in segments(tmp_path)[1])
    whole = [path.read_bytes().rstrip(b"\0") for path in (one, other)]
    one.write_bytes(SWAPS[swap](*whole))
    with pytest.raises(Fault, match="was changed"):
        read(tmp_path)


def test_missing_records_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    appended(tmp_path, some(5))
    appended(tmp_path, some(3), after=5)
    segments(tmp_path)[1][0].path.unlink()
    with caplog.at_level(logging.ERROR):
        assert read(tmp_path) == numbered(some(3), 6)
    assert "records 1 to 5 of place 1 are missing" in caplog.text


@pytest.mark.parametrize(("sync", "asked"), [("NORMAL", 0), ("FULL", 2)])
def test_the_disk_is_asked_once_a_turn(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sync: Literal["FULL", "NORMAL"],
    asked: int,
) -> None:
    synced: list[int] = []
    place = Place(tmp_path)
    spool = Spool(tmp_path, place, KEY, 0, sync, lambda: False)
    monkeypatch.setattr(os, "fdatasync", synced.append)

    async def two_turns() -> None:
        for _ in range(2):
            await asyncio.gather(*(spool.append(Tenant(1), b"x") for _ in range(20)))

    asyncio.run(two_turns())
    spool.close()
    place.close()
    assert len(synced) == asked
    assert len(read(tmp_path)) == 40


def test_an_end_that_the_disk_did_not_take_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path)
    spool = Spool(tmp_path, place, KEY, 0, "FULL", lambda: False)

    def refuse(file: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", refuse)

    async def both() -> list[BaseException | None]:
        appends = (spool.append(Tenant(1), b"x") for _ in range(2))
        return await asyncio.gather(*appends, return_exceptions=True)

    assert [type(one).__name__ for one in asyncio.run(both())] == ["Busy", "Busy"]
    spool.close()
    place.close()


def test_whatever_goes_wrong_nobody_waits_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path)
    spool = Spool(tmp_path, place, KEY, 0, "NORMAL", lambda: False)

    def fail(*_: object) -> bytes:
        raise RuntimeError

    async def turn() -> list[BaseException | None]:
        both = (spool.append(Tenant(1), record) for record in (b"x", b"y"))
        return await asyncio.gather(*both, return_exceptions=True)

    async def turns() -> list[list[BaseException | None]]:
        with monkeypatch.context() as patch:
            patch.setattr(module, "joined", fail)
            failed = await turn()
        return [failed, await turn()]

    failed, well = asyncio.run(asyncio.wait_for(turns(), 5))
    assert [type(one) for one in failed] == [RuntimeError] * 2
    assert well == [None, None]
    spool.close()
    place.close()
    assert read(tmp_path) == numbered([(1, b"x"), (1, b"y")])


def test_who_is_cancelled_leaves_the_others_their_turn(tmp_path: Path) -> None:
    place = Place(tmp_path)
    spool = Spool(tmp_path, place, KEY, 0, "NORMAL", lambda: False)

    async def all_of_a_turn() -> list[object]:
        async def one(n: int) -> int:
            await spool.append(Tenant(1), b"%d" % n)
            return n

        calls = [asyncio.ensure_future(one(n)) for n in range(3)]
        await asyncio.sleep(0)
        calls[1].cancel()
        return [type(x) if isinstance(x, BaseException) else x for x in await together(calls)]

    async def together(calls: list[asyncio.Future[int]]) -> list[int | BaseException]:
        return await asyncio.gather(*calls, return_exceptions=True)

    assert asyncio.run(all_of_a_turn()) == [0, asyncio.CancelledError, 2]
    spool.close()
    place.close()
    assert read(tmp_path) == [(n + 1, 1, b"%d" % n) for n in range(3)]


def test_what_a_turn_leaves_is_there_before_anybody_goes_on(tmp_path: Path) -> None:
    place, told = Place(tmp_path), list[int]()
    spool = Spool(tmp_path, place, KEY, 0, "NORMAL", lambda: False, lambda: told.append(1))

    async def one(n: int) -> list[Row]:
        await spool.append(Tenant(1), b"%d" % n)
        return read(tmp_path)

    async def turn() -> list[list[Row]]:
        return await asyncio.gather(*map(one, range(3)))

    assert asyncio.run(turn()) == [numbered([(1, b"%d" % n) for n in range(3)])] * 3
    assert told == [1]
    spool.close()
    place.close()


@given(taken=st.lists(st.integers(1, 7), min_size=1, max_size=12), kept=st.integers(1, 12))
def test_what_is_fresh_need_not_be_read(
    tmp_path_factory: pytest.TempPathFactory, taken: list[int], kept: int
) -> None:
    """Whatever is taken, and where taking comes to nothing: no record twice, and none less."""
    folder = tmp_path_factory.mktemp("spool")
    place = Place(folder)
    spool = Spool(folder, place, KEY, 0, "NORMAL", lambda: False)
    spool.fresh = Fresh(0, kept, whole=3)
    reader = Spooled(folder, 1, KEY)
    reader.fresh = spool.fresh

    async def append() -> None:
        for n in range(4):
            await spool.append(Tenant(1), b"%d" % n)

    found, appends = list[Row](), 0

    def take(count: int) -> list[Row]:
        return rows_of(reader.runs(found[-1][0] if found else 0, count))

    for count in taken:
        asyncio.run(append())
        appends += 4
        assert reader.waiting(found[-1][0] if found else 0) == appends - len(found)
        lost = take(count)  # as where the transaction fails
        rows = take(count)
        assert len(rows) >= min(count, appends - len(found))
        assert rows[: len(lost)] == lost[: len(rows)]
        found += rows
    while rows := take(3):
        found += rows
    assert found == [(n + 1, 1, b"%d" % (n % 4)) for n in range(appends)]
    spool.close()
    place.close()
