"""What PackageStore promises, over every engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from careplane.kernel.errors import CareplaneError, Malformed
from careplane.storage.engines import postgres, sqlite
from careplane.storage.engines.memory import MemoryPackages
from careplane.storage.ports.packages import Artifact, Package, PackageStore
from tests import postgres as database

pytestmark = pytest.mark.anyio
KEY = bytes(range(32))
STORES: dict[str, Callable[[Path], PackageStore]] = {
    "memory": lambda _: MemoryPackages(),
    "sqlite": lambda folder: sqlite.open_packages(folder, KEY),
    "postgres": lambda _: postgres.open_packages(database.url()),
}


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PackageStore]:
    store = STORES[request.param](tmp_path)
    yield store
    await store.close()


def package(name: str, version: str = "1.0.0", *, asked: bool = True) -> Package:
    return Package(name, version, asked, 17, b'{"name":"a"}', b'{"b":"1.0.0"}')


def artifacts(*names: str, uses: Sequence[str] = ()) -> list[Artifact]:
    return [Artifact(b"header of " + n.encode(), b"body of " + n.encode(), uses) for n in names]


async def test_what_was_added_is_there_with_its_artifacts(store: PackageStore) -> None:
    assert (await store.epoch(), await store.packages(), await store.headers()) == (0, [], [])
    assert await store.add(package("b"), [artifacts("x", "y"), [], artifacts("z")])
    assert await store.add(package("a", "2.0.0", asked=False), [])
    assert await store.add(package("a"), [artifacts("x")])
    assert list(await store.packages()) == [
        package("a"), package("a", "2.0.0", asked=False), package("b"),
    ]  # fmt: skip
    filed = list(await store.headers())
    assert [(f.name, f.version, f.header) for f in filed] == [
        ("b", "1.0.0", b"header of x"),
        ("b", "1.0.0", b"header of y"),
        ("b", "1.0.0", b"header of z"),
        ("a", "1.0.0", b"header of x"),
    ]
    numbers = [f.number for f in filed]
    assert numbers == sorted(set(numbers))
    assert [await store.body(n) for n in numbers] == [
        b"body of x", b"body of y", b"body of z", b"body of x",
    ]  # fmt: skip
    assert await store.body(numbers[-1] + 1) is None


async def test_headers_are_read_some_at_a_time(store: PackageStore) -> None:
    await store.add(package("a"), [artifacts(*"abcde")])
    first = await store.headers(0, 2)
    rest = await store.headers(first[-1].number, 9)
    assert [f.header[-1:] for f in (*first, *rest)] == [b"a", b"b", b"c", b"d", b"e"]


async def test_a_package_that_is_here_is_not_taken_again(store: PackageStore) -> None:
    await store.add(package("a"), [artifacts("x")])
    epoch = await store.epoch()
    assert not await store.add(package("a", asked=False), [artifacts("y")])
    assert await store.epoch() == epoch
    assert list(await store.packages()) == [package("a")]
    assert [f.header for f in await store.headers()] == [b"header of x"]


async def test_a_package_that_breaks_off_leaves_nothing(store: PackageStore) -> None:
    def breaking() -> Iterator[list[Artifact]]:
        yield artifacts("x", uses=["http://a.test/used"])
        raise Malformed("It ends too early.")

    with pytest.raises(CareplaneError, match="ends too early"):
        await store.add(package("a"), breaking())
    assert (await store.epoch(), await store.packages(), await store.headers()) == (0, [], [])
    assert list(await store.users("http://a.test/used")) == []
    assert await store.add(package("a"), [artifacts("x")])


async def test_who_refers_to_a_url(store: PackageStore) -> None:
    used = "http://a.test/ValueSet/é"
    await store.add(package("a"), [artifacts("x", "y", uses=[used, "urn:oid:1.2"])])
    await store.add(package("b"), [artifacts("z", uses=[used])])
    numbers = [f.number for f in await store.headers()]
    assert list(await store.users(used)) == numbers
    assert list(await store.users("urn:oid:1.2")) == numbers[:2]
    assert list(await store.users("http://a.test/ValueSet")) == []


async def test_a_package_goes_as_a_whole_and_its_numbers_with_it(store: PackageStore) -> None:
    await store.add(package("a"), [artifacts("x", uses=["urn:u"])])
    await store.add(package("b"), [artifacts("y", uses=["urn:u"])])
    x, y = (f.number for f in await store.headers())
    epoch = await store.epoch()
    assert await store.remove("b", "1.0.0")
    assert not await store.remove("b", "1.0.0")
    assert not await store.remove("a", "2.0.0")
    assert await store.epoch() > epoch
    assert list(await store.packages()) == [package("a")]
    assert (await store.body(x), await store.body(y)) == (b"body of x", None)
    assert list(await store.users("urn:u")) == [x]
    await store.add(package("b"), [artifacts("z")])
    assert (await store.headers())[-1].number > y


async def test_why_a_package_is_here_can_change(store: PackageStore) -> None:
    assert not await store.mark("a", "1.0.0", asked=True, pins=b"{}")
    await store.add(package("a", asked=False), [])
    epoch = await store.epoch()
    assert await store.mark("a", "1.0.0", asked=True, pins=b'{"c":"1"}')
    assert await store.epoch() > epoch
    (found,) = await store.packages()
    assert (found.asked, found.pins, found.manifest) == (True, b'{"c":"1"}', b'{"name":"a"}')


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_it_is_there_after_a_restart_and_for_others(tmp_path: Path, engine: str) -> None:
    url = database.url() if engine == "postgres" else ""

    def opened() -> PackageStore:
        return postgres.open_packages(url) if url else sqlite.open_packages(tmp_path, KEY)

    one, other = opened(), opened()
    assert await other.epoch() == 0
    await one.add(package("a"), [artifacts("x")])
    assert await other.epoch() == await one.epoch()
    assert [f.header for f in await other.headers()] == [b"header of x"]
    await one.close()
    await other.close()
    again = opened()
    assert list(await again.packages()) == [package("a")]
    await again.close()


async def test_sqlite_has_no_file_before_the_first_package(tmp_path: Path) -> None:
    store = sqlite.open_packages(tmp_path, KEY)
    assert await store.epoch() == 0
    assert not await store.remove("a", "1.0.0")
    assert list(tmp_path.iterdir()) == []
    await store.add(package("a"), [artifacts("x")])
    assert (tmp_path / "packages.sqlite").stat().st_mode & 0o777 == 0o600
    assert b"header of x" not in (tmp_path / "packages.sqlite").read_bytes()
    await store.close()
