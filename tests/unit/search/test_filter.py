"""Bounds of _filter: whatever is sent, there is an answer soon."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from careplane.kernel.errors import CareplaneError
from careplane.search.criterion import Setting
from careplane.search.parse import parse
from careplane.search.registry import r4_registry

SETTING = Setting(r4_registry({}))
CHAIN = "subject:Patient.link:Patient." * 12


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "(" * 30 + "gender eq male" + ")" * 30,
        "not (" * 2000 + "gender eq male" + ")" * 2000,
        " or ".join(["gender eq male"] * 300),
        "gender eq male and " * 520,
        "x" * 10_001,
        '"' + "\\\\" * 4000,
        f"{CHAIN}name eq a",
        "\x00", "]", "", " ",
    ],
)  # fmt: skip
def test_bad_filters_end_soon(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(CareplaneError):
        parse(SETTING, ("Patient",), [("_filter", text)], strict=True)
    assert time.monotonic() - began < 2


def test_many_long_chains_end_soon() -> None:
    text = " or ".join(["_has:Observation:subject:subject.link.link.link.name eq a"] * 150)
    began = time.monotonic()
    with suppress(CareplaneError):
        parse(SETTING, ("Patient",), [("_filter", text)], strict=True)
    assert time.monotonic() - began < 2
