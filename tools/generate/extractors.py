"""`src/careplane/search/generated/`: one extractor a resource type, and the table of aliases."""

from __future__ import annotations

from pathlib import Path

from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.search.compile.source import aliases_of, extractor
from careplane.search.errata import r4_search_parameters
from tools.generate.write import BANNER, module, table

EXTRACTORS = Path(__file__).resolve().parents[2] / "src" / "careplane" / "search" / "generated"


def extractor_modules() -> dict[str, str]:
    """The text of every file, by its name. The tables of `fhir/generated` come first."""
    definitions = r4_search_parameters()
    spared = {
        str(param): tuple(map(str, others))
        for base in RESOURCE_TYPES
        for param, others in sorted(aliases_of(base, definitions).items())
    }
    return {
        "__init__.py": module("Extractors of index rows. Get them through search/extract."),
        "aliases.py": module(
            "Parameters whose rows are those of others (see search/compile/aliases.py).",
            table("ALIASES", "dict[str, tuple[str, ...]]", spared),
        ),
        **{f"{base.lower()}.py": BANNER + extractor(base, definitions) for base in RESOURCE_TYPES},
    }
