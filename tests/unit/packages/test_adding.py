"""Packages are added with what they need, pinned, found by canonical, and removed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from careplane.kernel.errors import Busy, CareplaneError, Conflict, Malformed, NotFound
from careplane.packages.adding import Adding
from careplane.packages.copying import copied
from careplane.packages.packages import Packages
from careplane.packages.server import PackageServer, host_of
from careplane.storage.engines.memory import MemoryPackages
from tests.package_house import manifest, packed, profile, value_set
from tests.support import test_data

pytestmark = pytest.mark.anyio
PATIENT = "http://hl7.org/fhir/StructureDefinition/Patient"
US_PATIENT = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"
BASE = "https://packages.test"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class House:
    """Packages over a store in memory, and a server of the files in a folder."""

    def __init__(self, folder: Path, server: PackageServer | None = None) -> None:
        self.now = 0
        self.folder = folder
        self.store = MemoryPackages()
        self.packages = Packages(self.store, lambda: self.now)
        self.adding = Adding(self.store, self.packages, lambda: self.now, server)

    async def add(self, about: dict[str, Any], *resources: dict[str, Any]) -> list[str]:
        """What is here afterwards."""
        await self.adding.file(packed(self.folder, about, *resources))
        return await self.here()

    async def here(self) -> list[str]:
        return sorted((await self.packages.catalogue()).packages)


class Shop:
    """A package server, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.dist: dict[str, Mapping[str, Any]] = {}

    async def read(self, url: str, most: int) -> bytes:
        self.asked.append(url)
        name = url.removeprefix(f"{BASE}/")
        found = sorted(self.folder.glob(f"{name}-[0-9]*.tgz"))
        if not found:
            raise NotFound("Nothing there.")
        versions = [file.name.removeprefix(f"{name}-").removesuffix(".tgz") for file in found]
        dists = {v: {"dist": self.dist.get(f"{name}#{v}", {})} for v in versions}
        return json.dumps({"name": name, "versions": dists}).encode()

    async def save(self, url: str, to: Path, most: int) -> None:
        self.asked.append(url)
        name, _, version = url.removeprefix(f"{BASE}/").rpartition("/")
        to.write_bytes((self.folder / f"{name}-{version}.tgz").read_bytes())


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    (tmp_path / "shop").mkdir()
    return Shop(tmp_path / "shop")


@pytest.fixture
def served(tmp_path: Path, shop: Shop) -> House:
    return House(tmp_path, PackageServer(f"{BASE}/", shop))


R4 = "hl7.fhir.r4.core#4.0.1"


async def test_us_core_is_added_and_found_by_canonical(house: House) -> None:
    outcome = await house.adding.file(test_data("us-core", "us_core_610.tgz"))
    (added,) = outcome.added
    assert (added.name, added.version, added.is_new, added.skipped) == (
        "hl7.fhir.us.core", "6.1.0", True, (),
    )  # fmt: skip
    assert {one.name for one in outcome.lacking} >= {"hl7.terminology.r4", "us.nlm.vsac"}
    assert R4 not in {one.name for one in outcome.lacking}
    for canonical in (US_PATIENT, f"{US_PATIENT}|6.1.0", f"{US_PATIENT}|6.1"):
        found = await house.packages.artifact("StructureDefinition", canonical)
        assert found is not None
        assert (found["url"], found["version"]) == (US_PATIENT, "6.1.0")
        assert "text" not in found
    assert await house.packages.artifact("StructureDefinition", f"{US_PATIENT}|7.0.0") is None
    assert await house.packages.artifact("ValueSet", US_PATIENT) is None
    assert [one.id for one in await house.packages.of(US_PATIENT)] == ["hl7.fhir.us.core#6.1.0"]
    catalogue = await house.packages.catalogue()
    (us_core,) = (one for one in catalogue.packages.values() if not one.built_in)
    assert "hl7.terminology.r4" in us_core.lacks
    assert us_core.pins == {"hl7.fhir.r4.core": "4.0.1"}
    kinds = [entry.header.kind for entry in catalogue.within(us_core.id)]
    assert (kinds.count("profile"), kinds.count("extension")) == (49, 10)
    race = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
    users = await house.packages.users(race)
    assert US_PATIENT in {entry.header.url for entry in users}


