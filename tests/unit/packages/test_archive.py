"""Packages that somebody else made: what is read, and what is refused without harm."""

from __future__ import annotations

import gzip
import tarfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from careplane.kernel.errors import CareplaneError, Incorrect, Malformed, TooLarge
from careplane.packages.archive import LIMITS, Limits, files_of, manifest_of
from tests.package_house import gzipped, manifest, packed, raw_member, value_set, zipped
from tests.support import test_data

GOOD = b'{"name":"a.b","version":"1.0.0"}'
ABOUT = ("package/package.json", GOOD)
HEAD = raw_member("package/package.json", len(GOOD), GOOD)


def test_us_core_is_read() -> None:
    path = test_data("us-core", "us_core_610.tgz")
    about = manifest_of(path)
    assert (about.name, about.version, about.fhir_versions) == (
        "hl7.fhir.us.core", "6.1.0", ("4.0.1",),
    )  # fmt: skip
    assert about.dependencies["hl7.terminology.r4"] == "5.0.0"
    assert about.canonical == "http://hl7.org/fhir/us/core"
    files = {file.name for file in files_of(path)}
    assert "StructureDefinition-us-core-patient.json" in files
    assert not any("/" in name or name.startswith(".") for name in files)
    assert "package.json" not in files


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_of_tar_is_read_with_long_names(tmp_path: Path, format: int) -> None:
    long = "package/" + ("ValueSet-" + "n" * 60 if format == tarfile.USTAR_FORMAT else "é" * 90)
    path = tmp_path / "a.tgz"
    with tarfile.open(path, "w:gz", format=format) as archive:
        for name, data in (ABOUT, (f"{long}.json", b"{}"), ("package/other/x.json", b"[]")):
            file = tmp_path / "file"
            file.write_bytes(data)
            archive.add(file, name)
        archive.add(tmp_path, "package/folder", recursive=False)
    assert manifest_of(path).name == "a.b"
    assert [(f.name, f.data) for f in files_of(path)] == [(f"{long}.json"[8:], b"{}")]


def saying(text: bytes) -> bytes:
    """A package with this manifest and no more."""
    return zipped([("package/package.json", text)])


def pax(text: bytes) -> bytes:
    """An extended header."""
    return raw_member("x", len(text), text, b"x")


