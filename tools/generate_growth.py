"""The tables of growth charts, from the data files of the CDC growth charts (2000).

    python -m tools.generate_growth FOLDER

FOLDER holds wtage.csv, statage.csv and bmiage.csv as the National Center for Health Statistics
publishes them (cdc.gov/growthcharts/cdc-data-files.htm): works of the government of the United
States, in the public domain. Of each row the sex, the age in months, L, M and S are kept.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

FILES = {"weight": "wtage.csv", "height": "statage.csv", "bmi": "bmiage.csv"}
TARGET = Path(__file__).resolve().parent.parent / "src/careplane/care/growth/cdc2000.json"
_SEXES = {"1": "male", "2": "female"}


def main() -> None:
    """Read the files of a folder, and write the tables."""
    folder = Path(sys.argv[1])
    tables = {name: _table((folder / file).read_text("ascii")) for name, file in FILES.items()}
    source = "CDC growth charts, United States, 2000 (cdc.gov/growthcharts); public domain"
    lines = [f'"source": {json.dumps(source)}']
    for name, table in tables.items():
        rows = ",\n  ".join(f'"{sex}": {json.dumps(values)}' for sex, values in table.items())
        lines.append(f'"{name}": {{\n  {rows}\n }}')
    TARGET.write_text("{\n " + ",\n ".join(lines) + "\n}\n")


def _table(text: str) -> dict[str, list[list[float]]]:
    """Sex to rows of age in months, L, M, S, in order of age."""
    found: dict[str, list[list[float]]] = {sex: [] for sex in _SEXES.values()}
    for line in re.split(r"[\r\n]+", text.strip()):
        sex, *numbers = line.split(",")[:5]
        if sex in _SEXES:
            found[_SEXES[sex]].append([float(number) for number in numbers])
    return {sex: sorted(rows) for sex, rows in found.items()}


if __name__ == "__main__":
    main()