async def test_r4_itself_is_a_package_that_is_always_here(house: House) -> None:
    catalogue = await house.packages.catalogue()
    assert list(catalogue.packages) == [R4]
    assert catalogue.packages[R4].built_in
    assert (await house.packages.artifact("StructureDefinition", PATIENT) or {})[
        "name"
    ] == "Patient"
    assert await house.packages.artifact("StructureDefinition", f"{PATIENT}|4.0") is not None
    assert await house.packages.artifact("StructureDefinition", f"{PATIENT}|5.0.0") is None
    assert len(catalogue.within(R4)) == len(list(catalogue.search()))
    users = await house.packages.users("http://hl7.org/fhir/ValueSet/administrative-gender")
    assert PATIENT in {entry.header.url for entry in users}
    with pytest.raises(Conflict, match="comes with the program"):
        await house.add(manifest("hl7.fhir.r4.core", "4.0.1", {}))
    with pytest.raises(NotFound):
        await house.adding.remove("hl7.fhir.r4.core")


async def test_the_newest_pinned_version_is_meant(house: House) -> None:
    url = "http://a.test/ValueSet/v"
    await house.add(manifest("a.dep", "9.0.0"), value_set("v", url, version="9.0.0"))
    await house.store.mark("a.dep", "9.0.0", asked=False, pins=b"{}")
    for version in ("1.0.0", "1.10.0", "2.0.0-ballot", "1.9.0"):
        await house.add(manifest("a.vs", version), value_set("v", url, version=version))
    catalogue = await house.packages.catalogue()
    versions = [entry.header.version for entry in catalogue.versions("ValueSet", url)]
    assert versions == ["1.10.0", "1.9.0", "1.0.0", "2.0.0-ballot", "9.0.0"]
    for asked, expected in (("", "1.10.0"), ("|1.9.0", "1.9.0"), ("|1", "1.10.0"), ("|9", "9.0.0")):
        found = await house.packages.artifact("ValueSet", url + asked)
        assert found is not None
        assert found["version"] == expected


async def test_a_package_does_not_take_the_place_of_a_type_of_r4(house: House) -> None:
    false = profile("Patient", "Patient", url=PATIENT, derivation="specialization", version="9.0.0")
    await house.add(manifest("a.false"), false)
    found = await house.packages.artifact("StructureDefinition", PATIENT)
    assert found is not None
    assert found["version"] == "4.0.1"


async def test_a_dependency_that_is_here_is_pinned_and_stays(house: House) -> None:
    await house.add(manifest("a.base", "1.1.0"))
    await house.add(manifest("a.guide", needs={"a.base": "1.x", "a.late": "2.0.0"}))
    await house.add(manifest("a.base", "1.2.0"))
    await house.add(manifest("a.late", "2.0.0"))
    guide = (await house.packages.catalogue()).packages["a.guide#1.0.0"]
    assert guide.pins == {"a.base": "1.1.0", "a.late": "2.0.0"}
    assert guide.lacks == []


async def test_dependencies_come_from_the_server_once(served: House, shop: Shop) -> None:
    packed(shop.folder, manifest("a.base", "1.0.0", {"a.deep": "latest"}), value_set("v"))
    packed(shop.folder, manifest("a.base", "1.1.0", {"a.deep": "latest", "a.guide": "1.0.0"}))
    packed(shop.folder, manifest("a.deep", "3.0.0", {"a.base": "1.1.x", "gone": "1.0.0"}))
    packed(shop.folder, manifest("a.guide", "1.0.0", {"a.base": "1.x", "x.build": "current"}))
    outcome = await served.adding.named("a.guide")
    assert [(one.name, one.version) for one in outcome.added] == [
        ("a.guide", "1.0.0"), ("a.base", "1.1.0"), ("a.deep", "3.0.0"),
    ]  # fmt: skip
    assert [(one.name, one.of) for one in outcome.lacking] == [
        ("x.build", "a.guide#1.0.0"), ("gone", "a.deep#3.0.0"),
    ]  # fmt: skip
    assert not any("x.build" in url for url in shop.asked)
    assert await served.here() == ["a.base#1.1.0", "a.deep#3.0.0", "a.guide#1.0.0", R4]
    packages = (await served.packages.catalogue()).packages
    assert packages["a.deep#3.0.0"].pins == {"a.base": "1.1.0"}
    assert [one.asked for one in packages.values() if not one.built_in].count(True) == 1
    shop.asked.clear()
    again = await served.adding.named("a.guide", "1.0.0")
    assert not again.added[0].is_new
    assert f"{BASE}/a.base" not in shop.asked


