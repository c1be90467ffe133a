"""SMART scopes: what parses, what is refused, and that printing is the inverse of parsing."""

import pytest

from careplane.access.scopes import parse_scope, parse_scopes
from careplane.kernel.errors import Incorrect


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("system/*.cruds", "system/*.cruds"),
        ("user/Observation.rs", "user/Observation.rs"),
        ("patient/*.r", "patient/*.r"),
        ("user/Observation.rs?category=laboratory", "user/Observation.rs?category=laboratory"),
        ("system/Patient.read", "system/Patient.rs"),
        ("system/Patient.write", "system/Patient.cud"),
        ("system/*.*", "system/*.cruds"),
        ("system/Patient.purge", "system/Patient.purge"),
    ],
)
def test_a_scope_reads_and_prints(text: str, printed: str) -> None:
    assert str(parse_scope(text)) == printed
    assert parse_scope(printed) == parse_scope(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "openid",
        "system/*",
        "system/*.",
        "system/*.sr",
        "system/Patients.r",
        "nurse/*.r",
        "system/*.rs extra",
        "system/Observation.rs?",
        "system/*.rx",
        "system/*.p",
        "system/*.cruds,purge",
    ],
)
def test_what_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(Incorrect):
        parse_scope(text)


def test_a_list_of_scopes() -> None:
    assert parse_scopes("system/*.rs  patient/Observation.c") == {
        parse_scope("system/*.rs"),
        parse_scope("patient/Observation.c"),
    }
