"""Streams to pieces: the same ones however the bytes arrive, packed or plain."""

from __future__ import annotations

import gzip
import random

import pytest

from careplane.interop.bulk.loading import pieces
from careplane.interop.bulk.loading.pieces import Cutter, Unpacker
from careplane.kernel.errors import Malformed, TooLarge


def _portions(data: bytes, seed: int) -> list[bytes]:
    seeded, found = random.Random(seed), []
    while data:
        size = seeded.choice((1, 2, 7, 1000))
        found.append(data[:size])
        data = data[size:]
    return found


def _cut(portions: list[bytes]) -> list[tuple[int, bytes]]:
    cutter, unpacker = Cutter("x"), Unpacker()
    found = [
        piece for some in portions for plain in unpacker.feed(some) for piece in cutter.feed(plain)
    ]
    found += cutter.feed(unpacker.end())
    found += cutter.end()
    return [(piece.line, piece.data) for piece in found]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_pieces_do_not_depend_on_portions(
    seed: int, ending: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "LINES", 3)
    lines = [b'{"n":%d}' % n for n in range(10)]
    data = b"\n".join(lines) + ending
    whole = _cut([data])
    assert [line for line, _ in whole] == [1, 4, 7, 10]
    assert b"".join(part for _, part in whole) == data
    assert _cut(_portions(data, seed)) == whole
    half = len(data) // 2
    packed = gzip.compress(data[:half]) + gzip.compress(data[half:])
    assert _cut(_portions(packed, seed)) == whole


def test_a_line_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "LONGEST", 100_000)
    bomb = gzip.compress(b" " * 50_000_000)
    with pytest.raises(TooLarge):
        _cut([bomb])


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"{}\n" * 99)[:-5], b"\x1f\x8b nonsense"],
    ids=["cut off", "nonsense"],
)
def test_a_broken_gzip_stream_has_a_reason(packed: bytes) -> None:
    with pytest.raises(Malformed, match="gzip"):
        _cut([packed])


def test_what_is_short_is_plain() -> None:
    assert _cut([b"", b"1"]) == [(1, b"1")]
    assert _cut([]) == []
