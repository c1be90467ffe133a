"""Known vulnerabilities of the packages in constraints.txt, by pip-audit.

    python -m tools.audit_packages

Ends with 1 where there are some. Where no database of vulnerabilities can be reached, as behind an
index without one, it says so and ends with 0: nothing was found out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CONSTRAINTS = Path(__file__).parent.parent / "constraints.txt"
_SECONDS = 60
_ASK = ("-m", "pip_audit", "-r", str(CONSTRAINTS), "--no-deps", "--disable-pip", "-f", "json")


def ask() -> list[dict[str, Any]] | None:
    """What pip-audit says of each package; None where it could not say anything."""
    try:
        done = subprocess.run(
            [sys.executable, *_ASK], capture_output=True, timeout=_SECONDS, check=False
        )
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return found


def judge(packages: list[dict[str, Any]] | None) -> tuple[int, list[str]]:
    """An exit code, and lines for a person."""
    looked = [package for package in packages or () if "vulns" in package]
    if not looked:
        return 0, ["NOT AUDITED: no database of vulnerabilities can be reached from here."]
    lines = [
        f"{package['name']} {package['version']}: {flaw['id']}, "
        f"mended in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for package in looked
        for flaw in package["vulns"]
    ]
    unknown = len(packages or ()) - len(looked)
    summary = f"{len(looked)} packages audited, {unknown} unknown, {len(lines)} vulnerabilities"
    return int(bool(lines)), [*lines, summary]


def main() -> None:
    """Ask, and say."""
    code, lines = judge(ask())
    print("\n".join(lines))
    raise SystemExit(code)


if __name__ == "__main__":
    main()
