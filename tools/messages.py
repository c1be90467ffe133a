"""Catalogues of the pages' words: extract them, take them into a language, compile.

    python -m tools.messages            write src/careplane/web/locale/careplane.pot anew
    python -m tools.messages fr         add or refresh locale/fr/LC_MESSAGES/careplane.po

Compiled catalogues (`.mo`) are made by the build from the `.po` files; gettext of the system is
not needed.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "src/careplane/web"
LOCALE = WEB / "locale"
TEMPLATE = LOCALE / "careplane.pot"
METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None, "gettext": None, "ngettext": (1, 2), "mark": None,
}  # fmt: skip


def main() -> None:
    """Write the template, and the catalogues of the languages that are named."""
    template = extract()
    LOCALE.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_bytes(dump(template))
    for language in sys.argv[1:]:
        refresh(template, language)


def extract() -> Catalog:
    """Every marked string, with the file it stands in; nothing that changes by itself."""
    catalog = Catalog(project="careplane", fuzzy=False)
    found = extract_from_dir(WEB, METHODS, OPTIONS, keywords=KEYWORDS)
    for path, _, message, comments, context in sorted(found, key=lambda row: (row[0], row[1])):
        catalog.add(message, None, [(path, None)], auto_comments=comments, context=context)  # type: ignore[list-item]
    return catalog


def dump(catalog: Catalog) -> bytes:
    """The catalogue as text, without dates."""
    out = BytesIO()
    write_po(out, catalog, omit_header=True, width=100, include_lineno=False)
    return out.getvalue()


def refresh(template: Catalog, language: str) -> None:
    """Take new messages into a language, keep what is translated."""
    path = LOCALE / language / "LC_MESSAGES" / "careplane.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    catalog = Catalog(locale=language, project="careplane", fuzzy=False)
    if path.exists():
        with path.open("rb") as file:
            catalog = read_po(file, locale=language)
    catalog.update(template)
    with path.open("wb") as file:
        write_po(file, catalog, width=100, include_lineno=False)


if __name__ == "__main__":
    main()
