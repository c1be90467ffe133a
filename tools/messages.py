"""Catalogues of what is said to people: extract them, take them into languages, translate, compile.

    python -m tools.messages                   write words/locale/careplane.pot anew, compile all
    python -m tools.messages fr                add or refresh locale/fr/LC_MESSAGES/careplane.po
    python -m tools.messages --missing fr      what has no translation yet, as JSON
    python -m tools.messages --fill fr FILE    take that JSON back, with what was translated

The JSON is a list of `{"id", "plural", "context", "where", "forms"}`; `forms` holds one text, or as
many as the language has forms of plurals, where `--missing` names numbers that ask for each.
Compiled catalogues (`.mo`) are no part of the repository; gettext of the system is not needed.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir, extract_from_file, extract_python
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po

from hatch_build import compile_catalogues

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src/careplane"
LOCALE = SOURCE / "words/locale"
TEMPLATE = LOCALE / "careplane.pot"
PLACES = (
    "access/people", "app/demo/roles.py", "care", "records/audits/anomalies",
    "records/break_glass.py", "sharing", "telehealth", "web", "words",
)  # fmt: skip
"""Where sentences for people stand."""
METHODS = [
    ("**/templates/**.html", "jinja2"),
    ("**.py", "tools.messages:python"),
    ("**/catalogue.json", "tools.messages:listed"),
]
OPTIONS = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
_ERROR = re.compile(r"(?!CAREPLANE_)[A-Z][^{}]* [^{}]*[.!?]")
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None, "gettext": None, "ngettext": (1, 2), "mark": None, "marks": (1, 2),
}  # fmt: skip


def main() -> None:
    """Do what the words of the command line say."""
    match sys.argv[1:]:
        case ["-h" | "--help"]:
            print(__doc__)
        case ["--missing", language]:
            rows = list(missing(read(language)))
            print(json.dumps(rows, ensure_ascii=False, indent=1))
        case ["--fill", language, file]:
            print(fill(language, json.loads(Path(file).read_text())), "translations taken")
            compile_catalogues(ROOT)
        case languages:
            template = extract()
            LOCALE.mkdir(parents=True, exist_ok=True)
            TEMPLATE.write_bytes(dump(template))
            present = {path.parts[-3] for path in LOCALE.glob("*/LC_MESSAGES/careplane.po")}
            for language in sorted({*languages} or present):
                refresh(template, language)
            compile_catalogues(ROOT)


def extract() -> Catalog:
    """Every marked string, with the file it stands in; nothing that changes by itself."""
    catalog = Catalog(project="careplane", fuzzy=False)
    for place in PLACES:
        for path, _, message, comments, context in _found(place):
            catalog.add(message, None, [(path, None)], auto_comments=comments, context=context)  # type: ignore[list-item]
    return catalog


@cache
def _found(place: str) -> list[tuple[Any, ...]]:
    """The messages of a folder or a file, in order: path, line, message, comments, context. Files
    are read once."""
    if not (SOURCE / place).is_dir():
        rows = extract_from_file("tools.messages:python", SOURCE / place, KEYWORDS)
        found = [(place, *row) for row in rows]
    else:
        below = extract_from_dir(SOURCE / place, METHODS, OPTIONS, keywords=KEYWORDS)
        found = [(f"{place}/{row[0]}", *row[1:]) for row in below]
    return sorted(found, key=itemgetter(0, 1))


def python(
    file: IO[bytes], keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[Any, ...]]:
    """Messages of a module, and the sentences that its errors say: a page shows what went wrong, in
    the language of who reads it."""
    source = file.read()
    yield from extract_python(BytesIO(source), keywords, comment_tags, options)
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Raise(exc=ast.Call(args=args)):
                for part in args:
                    text = part.value if isinstance(part, ast.Constant) else None
                    if isinstance(text, str) and _ERROR.fullmatch(text):
                        yield part.lineno, "_", text, []
            case _:
                pass


def listed(
    file: IO[bytes], keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[Any, ...]]:
    """Titles and hints of a list that ships."""
    read = json.load(file)
    for one in (*read["items"], *read["sets"]):
        for name in ("title", "hint"):
            if name in one:
                yield 1, "_", one[name], []


def dump(catalog: Catalog) -> bytes:
    """The catalogue as text, without dates."""
    out = BytesIO()
    write_po(out, catalog, omit_header=True, width=100, include_lineno=False)
    return out.getvalue()


def read(language: str) -> Catalog:
    """The catalogue of a language as it stands."""
    with _path(language).open("rb") as file:
        return read_po(file, locale=language)


def refresh(template: Catalog, language: str) -> None:
    """Take new messages into a language, keep what is translated; what is no longer said goes."""
    catalog = Catalog(locale=language, project="careplane", fuzzy=False)
    if _path(language).exists():
        catalog = read(language)
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    write(language, catalog)


def write(language: str, catalog: Catalog) -> None:
    """Without dates and places of lines, so that only words make a change."""
    text = dump(catalog).decode()
    nplurals, rule = get_plural(language)
    header = (
        f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: nplurals={nplurals}; plural={rule};\\n"\n\n'
    )
    path = _path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + text)


def missing(catalog: Catalog) -> Iterator[dict[str, Any]]:
    """What is not translated, in the order of its places."""
    for message in catalog:
        if message.id and not _complete(message):
            plural = message.id[1] if isinstance(message.id, tuple) else ""
            yield {
                "id": _id(message),
                "plural": plural,
                "context": message.context or "",
                "where": [path for path, _ in message.locations][:3],
                "forms": examples(catalog) if plural else [""],
            }


def examples(catalog: Catalog) -> list[str]:
    """For each form of plurals some numbers that ask for it, such as `3, 4, 5`."""
    choose: Callable[[int], int] = _plural(catalog)
    numbers: list[list[str]] = [[] for _ in range(catalog.num_plurals)]
    for number in range(201):
        if len(numbers[choose(number)]) < 4:
            numbers[choose(number)].append(str(number))
    return [", ".join(some) for some in numbers]


def fill(language: str, rows: list[dict[str, Any]]) -> int:
    """Take translations in; how many. A row with an empty form is left for another time."""
    catalog, taken = read(language), 0
    known = {(_id(one), one.context or ""): one for one in catalog if one.id}
    for row in rows:
        message = known.get((row["id"], row.get("context", "")))
        if message is not None and all(row["forms"]):
            forms = tuple(row["forms"])
            message.string = forms if isinstance(message.id, tuple) else forms[0]
            taken += 1
    write(language, catalog)
    return taken


def _path(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "careplane.po"


def _id(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple) else str(message.id)


def _complete(message: Message) -> bool:
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(forms) and not message.fuzzy


def _plural(catalog: Catalog) -> Callable[[int], int]:
    from gettext import c2py

    rule: Callable[[int], int] = c2py(catalog.plural_expr)
    return rule


if __name__ == "__main__":
    main()
