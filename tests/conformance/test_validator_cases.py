"""The R4 cases of HL7's validator suite: do we agree on "valid or not", and on the set of errors?

What is compared, and how, is in `tests/validator_house.py`. Cases that we judge differently are
named in `validator_cases.yaml` with the reason; an unnamed one fails, and so does a named one that
agrees by now.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.validator_house import runs

_NAMED: dict[str, dict[str, list[str]]] = yaml.safe_load(
    (Path(__file__).parent / "validator_cases.yaml").read_text("utf-8")
)
EXPECTED_FAILURES = {name: reason for reason, names in _NAMED["verdict"].items() for name in names}
OTHER_ERRORS = {name: reason for reason, names in _NAMED["errors"].items() for name in names}
FLOOR = 0.95
FLOOR_OF_ERRORS = 0.85


def cases_in_all() -> int:
    """How many cases there are."""
    return len(runs())


def test_agreement(capsys: pytest.CaptureFixture[str]) -> None:
    cases = runs().values()
    agreed = sum(all(run.agrees for run in case) for case in cases)
    in_full = sum(all(run.agrees_on_errors for run in case) for case in cases)
    with capsys.disabled():
        print(  # noqa: T201
            f"\nvalidator cases: {agreed} of {len(cases)} agree ({agreed / len(cases):.1%}), "
            f"{in_full} on the set of errors ({in_full / len(cases):.1%})"
        )
    assert agreed >= FLOOR * len(cases)
    assert in_full >= FLOOR_OF_ERRORS * len(cases)


def test_each_other_verdict_is_named() -> None:
    differing = {name for name, case in runs().items() if not all(run.agrees for run in case)}
    assert differing == set(EXPECTED_FAILURES)


def test_each_other_set_of_errors_is_named() -> None:
    differing = {
        name
        for name, case in runs().items()
        if all(run.agrees for run in case) and not all(run.agrees_on_errors for run in case)
    }
    assert differing == set(OTHER_ERRORS)


def test_we_refuse_hardly_anything_that_they_accept() -> None:
    refused = [
        name
        for name, case in runs().items()
        if any(run.is_valid and not run.is_valid_for_us for run in case)
    ]
    assert len(refused) <= 3, refused