NEEDY = b'{"name":"a","version":"1.0.0","dependencies":{%s}}'
MANY = b",".join(b'"n%d":"1"' % n for n in range(201))
BAD: dict[str, tuple[Callable[[], bytes], type[CareplaneError], str]] = {
    "nothing": (lambda: b"", Malformed, "has no package/package.json"),
    "not gzip": (lambda: b"PK\x03\x04 a zip file", Malformed, "not a tar file in gzip"),
    "no tar in it": (lambda: gzip.compress(b"x" * 2048), Malformed, "cannot be read as a tar"),
    "cut off": (lambda: zipped([ABOUT])[:-40], Malformed, "ends too early"),
    "cut off inside": (
        lambda: gzip.compress(HEAD + raw_member("package/x.json", 999)),
        Malformed, "ends in the middle",
    ),
    "damaged in the middle": (lambda: gzipped(HEAD, b"?" * 512), Malformed, "damaged"),
    "broken check": (lambda: gzip.compress(HEAD[:150] + b"9" + HEAD[151:]), Malformed, "damaged"),
    "no manifest": (lambda: zipped([("package/x.json", b"{}")]), Malformed, "has no package/pack"),
    "zip slip": (
        lambda: zipped([ABOUT, ("package/../../x.json", b"{}")]), Malformed, "outside of itself",
    ),
    "absolute": (lambda: zipped([("/package/package.json", GOOD)]), Malformed, "outside of itself"),
    "windows": (lambda: zipped([("C:\\package.json", GOOD)]), Malformed, "outside of itself"),
    "a link": (
        lambda: gzipped(HEAD, raw_member("package/x", 0, type=b"2")), Malformed, "link or a device",
    ),
    "a hard link": (
        lambda: gzipped(HEAD, raw_member("package/x", 0, type=b"1")), Malformed, "link or a device",
    ),
    "a device": (lambda: gzipped(raw_member("package/x", 0, type=b"3")), Malformed, "or a device"),
    "a sparse file": (lambda: gzipped(raw_member("package/x", 0, type=b"S")), Malformed, "device"),
    "a pax sparse file": (
        lambda: gzipped(pax(b"25 GNU.sparse.realsize=9\n"), HEAD), Malformed, "a sparse file",
    ),
    "a lying size": (
        lambda: gzipped(HEAD, raw_member("package/x.json", 1 << 60)), TooLarge, "has more than",
    ),
    "a lying size of what is not read": (
        lambda: gzipped(HEAD, raw_member("other/x", 1 << 60)), TooLarge, "has more than",
    ),
    "an endless extended header": (
        lambda: gzipped(raw_member("x", 1 << 50, type=b"x")), TooLarge, "extended header",
    ),
    "a lying pax header": (lambda: gzipped(pax(b"99 size=1\n\n\n"), HEAD), Malformed, "damaged"),
    "a pax size": (
        lambda: gzipped(pax(b"26 size=99999999999999999\n"), HEAD), TooLarge, "has more than",
    ),
    "the manifest is no JSON": (lambda: saying(b"{"), Malformed, "not JSON"),
    "the manifest is a list": (lambda: saying(b"[]"), Malformed, "not JSON"),
    "a manifest of megabytes": (lambda: saying(b" " * (2 << 20)), TooLarge, "more than 1,048,576"),
    "no name": (lambda: saying(b"{}"), Incorrect, "no name of a package"),
    "a name that leads away": (
        lambda: saying(b'{"name":"../../x","version":"1"}'), Incorrect, "no name of a package",
    ),
    "no version": (lambda: saying(b'{"name":"a"}'), Incorrect, "names no version"),
    "another FHIR": (
        lambda: saying(b'{"name":"a","version":"1.0.0","fhirVersions":["5.0.0"]}'),
        Incorrect, "is for FHIR 5.0.0",
    ),
    "a dependency that is none": (
        lambda: saying(NEEDY % b'"b":">=1"'), Incorrect, "no version of a package",
    ),
    "too many dependencies": (lambda: saying(NEEDY % MANY), Incorrect, "more than 200 others"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_package_is_refused_in_words(tmp_path: Path, name: str) -> None:
    made, kind, words = BAD[name]
    path = tmp_path / "bad.tgz"
    path.write_bytes(made())
    with pytest.raises(kind, match=words):
        manifest_of(path)


def test_a_bomb_is_refused_in_little_time_and_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tgz"
    big = gzip.compress(bytes(1 << 20), 1)
    path.write_bytes(gzip.compress(raw_member("package/x.json", 60 << 20)) + big * 60)
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(TooLarge, match="20,971,520 bytes when it is unpacked"):
        manifest_of(path, LIMITS._replace(unpacked=20 << 20))
    assert time.process_time() - started < 2
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_too_many_files_and_too_large_ones_are_refused(tmp_path: Path) -> None:
    about = manifest("a.many")
    path = packed(tmp_path, about, *(value_set(str(n)) for n in range(20)))
    assert len(list(files_of(path, LIMITS._replace(files=21)))) == 20
    with pytest.raises(TooLarge, match="more than 20 files"):
        manifest_of(path, LIMITS._replace(files=20))
    with pytest.raises(TooLarge, match="has more than 10 bytes"):
        manifest_of(path, LIMITS._replace(file=10))
    with pytest.raises(TooLarge, match="has more than 10 bytes"):
        manifest_of(path, LIMITS._replace(packed=10))


def test_a_hundred_thousand_files_are_refused_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "many.tgz"
    one = raw_member("package/x.json", 2, b"{}")
    path.write_bytes(gzip.compress(one * 100_000, 1))
    started = time.process_time()
    with pytest.raises(TooLarge, match="more than 50,000 files"):
        manifest_of(path)
    assert time.process_time() - started < 5


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none.tgz", tmp_path):
        with pytest.raises(Incorrect, match="cannot be read"):
            manifest_of(path)
    assert Limits() == LIMITS
