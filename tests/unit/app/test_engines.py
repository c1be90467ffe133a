"""Which store the settings name, and that nothing prints a database's password."""

from __future__ import annotations

from pathlib import Path

import pytest

from careplane.app import engines
from careplane.app.keys import create
from careplane.app.settings import Settings
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Incorrect
from careplane.storage.engines.postgres import PostgresStore


@pytest.mark.parametrize(
    ("address", "shared"),
    [("", False), ("postgresql://u@h/d", True), ("postgres://u@h/d?sslmode=require", True)],
)
def test_an_address_is_one_of_postgres(address: str, shared: bool) -> None:
    assert engines.is_shared(Settings(database=address)) is shared


def test_another_kind_of_address_is_refused_without_its_password() -> None:
    with pytest.raises(Incorrect) as refused:
        engines.is_shared(Settings(database="mysql://u:sekrit@h/d"))
    assert "postgresql://" in refused.value.text
    assert "sekrit" not in refused.value.text


def test_a_password_is_not_printed_with_the_settings() -> None:
    assert "sekrit" not in repr(Settings(database="postgresql://u:sekrit@h/d"))


def test_a_store_opens_before_its_database_is_reached(tmp_path: Path) -> None:
    keys = create(tmp_path / "data")
    settings = Settings(data=tmp_path / "data", database="postgresql://u:sekrit@127.0.0.1:1/d")
    store = engines.records(settings, keys, system_clock)
    assert isinstance(store, PostgresStore)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["careplane.key"]
