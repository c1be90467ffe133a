"""What is made of an answer of pip-audit."""

from __future__ import annotations

from typing import Any

import pytest

from tools.audit_packages import judge

_GOOD = {"name": "good", "version": "1.0", "vulns": []}
_UNKNOWN = {"name": "unknown", "skip_reason": "not found"}
_BAD = {
    "name": "bad",
    "version": "2.0",
    "vulns": [{"id": "CVE-0000-1", "fix_versions": ["2.1"]}, {"id": "X-2", "fix_versions": []}],
}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        (None, 0, "NOT AUDITED"),
        ([_UNKNOWN], 0, "NOT AUDITED"),
        ([_GOOD, _UNKNOWN], 0, "1 packages audited, 1 unknown, 0 vulnerabilities"),
        ([_GOOD, _BAD], 1, "bad 2.0: CVE-0000-1, mended in 2.1"),
        ([_BAD], 1, "bad 2.0: X-2, mended in no version yet"),
    ],
)
def test_a_flaw_ends_the_check(packages: list[dict[str, Any]] | None, code: int, said: str) -> None:
    got, lines = judge(packages)
    assert got == code
    assert any(said in line for line in lines)