async def test_without_a_server_nobody_is_asked(house: House) -> None:
    with pytest.raises(NotFound, match="no package server is configured"):
        await house.adding.named("a.guide")
    outcome = await house.adding.file(packed(house.folder, manifest("a", needs={"b": "1.0.0"})))
    assert "no package server" in outcome.lacking[0].reason


async def test_what_a_server_sends_is_compared_with_what_it_announced(
    served: House, shop: Shop
) -> None:
    data = packed(shop.folder, manifest("a.base", "1.0.0", {})).read_bytes()
    shop.dist["a.base#1.0.0"] = {"shasum": hashlib.sha1(b"another").hexdigest()}
    with pytest.raises(Malformed, match="not what it announces"):
        await served.adding.named("a.base")
    shop.dist["a.base#1.0.0"] = {"integrity": "sha512-" + "A" * 88}
    with pytest.raises(Malformed, match="not what it announces"):
        await served.adding.named("a.base")
    shop.dist["a.base#1.0.0"] = {"shasum": hashlib.sha1(data).hexdigest()}
    assert (await served.adding.named("a.base")).added[0].is_new
    with pytest.raises(NotFound, match=r"has no package a\.none"):
        await served.adding.named("a.none")
    with pytest.raises(NotFound, match=r"has no a.base 2.x"):
        await served.adding.named("a.base", "2.x")


async def test_a_tarball_elsewhere_is_not_fetched(served: House, shop: Shop) -> None:
    packed(shop.folder, manifest("a.base", "1.0.0", {}))
    shop.dist["a.base#1.0.0"] = {"tarball": "http://169.254.169.254/latest"}
    await served.adding.named("a.base")
    assert shop.asked == [f"{BASE}/a.base", f"{BASE}/a.base/1.0.0"]


async def test_a_package_is_removed_with_what_nobody_needs_more(served: House, shop: Shop) -> None:
    packed(shop.folder, manifest("a.base", "1.0.0", {"a.deep": "1.0.0"}), value_set("v"))
    packed(shop.folder, manifest("a.deep", "1.0.0", {}))
    await served.add(manifest("a.one", needs={"a.base": "1.0.0"}))
    await served.add(manifest("a.two", needs={"a.deep": "1.0.0"}))
    with pytest.raises(Conflict, match=r"is needed by a\.one#1"):
        await served.adding.remove("a.base")
    assert await served.adding.remove("a.one") == ["a.one#1.0.0", "a.base#1.0.0"]
    assert await served.here() == ["a.deep#1.0.0", "a.two#1.0.0", R4]
    assert await served.packages.artifact("ValueSet", "http://a.test/ValueSet/v") is None
    assert await served.adding.remove("a.deep", force=True) == ["a.deep#1.0.0"]
    two = (await served.packages.catalogue()).packages["a.two#1.0.0"]
    assert (two.pins, two.lacks) == ({}, ["a.deep"])


async def test_one_of_several_versions_must_be_named(house: House) -> None:
    await house.add(manifest("a.vs", "1.0.0"))
    await house.add(manifest("a.vs", "2.0.0"))
    with pytest.raises(Conflict, match=r"Several versions of a.vs are here \(1.0.0, 2.0.0\)"):
        await house.adding.remove("a.vs")
    assert await house.adding.remove("a.vs", "1.0.0") == ["a.vs#1.0.0"]


