"""What it costs to know what records mean: profiles, the operations on codes, packages, and a code
system of SNOMED CT's size.

    python -m tools.bench.meaning [--concepts 350000] [--out FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.support import test_data
from tools import measure_packages, measure_profiles, measure_releases, measure_terminology
from tools.bench import report

_HEAD = """# What meaning costs

Made by `make bench` (`python -m tools.bench.meaning`). Processor time of one core, but for loading,
which is timed by the wall.

## Profiles

Laboratory Observations of the synthetic patients, each of which claims a profile of US Core.
"""


def page(concepts: int) -> str:
    """All of it, measured."""
    package = test_data("us-core") / "us_core_610.tgz"
    parts = (
        (_HEAD, measure_profiles.facts()),
        ("\n## Operations on codes\n", measure_terminology.facts()),
        ("\n## Packages\n", measure_packages.facts(package)),
        ("\n## A large code system\n", measure_releases.facts(concepts)),
    )
    return "".join(head + report.facts(found) for head, found in parts)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--concepts", type=int, default=350_000)
    parser.add_argument("--out", type=Path, help="a page to write")
    options = parser.parse_args()
    text = page(options.concepts)
    print(text)
    if options.out:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
