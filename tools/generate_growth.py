"""The tables of growth charts, as the CDC recommends them: the WHO's below 2 years.

    python -m tools.generate_growth FOLDER

FOLDER holds, as they are published and saved with commas,

- wtage.csv, statage.csv and bmiage.csv of the CDC growth charts of 2000
  (cdc.gov/growthcharts/cdc-data-files.htm): works of the government of the United States, in the
  public domain;
- of the WHO Child Growth Standards of 2006 (who.int/tools/child-growth-standards) wfa, lhfa and
  hcfa by week from birth to 13 weeks and by month, and wfl by length, each for boys and girls
  (wfa_boys_0_13_zscores.csv, wfa_boys_0_5_zscores.csv and so on).

Of each row the sex, the age in months or the length in cm, L, M and S are kept.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

CDC = {"weight": "wtage.csv", "height": "statage.csv", "bmi": "bmiage.csv"}
WHO = {"weight": ("wfa", "0_5", 24), "height": ("lhfa", "0_2", 24), "head": ("hcfa", "0_5", 60),
       "weight-for-length": ("wfl", "0_2", 110)}  # fmt: skip
"""What the WHO's files are called, and up to which month, or length, they are kept."""
TARGET = Path(__file__).resolve().parent.parent / "src/careplane/care/growth"
_SEXES = {"1": "male", "2": "female"}
_CHILDREN = {"boys": "male", "girls": "female"}
_MONTHS_OF_A_WEEK = 7 / 30.4375


def main() -> None:
    """Read the files of a folder, and write the tables."""
    folder = Path(sys.argv[1])
    cdc = {name: _cdc((folder / file).read_text("ascii")) for name, file in CDC.items()}
    who = {
        name: {sex: _who(folder, name, children) for children, sex in _CHILDREN.items()}
        for name in WHO
    }
    united = "CDC growth charts, United States, 2000 (cdc.gov/growthcharts); public domain"
    _write("cdc2000", united, cdc)
    world = "WHO Child Growth Standards, 2006 (who.int/tools/child-growth-standards)"
    _write("who2006", world, who)


def _write(name: str, source: str, tables: dict[str, dict[str, list[list[float]]]]) -> None:
    lines = [f'"source": {json.dumps(source)}']
    for key, table in tables.items():
        rows = ",\n  ".join(f'"{sex}": {json.dumps(values)}' for sex, values in table.items())
        lines.append(f'"{key}": {{\n  {rows}\n }}')
    (TARGET / f"{name}.json").write_text("{\n " + ",\n ".join(lines) + "\n}\n")


def _cdc(text: str) -> dict[str, list[list[float]]]:
    """Sex to rows of age in months, L, M, S, in order of age."""
    found: dict[str, list[list[float]]] = {sex: [] for sex in _SEXES.values()}
    for line in re.split(r"[\r\n]+", text.strip()):
        sex, *numbers = line.split(",")[:5]
        if sex in _SEXES:
            found[_SEXES[sex]].append([float(number) for number in numbers])
    return {sex: sorted(rows) for sex, rows in found.items()}


def _who(folder: Path, name: str, children: str) -> list[list[float]]:
    """Rows of months or centimetres, L, M, S: weeks first where there are some, then months."""
    key, span, last = WHO[name]
    weeks = [] if key == "wfl" else _rows(folder / f"{key}_{children}_0_13_zscores.csv")
    early = [[round(row[0] * _MONTHS_OF_A_WEEK, 4), *row[1:]] for row in weeks]
    after = early[-1][0] if early else 0
    later = _rows(folder / f"{key}_{children}_{span}_zscores.csv")
    return early + [row for row in later if after < row[0] <= last]


def _rows(file: Path) -> list[list[float]]:
    with file.open(encoding="ascii", newline="") as lines:
        return [[float(row[key]) for key in (next(iter(row)), "L", "M", "S")]
                for row in csv.DictReader(lines)]  # fmt: skip


if __name__ == "__main__":
    main()
