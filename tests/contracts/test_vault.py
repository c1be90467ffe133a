"""What the vault of bulk files promises, over a folder and an object store (moto's S3)."""

from __future__ import annotations

import random
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from careplane.interop.bulk.parts import Part, Place
from careplane.interop.bulk.pulling.stores import Stores
from careplane.interop.bulk.vault import Vault, gzip_size
from careplane.kernel.errors import Busy, Fault, Incorrect
from careplane.records.jobs.job import Job
from careplane.storage.ports.records import Tenant

pytestmark = pytest.mark.anyio
KEY = bytes(range(32))
BUCKET = "bulk"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "folder":
        return (tmp_path / "files with space").as_uri()
    endpoint = request.getfixturevalue("s3")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    _client(endpoint).create_bucket(Bucket=BUCKET)
    return f"s3://{BUCKET}/some/prefix"


def _client(endpoint: str):  # type: ignore[no-untyped-def]
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1",
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip


def _job(id: str = "job") -> Job:
    return Job(id, Tenant(1), "bulk-export", "client/a", 0)


async def _written(vault: Vault, lines: list[bytes], number: int = 1, id: str = "job") -> Part:
    writer = vault.writer(_job(id), number)
    for some in lines:
        writer.add(some, some.count(b"\n"))
    return await writer.finish("output", "Patient", Place(1))


def _lines(pages: int) -> list[bytes]:
    seeded = random.Random(pages)
    return [
        b"".join(b'{"n":"%d"}\n' % seeded.getrandbits(64) for _ in range(20_000))
        for _ in range(pages)
    ]


async def _joined(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def test_what_goes_in_comes_out_whole_zipped_and_in_parts(url: str) -> None:
    vault = Vault(url, KEY)
    lines = _lines(14)
    part = await _written(vault, lines)
    whole = b"".join(lines)
    assert part.size == len(whole)
    assert part.count == whole.count(b"\n")
    assert len(part.plain) > 5, "it has several chunks"
    again = Vault(url, KEY)
    assert await _joined(again.plain(part, 0, part.size)) == whole
    zipped = await _joined(again.gzip(part))
    assert len(zipped) == gzip_size(part) < len(whole)
    unpack = zlib.decompressobj(31)
    assert unpack.decompress(zipped) == whole
    assert unpack.eof
    edge = part.plain[0]
    for start, end in (
        (0, 1),
        (edge - 1, edge + 1),
        (edge, edge + 5),
        (7, 2 * edge),
        (len(whole) - 3, len(whole)),
    ):
        assert await _joined(again.plain(part, start, end)) == whole[start:end]


async def test_files_of_a_job_go_and_others_stay(url: str) -> None:
    vault = Vault(url, KEY)
    gone, kept = await _written(vault, [b"a\n"]), await _written(vault, [b"b\n"], id="job2")
    await vault.remove(_job())
    with pytest.raises(Busy):
        await _joined(vault.plain(gone, 0, 2))
    assert await _joined(vault.plain(kept, 0, 2)) == b"b\n"
    await vault.remove(_job())


async def test_another_key_or_another_file_opens_nothing(url: str) -> None:
    vault = Vault(url, KEY)
    part, other = await _written(vault, [b"a\n"]), await _written(vault, [b"a\n"], number=2)
    with pytest.raises(Fault):
        await _joined(Vault(url, bytes(32)).plain(part, 0, 2))
    swapped = Part(
        *(other.name if n == "name" else getattr(part, n) for n in part.__struct_fields__)
    )
    with pytest.raises(Fault):
        await _joined(vault.plain(swapped, 0, 2))


async def test_the_store_has_no_plain_text(url: str, request: pytest.FixtureRequest) -> None:
    vault = Vault(url, KEY)
    part = await _written(vault, [b'{"family":"Zebedee"}\n'] * 50)
    if url.startswith("file:"):
        raw = next(
            path for path in request.getfixturevalue("tmp_path").rglob("*") if path.is_file()
        ).read_bytes()
    else:
        client = _client(request.getfixturevalue("s3"))
        raw = client.get_object(Bucket=BUCKET, Key=f"some/prefix/{part.name}")["Body"].read()
    assert len(raw) == sum(part.packed) + 16 * len(part.packed)
    assert b"Zebedee" not in raw


async def test_a_store_that_is_not_there_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    with pytest.raises(Busy):
        await _written(Vault("s3://none", KEY), [b"a\n"])


async def test_an_import_reads_objects_below_its_prefix(s3: str, url: str, tmp_path: Path) -> None:
    data = b"line\n" * 1_000_000
    prefix = f"s3://{BUCKET}/in" if url.startswith("s3") else tmp_path.as_uri()
    if url.startswith("s3"):
        _client(s3).put_object(Bucket=BUCKET, Key="in/a b.ndjson", Body=data)
    else:
        (tmp_path / "a b.ndjson").write_bytes(data)
    stores = Stores((prefix,))
    assert await _joined(stores.read(f"{prefix}/a%20b.ndjson")) == data
    with pytest.raises(Incorrect):
        await _joined(stores.read(f"{prefix}/none"))
