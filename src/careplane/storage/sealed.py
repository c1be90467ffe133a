"""Sealed files: bytes that are compressed, encrypted and known to be whole when they are read.

A file is 16 random bytes, then frames: 4 bytes of length, big-endian, and that many bytes of
AES-256-GCM. The key of a file is HKDF-Expand (RFC 5869) of the caller's under those random bytes,
the nonce of a frame is its number and whether it is the last one (the STREAM construction of Hoang,
Reyhanitabar, Rogaway and Vizár, 2015): frames that are changed, left out, moved or taken from
another file do not open, nor does a file without its end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from careplane.kernel.errors import Fault

_SALT = 16
_LENGTH = 4
_FRAME = 1 << 18
_TAG = 16
_LEVEL = 3
_PIECE = 1 << 20


class Sealing:
    """Writes one file, which must not be there yet; only its owner may read it."""

    def __init__(self, path: Path, key: bytes) -> None:
        salt = os.urandom(_SALT)
        self._cipher = _cipher(key, salt)
        self._number = 0
        self._waiting = bytearray()
        self._compressor = zstandard.ZstdCompressor(_LEVEL).compressobj()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "wb")
        self._file.write(salt)

    def write(self, data: bytes) -> None:
        self._waiting += self._compressor.compress(data)
        while len(self._waiting) > _FRAME:
            self._frame(bytes(self._waiting[:_FRAME]), last=False)
            del self._waiting[:_FRAME]

    def close(self) -> None:
        """All of it is in the file. A file that was not closed does not open."""
        self._waiting += self._compressor.flush()
        while len(self._waiting) > _FRAME:
            self._frame(bytes(self._waiting[:_FRAME]), last=False)
            del self._waiting[:_FRAME]
        self._frame(bytes(self._waiting), last=True)
        self._file.close()

    def abandon(self) -> None:
        self._file.close()

    def _frame(self, data: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number, last), data, None)
        self._file.write(len(sealed).to_bytes(_LENGTH) + sealed)
        self._number += 1


def unsealed(path: Path, key: bytes) -> Iterator[bytes]:
    """What was written, in pieces. Raises Fault where the file is not as it was closed, or is of
    another key; what came before that was right."""
    with path.open("rb") as file:
        expander = zstandard.ZstdDecompressor().decompressobj()
        for frame in _frames(file, _cipher(key, file.read(_SALT)), path.name):
            yield from _expanded(expander, frame, path.name)


def _frames(file: IO[bytes], cipher: AESGCM, name: str) -> Iterator[bytes]:
    number, last = 0, False
    following = _sealed(file, name)
    while following is not None:
        sealed, following = following, _sealed(file, name)
        last = following is None
        try:
            yield cipher.decrypt(_nonce(number, last), sealed, None)
        except InvalidTag:
            raise Fault(f"{name} is damaged, cut off, or of another key") from None
        number += 1
    if not last:
        raise Fault(f"{name} is cut off")


def _sealed(file: IO[bytes], name: str) -> bytes | None:
    head = file.read(_LENGTH)
    if not head:
        return None
    length = int.from_bytes(head)
    found = file.read(length) if _TAG <= length <= _FRAME + _TAG else b""
    if len(found) != length:
        raise Fault(f"{name} is damaged, or cut off")
    return found


def _expanded(expander: zstandard.ZstdDecompressionObj, frame: bytes, name: str) -> Iterator[bytes]:
    try:
        data = expander.decompress(frame)
    except zstandard.ZstdError:
        raise Fault(f"{name} is damaged") from None
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDFExpand(SHA256(), 32, b"careplane/sealed-file/1" + salt).derive(key))
