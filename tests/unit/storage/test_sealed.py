"""Sealed files come back to the byte, or not at all."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.kernel.errors import Fault
from careplane.storage.sealed import Sealing, unsealed

KEY = bytes(range(32))


def sealed(path: Path, *pieces: bytes, key: bytes = KEY) -> bytes:
    file = Sealing(path, key)
    for piece in pieces:
        file.write(piece)
    file.close()
    return path.read_bytes()


def opened(path: Path, raw: bytes, key: bytes = KEY) -> bytes:
    path.write_bytes(raw)
    return b"".join(unsealed(path, key))


@given(st.lists(st.binary(max_size=500), max_size=8))
def test_what_was_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("sealed") / "file"
    raw = sealed(path, *pieces)
    assert opened(path, raw) == b"".join(pieces)


def test_many_frames_come_back_and_none_can_be_moved_or_left_out(tmp_path: Path) -> None:
    data = random.Random(7).randbytes(1_000_000)
    raw = sealed(tmp_path / "file", data)
    assert opened(tmp_path / "copy", raw) == data
    frame = 4 + (1 << 18) + 16
    head, frames = raw[:16], [raw[16 + n : 16 + n + frame] for n in range(0, len(raw) - 16, frame)]
    assert len(frames) > 3
    swapped = head + frames[1] + frames[0] + b"".join(frames[2:])
    without = head + b"".join(frames[1:])
    short = head + b"".join(frames[:-1])
    twice = raw + frames[-1]
    for wrong in (swapped, without, short, twice, raw + b"\0", raw[:-1], raw[:20], raw[:16], b""):
        with pytest.raises(Fault):
            opened(tmp_path / "copy", wrong)


def test_each_bit_counts(tmp_path: Path) -> None:
    raw = sealed(tmp_path / "file", b"a record")
    for place in range(len(raw)):
        wrong = bytearray(raw)
        wrong[place] ^= 1
        with pytest.raises(Fault):
            opened(tmp_path / "copy", bytes(wrong))


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    raw = sealed(tmp_path / "file", b"a record")
    with pytest.raises(Fault):
        opened(tmp_path / "copy", raw, bytes(32))


def test_nothing_is_written_over(tmp_path: Path) -> None:
    sealed(tmp_path / "file", b"a record")
    with pytest.raises(FileExistsError):
        Sealing(tmp_path / "file", KEY)
