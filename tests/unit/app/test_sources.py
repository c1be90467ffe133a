"""Files to pieces: format by name, gzip by content, bounded, a reason for what is unreadable."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from careplane.app.imports import sources
from careplane.interop.bulk.loading import pieces as loading
from careplane.kernel.errors import CareplaneError, Incorrect


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.json", "json"),
        ("a.JSON.gz", "json"),
        ("a.xml", "xml"),
        ("a.b.ndjson", "ndjson"),
        ("a.jsonl.gz", "ndjson"),
        ("a.txt", None),
        ("a.gz", None),
        ("a", None),
    ],
)
def test_a_format_is_told_by_the_name(name: str, format: str | None) -> None:
    assert sources.format_of(Path(name)) == format


def test_a_folder_gives_what_holds_resources_in_order(tmp_path: Path) -> None:
    for name in ("b.json", "a.ndjson.gz", "notes.txt", "in/c.xml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    found = [p.relative_to(tmp_path).as_posix() for p in sources.find([tmp_path])]
    assert found == ["a.ndjson.gz", "b.json", "in/c.xml"]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Incorrect, match="does not exist"):
        list(sources.find([tmp_path / "nowhere"]))


def test_ndjson_comes_in_pieces_that_know_their_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "LINES", 2)
    path = tmp_path / "x.ndjson"
    path.write_bytes(b"1\n2\n3\n4\n5")
    cut = [(p.line, p.data) for p in sources.pieces(path)]
    assert cut == [(1, b"1\n2\n"), (3, b"3\n4\n"), (5, b"5")]


@pytest.mark.parametrize("spoil", [lambda b: b[:-6], lambda b: b[:10] + b"\xff" * 20])
def test_a_broken_gzip_file_has_a_reason(tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "x.json.gz"
    path.write_bytes(spoil(gzip.compress(b"{}" * 100)))  # type: ignore[operator]
    with pytest.raises(CareplaneError, match=r"gzip|read"):
        list(sources.pieces(path))


def test_a_file_that_unpacks_without_end_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "LARGEST", 3_000_000)
    monkeypatch.setattr(loading, "LONGEST", 3_000_000)
    for name in ("x.json.gz", "x.ndjson.gz"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(b" " * 10_000_000))
        with pytest.raises(CareplaneError, match="MB"):
            list(sources.pieces(path))
