"""A key file is private, made once, and says clearly when it is missing or spoilt."""

from pathlib import Path

import pytest

from careplane.app import keys
from careplane.kernel.errors import Conflict, NotFound


def test_a_key_is_made_once_private_and_read_back(tmp_path: Path) -> None:
    made = keys.create(tmp_path / "data")
    assert (tmp_path / "data" / keys.NAME).stat().st_mode & 0o777 == 0o600
    assert keys.load(tmp_path / "data") == made
    with pytest.raises(Conflict):
        keys.create(tmp_path / "data")


def test_derived_keys_differ_and_stay(tmp_path: Path) -> None:
    made = keys.create(tmp_path)
    assert made.derive("store") == keys.load(tmp_path).derive("store")
    assert len({made.root, made.derive("store"), made.derive("tokens")}) == 3


@pytest.mark.parametrize("text", [None, "", "zz", "00ff", "é"])
def test_a_missing_or_spoilt_key_says_what_to_do(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / keys.NAME).write_text(text)
    with pytest.raises(NotFound, match=r"careplane init|backup"):
        keys.load(tmp_path)


def test_a_key_does_not_print_itself(tmp_path: Path) -> None:
    made = keys.create(tmp_path)
    assert made.root.hex() not in repr(made)
    assert repr(made.root) not in repr(made)
