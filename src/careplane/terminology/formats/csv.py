"""Any table of codes with the names of its columns in the first line (RFC 4180; `separator` may be
another). Which column is what, options say:

    url, version, name      of the code system
    code, display           columns; the first is required
    definition, parent, status, inactive, abstract
                            columns; of several parents, `|` stands between them; `inactive` and
                            `abstract` are so where the column says 1, true, yes or y
    display.<language>      a column with designations of a language
    property.<code>         a column with values of a property
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect
from careplane.terminology.loading.files import Files
from careplane.terminology.loading.release import Fact, refused

_COLUMNS = ("code", "display", "definition", "parent", "status", "inactive", "abstract")
_OWN = ("url", "version", "name", "separator", "case-sensitive")
_TRUE = ("1", "true", "yes", "y")
_LANGUAGE, _PROPERTY = "display.", "property."


class Csv:
    """One table."""

    def __init__(self, files: Files, options: Mapping[str, str]) -> None:
        unknown = [name for name in options if not _is_known(name)]
        if unknown:
            raise Incorrect(
                f"A CSV file has no option {unknown[0]}; it has {', '.join(_COLUMNS)}, "
                "display.<language>, property.<code>, url, version, name, separator."
            )
        if "url" not in options or "code" not in options:
            raise Incorrect(
                "A CSV file needs the options url (of the code system) and code (the "
                "column with the codes)."
            )
        self._files = files
        self._options = options
        self._separator = options.get("separator", ",").replace("\\t", "\t")
        if len(self._separator) != 1:
            raise Incorrect("The separator of a CSV file is one character.")
        self._name = files.find("*.[ct]s[v]") if files.all("*.[ct]s[v]") else files.find("*.txt")

    @property
    def header(self) -> Tree:
        codes = [o.removeprefix(_PROPERTY) for o in self._options if o.startswith(_PROPERTY)]
        properties = [{"code": code, "type": "string"} for code in codes]
        return {
            "resourceType": "CodeSystem",
            "url": self._options["url"],
            "version": self._options.get("version", ""),
            "name": self._options.get("name", "Table"),
            "status": "active",
            "content": "complete",
            "caseSensitive": self._options.get("case-sensitive", "true") == "true",
            **({"hierarchyMeaning": "is-a"} if "parent" in self._options else {}),
            **({"property": properties} if properties else {}),
        }

    def hierarchy(self) -> Iterator[tuple[str, Iterable[str]]]:
        seen: set[str] = set()
        for number, row in self._rows():
            if row["code"] in seen:
                raise refused(self._name, number, f"the code {row['code'][:100]} was there before.")
            seen.add(row["code"])
            parents = row.get("parent", "").split("|")
            yield row["code"], [parent.strip() for parent in parents if parent.strip()]

    def facts(self) -> Iterator[Fact]:
        for _, row in self._rows():
            yield Fact(
                row["code"],
                row.get("display", ""),
                row.get("definition", ""),
                tuple(
                    ("", name.removeprefix(_LANGUAGE), text)
                    for name, text in row.items()
                    if name.startswith(_LANGUAGE) and text
                ),
                tuple(
                    (name.removeprefix(_PROPERTY), "string", text, 0)
                    for name, text in row.items()
                    if name.startswith(_PROPERTY) and text
                ),
                row.get("inactive", "").lower() in _TRUE,
                row.get("abstract", "").lower() in _TRUE,
                row.get("status", ""),
            )

    def _rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Values by what they are."""
        columns = {name: title for name, title in self._options.items() if name not in _OWN}
        rows = self._files.records(self._name, list(columns.values()), separator=self._separator)
        for number, values in rows:
            row = dict(zip(columns, (value.strip() for value in values), strict=True))
            if not row["code"]:
                raise refused(self._name, number, "there is no code.")
            yield number, row


def _is_known(name: str) -> bool:
    return name in _COLUMNS or name in _OWN or name.startswith((_LANGUAGE, _PROPERTY))
