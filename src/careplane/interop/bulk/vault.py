"""The vault: files of output, compressed and encrypted in chunks, in a folder or an object store.

A file is a row of chunks. Each is deflated by itself and sealed with AES-GCM under a key of the
file's own (HKDF of the vault's key and a random salt); the nonce is the number of the chunk. The
sizes of the chunks and the salt are kept with the job, so a chunk left out or out of place is found
out, and any part of a file is read without the rest. Chunks put together are one gzip stream, so
a client that takes gzip gets what is stored (docs/decisions/0012-bulk-output.md).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
import zlib
from collections.abc import AsyncIterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from careplane.interop.bulk.parts import Part, Place
from careplane.kernel.errors import Busy, Fault
from careplane.records.jobs.job import Job

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CHUNK = 1 << 20
"""Bytes of a chunk before it is packed, at least, but for the last one."""
_TAG = 16
_RAW = -15  # deflate without the frame of zlib or gzip
_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST = b"\x03\x00"  # an empty block that says that it is the last one
_GZIP_FRAME = len(_HEAD) + len(_LAST) + 8
_ABREAST = 4
"""Chunks fetched in one go."""


class Vault:
    """Files below one URL: `file:///...`, `s3://bucket/prefix` or another that obstore knows."""

    def __init__(self, url: str, key: bytes) -> None:
        self._url = url
        self._key = key

    @cached_property
    def _store(self) -> ObjectStore:
        from obstore.store import LocalStore, from_url  # on first use only

        folder = self._folder
        if folder is None:
            return from_url(self._url)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return LocalStore(folder)

    @property
    def _folder(self) -> Path | None:
        parts = urlsplit(self._url)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None

    def writer(self, job: Job, number: int) -> Writer:
        """Begin a file. Nothing of it is there until it is finished."""
        salt = os.urandom(16)
        name = f"{job.tenant}/{job.id}/{number:06d}-{salt.hex()}"
        return Writer(self, name, salt, number)

    async def put(self, name: str, pieces: list[bytes]) -> None:
        """Store an object, whole or not at all; who cancels this waits for it, since it goes on
        outside of Python."""
        import obstore

        putting = asyncio.ensure_future(obstore.put_async(self._store, name, iter(pieces)))
        try:
            await asyncio.shield(putting)
        except asyncio.CancelledError:
            await asyncio.wait({putting})
            raise
        except (obstore.exceptions.BaseError, OSError) as error:
            raise _unreachable() from error

    async def remove(self, job: Job) -> None:
        """All files of a job, those that were never finished too."""
        import obstore

        prefix = f"{job.tenant}/{job.id}"
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder / prefix, ignore_errors=True)
            return
        try:
            async for some in obstore.list(self._store, prefix):
                await obstore.delete_async(self._store, [one["path"] for one in some])
        except (obstore.exceptions.BaseError, OSError) as error:
            raise _unreachable() from error

    def cipher(self, salt: bytes) -> AESGCM:
        """The cipher of one file."""
        return AESGCM(HKDFExpand(SHA256(), 32, b"careplane/bulk-file/1" + salt).derive(self._key))

    async def gzip(self, part: Part) -> AsyncIterator[bytes]:
        """The whole file as gzip."""
        head = _HEAD
        async for _, packed in self._chunks(part, 0, len(part.packed)):
            yield head + packed
            head = b""
        yield head + _LAST + struct.pack("<II", part.check, part.size & 0xFFFF_FFFF)

    async def plain(self, part: Part, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes [start, end) of the file."""
        at, first = 0, 0
        while first < len(part.plain) and at + part.plain[first] <= start:
            at += part.plain[first]
            first += 1
        last, reach = first, at
        while last < len(part.plain) and reach < end:
            reach += part.plain[last]
            last += 1
        async for number, packed in self._chunks(part, first, last):
            data = await asyncio.to_thread(_inflate, packed, part.plain[number])
            yield data[max(start - at, 0) : end - at]
            at += len(data)

    async def _chunks(self, part: Part, first: int, last: int) -> AsyncIterator[tuple[int, bytes]]:
        """Chunks first to last, opened, a few at a time."""
        import obstore

        cipher = self.cipher(part.salt)
        at = sum(part.packed[:first]) + _TAG * first
        for number in range(first, last, _ABREAST):
            sizes = [size + _TAG for size in part.packed[number : min(number + _ABREAST, last)]]
            try:
                raw = await obstore.get_range_async(
                    self._store, part.name, start=at, length=sum(sizes)
                )
            except (obstore.exceptions.BaseError, OSError) as error:
                raise _unreachable() from error
            for place, packed in enumerate(
                await asyncio.to_thread(_open, cipher, number, sizes, bytes(raw))
            ):
                yield number + place, packed
            at += sum(sizes)


def gzip_size(part: Part) -> int:
    """Bytes of the whole file as gzip."""
    return sum(part.packed) + _GZIP_FRAME


class Writer:
    """A file on its way: at most a chunk of it as it came, the rest sealed."""

    def __init__(self, vault: Vault, name: str, salt: bytes, number: int) -> None:
        self._vault = vault
        self._name, self._salt, self._number = name, salt, number
        self._cipher = vault.cipher(salt)
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._sealed: list[bytes] = []
        self._plain: list[int] = []
        self._packed: list[int] = []
        self._check = 0
        self.count = 0
        self.size = 0

    @property
    def weight(self) -> int:
        """Bytes that wait in memory."""
        return self._buffered + sum(self._packed)

    def add(self, lines: bytes, count: int) -> None:
        """Add whole lines. It computes: call it on a thread."""
        self._buffer.append(lines)
        self._buffered += len(lines)
        self.count += count
        self.size += len(lines)
        if self._buffered >= CHUNK:
            self._seal()

    async def finish(self, kind: str, type: str, then: Place, about: str = "") -> Part:
        """Store it."""
        if self._buffered:
            await asyncio.to_thread(self._seal)
        await self._vault.put(self._name, self._sealed)
        return Part(
            self._number, kind, type, self.count, self._name, self._salt, self._check,
            self._plain, self._packed, then, about,
        )  # fmt: skip

    def _seal(self) -> None:
        data = b"".join(self._buffer)
        pack = zlib.compressobj(1, zlib.DEFLATED, _RAW)
        packed = pack.compress(data) + pack.flush(zlib.Z_FULL_FLUSH)
        self._sealed.append(self._cipher.encrypt(_nonce(len(self._plain)), packed, None))
        self._plain.append(len(data))
        self._packed.append(len(packed))
        self._check = zlib.crc32(data, self._check)
        self._buffer.clear()
        self._buffered = 0


def _open(cipher: AESGCM, number: int, sizes: list[int], raw: bytes) -> list[bytes]:
    opened, at = [], 0
    try:
        for place, size in enumerate(sizes):
            opened.append(cipher.decrypt(_nonce(number + place), raw[at : at + size], None))
            at += size
    except InvalidTag as error:
        raise Fault("A file of a bulk job was changed in the store or has another key.") from error
    return opened


def _inflate(packed: bytes, size: int) -> bytes:
    return zlib.decompressobj(_RAW).decompress(packed, size)


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _unreachable() -> Busy:
    return Busy("The store of bulk files cannot be reached now; its operator knows `bulk_store`.")