async def test_files_that_cannot_be_read_are_said(house: House) -> None:
    about = manifest("a.odd")
    path = packed(house.folder, about, value_set("v"), {"resourceType": "Patient", "id": "p"})
    outcome = await house.adding.file(path)
    assert outcome.added[0].skipped == ()
    deep = value_set("deep", nested=json.loads("[" * 150 + "]" * 150))
    outcome = await house.adding.file(packed(house.folder, manifest("a.odd", "2.0.0"), deep))
    assert [one.file for one in outcome.added[0].skipped] == ["ValueSet-deep.json"]
    assert "100 levels" in outcome.added[0].skipped[0].reason
    catalogue = await house.packages.catalogue()
    assert [e.header.type for e in catalogue.within("a.odd#1.0.0")] == ["ValueSet"]


async def test_what_others_change_is_seen_a_second_later(house: House) -> None:
    other = Packages(house.store, lambda: house.now)
    assert list((await other.catalogue()).packages) == [R4]
    await house.add(manifest("a.vs"), value_set("v"))
    assert list((await other.catalogue()).packages) == [R4]
    house.now = 1_000_000
    assert await other.artifact("ValueSet", "http://a.test/ValueSet/v") is not None


async def test_an_artifact_is_read_once_and_a_removed_one_is_gone(house: House) -> None:
    await house.add(manifest("a.vs"), value_set("v"))
    url = "http://a.test/ValueSet/v"
    first = await house.packages.artifact("ValueSet", url)
    assert await house.packages.artifact("ValueSet", url) is first
    (entry,) = (await house.packages.catalogue()).versions("ValueSet", url)
    await house.adding.remove("a.vs")
    assert await house.packages.artifact("ValueSet", url) is None
    assert await house.packages.tree(entry) is None


async def test_artifacts_are_searched_by_words(house: House) -> None:
    await house.add(
        manifest("a.vs"),
        value_set("one", title="Blood pressure units"),
        value_set("two", title="Units of blood"),
        profile("bp", title="Blood pressure", version="1"),
    )
    catalogue = await house.packages.catalogue()

    def ids(**asked: str) -> list[str]:
        return [entry.header.id for entry in catalogue.search(package="a.vs#1.0.0", **asked)]

    assert ids(text="BLOOD") == ["bp", "one", "two"]
    assert ids(text="units blood") == ["one", "two"]
    assert ids(text="units", type="ValueSet") == ["two", "one"]
    assert ids(kind="profile") == ["bp"]
    assert ids(text="valueset/two") == ["two"]
    assert ids(text="nothing") == []
    assert catalogue.search("observation-bodyheight", kind="profile")[0].package.built_in


@pytest.mark.parametrize(
    "address", ["", "ftp://a", "packages.fhir.org", "https://a:b@c", "http://"]
)
def test_the_address_of_a_server(address: str) -> None:
    with pytest.raises(CareplaneError, match="such as https://"):
        host_of(address)
    assert host_of("https://packages.fhir.org:444/npm/") == "packages.fhir.org"


async def test_a_server_that_fails_leaves_what_is_here(served: House, shop: Shop) -> None:
    async def fails(url: str, most: int) -> bytes:
        raise Busy("The package server does not answer now.")

    shop.read = fails  # type: ignore[method-assign]
    outcome = await served.adding.file(packed(served.folder, manifest("a", needs={"b": "1.0.0"})))
    assert (outcome.added[0].name, outcome.lacking[0].name) == ("a", "b")
    with pytest.raises(Busy):
        await served.adding.named("b")


async def test_packages_move_to_another_store_as_they_are(house: House, tmp_path: Path) -> None:
    await house.add(manifest("a.base", "1.0.0", {}), value_set("v"), profile("p"))
    await house.add(manifest("a.guide", needs={"a.base": "1.x"}), value_set("w"))
    there = House(tmp_path)
    for _ in range(2):
        assert await copied(house.store, there.store) == 2
        assert await there.store.packages() == await house.store.packages()
        assert await there.here() == await house.here()
        for url in ("http://a.test/ValueSet/v", "http://a.test/ValueSet/w"):
            found = await there.packages.artifact("ValueSet", url)
            assert found == await house.packages.artifact("ValueSet", url)
        base = "http://hl7.org/fhir/StructureDefinition/Observation"
        users = [entry.header.url for entry in await there.packages.users(base)]
        assert users[0] == "http://a.test/StructureDefinition/p"
